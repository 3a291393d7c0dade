"""What to learn from what was not chosen: noisy-label robust negatives, pooling bias.

Noisy labels (Yu and Qin, "Sampler Design for Implicit Feedback Data by Noisy-label Robust Learning", 2020):
``losses`` has the objectives of BPR, BPO and the NBPOs, ``update_coefficients`` their gradients,
``negative_sampling`` draws unvoted items, ``matrix_factorization`` holds the factors, ``training`` trains
them, ``label_flips`` has the flip model and its collapse, ``ranking_metrics`` judges full rankings.

Pooling bias (Cai et al., "Hard Negatives or False Negatives", 2022): ``negative_weights`` weighs unlabelled
documents, ``pairwise_ranking`` fits a linear ranker, ``coupled_estimation`` two of them in turn,
``coupled_training`` two networks, ``coupled_likelihood`` relevance and selection by maximum likelihood;
``negative_pools`` and ``training_pairs`` draw negatives, ``pooling_bias`` hides labels. Importing this needs
NumPy alone; SciPy, scikit-learn and torch come where used, and ``coupled_training`` needs torch.
"""

from samplebook.negatives.coupled_estimation import CoupledRankers, fit_coupled_rankers
from samplebook.negatives.coupled_likelihood import (
    CoupledModel,
    LogisticModel,
    coupled_log_likelihood,
    fit_coupled_likelihood,
)
from samplebook.negatives.label_flips import (
    collapse_threshold,
    preference_if_unvoted,
    settled_preference,
    vote_probability,
)
from samplebook.negatives.losses import (
    bpo_loss,
    bpr_loss,
    nbpo_flip_loss,
    nbpo_loss,
    nbpo_original_loss,
    nbpo_preference_loss,
    nbpo_surrogate_loss,
)
from samplebook.negatives.matrix_factorization import MatrixFactorization
from samplebook.negatives.negative_pools import (
    below_positives,
    below_threshold,
    easy_negatives,
    hard_negatives,
    random_negatives,
)
from samplebook.negatives.negative_sampling import UnvotedItems
from samplebook.negatives.negative_weights import (
    bayes_weights,
    coupled_estimation_weights,
    inverse_propensity_weights,
)
from samplebook.negatives.pairwise_ranking import fit_pairwise_ranker, pairwise_losses
from samplebook.negatives.pooling_bias import (
    critical_false_negative_rate,
    depth_pool,
    draw_labels,
    label_one_relevant,
    selection_probabilities,
)
from samplebook.negatives.ranking_metrics import Ranking, rank, rank_held_out
from samplebook.negatives.training import (
    Hyperparameters,
    TrainingDivergedError,
    train,
    train_with_validation,
)
from samplebook.negatives.training_pairs import (
    TrainingPairs,
    draw_training_pairs,
    false_negative_rate,
    without_false_negatives,
)

__all__ = [
    "CoupledModel",
    "CoupledRankers",
    "Hyperparameters",
    "LogisticModel",
    "MatrixFactorization",
    "Ranking",
    "TrainingDivergedError",
    "TrainingPairs",
    "UnvotedItems",
    "bayes_weights",
    "below_positives",
    "below_threshold",
    "bpo_loss",
    "bpr_loss",
    "collapse_threshold",
    "coupled_estimation_weights",
    "coupled_log_likelihood",
    "critical_false_negative_rate",
    "depth_pool",
    "draw_labels",
    "draw_training_pairs",
    "easy_negatives",
    "false_negative_rate",
    "fit_coupled_likelihood",
    "fit_coupled_rankers",
    "fit_pairwise_ranker",
    "hard_negatives",
    "inverse_propensity_weights",
    "label_one_relevant",
    "nbpo_flip_loss",
    "nbpo_loss",
    "nbpo_original_loss",
    "nbpo_preference_loss",
    "nbpo_surrogate_loss",
    "pairwise_losses",
    "preference_if_unvoted",
    "random_negatives",
    "rank",
    "rank_held_out",
    "selection_probabilities",
    "settled_preference",
    "train",
    "train_with_validation",
    "vote_probability",
    "without_false_negatives",
]
