"""How large the NBPO experiment is, and which trainings it compares."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from samplebook.negatives import Hyperparameters

FLIP_PENALTY = 0.4
"""lambda_phi that eta and lambda_r are tuned with, as a share of a world's strength."""
HALF = 0.5
"""The constant gamma that a collapse ends in."""
CUTOFFS = (2, 5, 10, 20, 50, 100)
"""The k of NDCG@k and F1@k."""
CUTOFF = 10
"""The k that validation and comparisons use."""
TUNING_SHARE = 0.3
"""Of the budget, what tuning may take."""
SHARES = (0.7, 0.1, 0.2)
"""Of a user's votes: training, validation, test."""

STRUCTURED, CONSTANT, UNKNOWN = "structured", "constant", "unknown"
"""What is known of the flips in a world: they differ between items, or not, or nothing is known."""


@dataclass(frozen=True)
class WorldSize:
    """A world of flipped votes, by the names of ``samplebook.data.flipped_votes``.

    With ``exposure_scale`` 0 every item is as likely seen as any other: flips are constant.
    """

    num_users: int
    num_items: int
    exposure_scale: float
    exposure_shift: float

    @property
    def flips(self) -> str:
        """Whether flips differ from item to item."""
        return CONSTANT if self.exposure_scale == 0 else STRUCTURED


@dataclass(frozen=True)
class Scale:
    """How large a run is.

    Attributes
    ----------
    worlds : dict from name to WorldSize
    rank : int
        K0 and K1.
    seeds : int
        Models trained side by side.
    epochs, validate_every : int
        Epochs, and after how many of them validation comes.
    negatives_per_positive, batch_size : int
        rho, and positives in a batch.
    rates : tuple of float
        eta times a world's strength.
    penalties : tuple of float
        lambda_r as a share of the strength.
    flip_penalties : tuple of float
        lambda_phi as a share of the strength, :data:`FLIP_PENALTY` among them.
    fixed_flips : tuple of float
        Constants in place of gamma, 1/2 among them.
    tuning_seeds, tuning_epochs : int
        Models and epochs by which eta and lambda_r are chosen.
    """

    worlds: dict[str, WorldSize]
    rank: int
    seeds: int
    epochs: int
    validate_every: int
    negatives_per_positive: int
    batch_size: int
    rates: tuple[float, ...]
    penalties: tuple[float, ...]
    flip_penalties: tuple[float, ...]
    fixed_flips: tuple[float, ...]
    tuning_seeds: int
    tuning_epochs: int


SCALES = {
    "full": Scale(
        worlds={
            "structured flips": WorldSize(6040, 3700, 1.5, -3.17),
            "constant flips": WorldSize(6040, 3700, 0.0, -2.36),
        },
        rank=50,
        seeds=10,
        epochs=200,
        validate_every=10,
        negatives_per_positive=4,
        batch_size=5000,
        rates=(0.2, 0.05),
        penalties=(0.05, 0.1, 0.02, 0.2),
        flip_penalties=(0.4, 0.2, 0.8, 0.1, 1.6, 0.05),
        fixed_flips=(0.1, 0.3, 0.5, 0.7),
        tuning_seeds=2,
        tuning_epochs=60,
    ),
    "tiny": Scale(
        worlds={
            "structured flips": WorldSize(60, 150, 1.5, -1.2),
            "constant flips": WorldSize(60, 150, 0.0, -1.1),
        },
        rank=4,
        seeds=3,
        epochs=6,
        validate_every=2,
        negatives_per_positive=2,
        batch_size=200,
        rates=(0.2, 0.5),
        penalties=(0.05, 0.1),
        flip_penalties=(0.4, 4.0, 0.1),
        fixed_flips=(0.1, 0.5),
        tuning_seeds=2,
        tuning_epochs=4,
    ),
}


NBPO, FIXED, BPO, BPR, ORIGINAL = FAMILIES = (
    "nbpo",
    "nbpo, gamma = 1/2",
    "bpo",
    "bpr",
    "nbpo_original",
)
"""What is tuned by itself, the more important ones first."""


def settings(
    scale: Scale, method: str, rate: float, penalty: float, **others: Any
) -> Hyperparameters:
    """Hyperparameters with eta, lambda_r, and the sizes of a scale."""
    sizes = {
        "epochs": scale.epochs,
        "negatives_per_positive": scale.negatives_per_positive,
        "batch_size": scale.batch_size,
    }
    return Hyperparameters(method, rate, penalty, **{**sizes, **others})


def candidates(scale: Scale, strength: float) -> list[dict[str, Hyperparameters]]:
    """By family the settings that are tried in a world, the same for all families.

    Parameters
    ----------
    scale : Scale
    strength : float
        The unit of eta's inverse and of penalties, ``World.strength``.
    """
    learned = {"flip_regularisation": FLIP_PENALTY * strength}
    found = []
    for rate in scale.rates:
        for penalty in scale.penalties:
            make = partial(
                settings,
                scale,
                rate=rate / strength,
                penalty=penalty * strength,
                epochs=scale.tuning_epochs,
            )
            found.append(
                {
                    NBPO: make("nbpo", **learned),
                    FIXED: make("nbpo", fixed_flip=HALF),
                    BPO: make("bpo"),
                    BPR: make("bpr"),
                    ORIGINAL: make("nbpo_original", **learned),
                }
            )
    return found


def official(scale: Scale) -> list[Hyperparameters]:
    """The official program's settings for MovieLens; a constant gamma has NBPO's."""
    make = partial(settings, scale)
    return [
        make("nbpo", 0.02, 0.5, flip_regularisation=1.0),
        make("nbpo", 0.02, 0.5, fixed_flip=HALF),
        make("bpo", 0.01, 1.0),
        make("bpr", 0.02, 1.0),
        make("nbpo_original", 0.001, 1.0, flip_regularisation=5.0),
    ]


def trainings(
    scale: Scale, strength: float, tuned: dict[str, Hyperparameters]
) -> list[list[Hyperparameters]]:
    """All trainings in one world, in groups, the more important ones first.

    First the tuned settings of all families; then the lambda_phi of NBPO; then the constants in place of
    gamma; then the official settings.
    """
    groups = [
        [tuned[family] for family in FAMILIES],
        [
            replace(tuned[NBPO], flip_regularisation=penalty * strength)
            for penalty in scale.flip_penalties
        ],
        [replace(tuned[FIXED], fixed_flip=constant) for constant in scale.fixed_flips],
        official(scale),
    ]
    seen: list[Hyperparameters] = []
    for group in groups:
        group[:] = [plan for plan in group if plan not in seen]
        seen += group
    return groups
