"""Matrix factorisation of preferences, and of the probability that a preference goes unseen."""

from dataclasses import dataclass, fields
from typing import Any

from samplebook.core.arrays import Array
from samplebook.core.checks import as_count
from samplebook.core.drawing import as_torch_generator


@dataclass
class MatrixFactorization:
    """Factors of users and items, as torch tensors of one dtype on one device.

    The preference model is P(user u likes item i) = sigma(R_ui) with R_ui = U_u . V_i. The flip model is
    P(i is unvoted | u likes i) = gamma_ui = sigma(g_ui) with g_ui = P_u . Q_i, where there is one.

    Attributes
    ----------
    user_factors : tensor (M, K0)
        U.
    item_factors : tensor (N, K0)
        V.
    flip_user_factors : tensor (M, K1), or None
        P.
    flip_item_factors : tensor (N, K1), or None
        Q.
    """

    user_factors: Array
    item_factors: Array
    flip_user_factors: Array = None
    flip_item_factors: Array = None

    @classmethod
    def initialise(
        cls,
        num_users: int,
        num_items: int,
        rank: int,
        *,
        flip_rank: int | None = None,
        rng: Any,
        dtype: Any = None,
    ) -> "MatrixFactorization":
        """Factors as the official program starts them.

        U and V are uniform in [0, 1) / sqrt(K0), P in [0, 5) / sqrt(K1) and Q in (-5, 0] / sqrt(K1). So g is
        about -6 and gamma about 0.003: NBPO starts out as BPO.

        Parameters
        ----------
        num_users, num_items : int, >= 1
            M and N.
        rank : int, >= 1
            K0.
        flip_rank : int, >= 1, optional
            K1; without it there is no flip model.
        rng : torch.Generator
            Its device is the factors' device.
        dtype : torch dtype, optional
            float32 unless given.

        Raises
        ------
        ValueError
            If a size is below 1, or ``rng`` is no generator.
        """
        import torch

        rng = as_torch_generator(rng)

        def uniform(rows: int, columns: int, scale: float = 1.0) -> Array:
            numbers = torch.rand(
                (rows, columns),
                generator=rng,
                device=rng.device,
                dtype=dtype or torch.float32,
            )
            return numbers * (scale / columns**0.5)

        num_users = as_count(num_users, "num_users")
        num_items = as_count(num_items, "num_items")
        rank = as_count(rank, "rank")
        factors = [uniform(num_users, rank), uniform(num_items, rank)]
        if flip_rank is not None:
            flip_rank = as_count(flip_rank, "flip_rank")
            factors.append(uniform(num_users, flip_rank, 5.0))
            factors.append(uniform(num_items, flip_rank, -5.0))
        return cls(*factors)

    @property
    def num_users(self) -> int:
        """M."""
        return len(self.user_factors)

    @property
    def num_items(self) -> int:
        """N."""
        return len(self.item_factors)

    @property
    def learns_flips(self) -> bool:
        """Whether there is a flip model."""
        return self.flip_user_factors is not None

    def copy(self) -> "MatrixFactorization":
        """The same factors in memory of their own."""
        factors = [getattr(self, field.name) for field in fields(self)]
        return MatrixFactorization(
            *(None if factor is None else factor.clone() for factor in factors)
        )

    def scores(self, users: Any = slice(None)) -> Array:
        """R, the preference logits of the given users for all items, (B, N); higher means liked more."""
        return self.user_factors[users] @ self.item_factors.T

    def preferences(self, users: Any = slice(None)) -> Array:
        """p = sigma(R), in (0, 1), (B, N)."""
        return self.scores(users).sigmoid()

    def flip_probabilities(self, users: Any = slice(None)) -> Array:
        """gamma = sigma(g), in (0, 1), (B, N).

        Raises
        ------
        ValueError
            If there is no flip model.
        """
        if not self.learns_flips:
            raise ValueError("flip_rank: this model was made without a flip model")
        return (self.flip_user_factors[users] @ self.flip_item_factors.T).sigmoid()
