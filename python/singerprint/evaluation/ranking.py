"""mean_normalized_rank: how far down the list of similar files the true partner of a file stands.

For a positive trial (query, partner) and N files of other singers, drawn without replacement:

    rank = (files more similar to the query than the partner + half of those exactly as similar) / (N + 1)

0: nothing is more similar than the partner; chance is N / (2 (N + 1)), about 0.5. Protocol of Torres et al.,
"Singer Identity Representation Learning using Self-Supervised Techniques", ISMIR 2023 (K = 1000 trials,
N = 512), where the number is printed in percent. Here other singers are told apart by identity.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.evaluation.arrays import FloatArray, IntArray, Labels, index_array, label_codes, unit_rows
from singerprint.evaluation.trials import same_singer_pairs


class RankCounts(NamedTuple):
    """What the ranks of positive trials are made of, kept by singer so that singers can be resampled.

    Attributes:
        query_singers: (pairs,) int64 number of the singer of each trial.
        outranking: (pairs, singers) drawn files of each singer more similar than the partner; ties half.
        others: (pairs, singers) drawn files of each singer; 0 for the singer of the trial.

    Example:
        >>> RankCounts(np.array([0]), np.array([[0.0, 1.0]]), np.array([[0.0, 3.0]])).ranks()
        array([0.25])
    """

    query_singers: IntArray
    outranking: FloatArray
    others: FloatArray

    def ranks(self) -> FloatArray:
        """Returns the normalised rank of each trial, (pairs,) in [0, 1)."""
        ranks: FloatArray = self.outranking.sum(axis=1) / (self.others.sum(axis=1) + 1)
        return ranks


def _check_limits(op: str, max_trials: int, max_others: int) -> None:
    for name, value in (("max_trials", max_trials), ("max_others", max_others)):
        if value < 1:
            raise ValueError(f"{op}: {name} must be at least 1, got {value}")


def _positive_pairs(op: str, value: npt.ArrayLike | None, singer_codes: IntArray) -> IntArray:
    if value is None:
        pairs = np.concatenate(same_singer_pairs(singer_codes))
        if not len(pairs):
            raise ValueError(
                f"{op}: singers must give at least one singer two files, got one file for each singer"
            )
        return pairs
    pairs = index_array(op, "positive_pairs", value, ("pairs", "2"), len(singer_codes))
    mixed = np.flatnonzero(singer_codes[pairs[:, 0]] != singer_codes[pairs[:, 1]])
    if mixed.size:
        first, second = pairs[mixed[0]]
        raise ValueError(
            f"{op}: positive_pairs must join two files of one singer, "
            f"got files {first} and {second} of two singers at row {mixed[0]}"
        )
    return pairs


def rank_counts(
    op: str,
    embeddings: npt.ArrayLike,
    singers: Labels,
    positive_pairs: npt.ArrayLike | None,
    *,
    max_trials: int,
    max_others: int,
    seed: int,
) -> RankCounts:
    """Compares the partner of each positive trial with drawn files of other singers.

    Args:
        op: function named in errors.
        embeddings: (files, dim) one embedding a file.
        singers: (files,) singer of each file.
        positive_pairs: (pairs, 2) indices of query and partner, or None for all pairs of files of one singer.
        max_trials: most trials; where there are more, as many are drawn.
        max_others: most files of other singers for each trial.
        seed: addresses the draws.

    Returns:
        The counts of the trials, in the order of ``positive_pairs``.

    Raises:
        TypeError: if embeddings are not real numbers or pairs not integers.
        ValueError: if shapes disagree, there is one singer only, or a pair joins two singers.

    Example:
        >>> limits = {"max_trials": 10, "max_others": 10, "seed": 0}
        >>> rank_counts("f", [[1.0], [1.0], [-1.0]], ["a", "a", "b"], None, **limits).others
        array([[0., 1.]])
    """
    _check_limits(op, max_trials, max_others)
    unit = unit_rows(op, embeddings)
    singer_codes, names = label_codes(op, "singers", singers, len(unit))
    if len(names) < 2:
        raise ValueError(f"{op}: singers must name at least two singers, got only {names[0]!r}")
    pairs = _positive_pairs(op, positive_pairs, singer_codes)
    rng = np.random.default_rng(seed)
    if len(pairs) > max_trials:
        pairs = pairs[np.sort(rng.choice(len(pairs), max_trials, replace=False))]
    outranking = np.zeros((len(pairs), len(names)))
    others = np.zeros((len(pairs), len(names)))
    for row, (query, partner) in enumerate(pairs):
        pool = np.flatnonzero(singer_codes != singer_codes[query])
        drawn = rng.choice(pool, max_others, replace=False) if len(pool) > max_others else pool
        # einsum sums every row in the same order: equal embeddings tie, which a BLAS product does not promise
        similarities = np.einsum("fd,d->f", unit[np.append(drawn, partner)], unit[query])
        above = (similarities[:-1] > similarities[-1]) + 0.5 * (similarities[:-1] == similarities[-1])
        outranking[row] = np.bincount(singer_codes[drawn], weights=above, minlength=len(names))
        others[row] = np.bincount(singer_codes[drawn], minlength=len(names))
    return RankCounts(singer_codes[pairs[:, 0]], outranking, others)


def mean_normalized_rank(
    embeddings: npt.ArrayLike,
    singers: Labels,
    positive_pairs: npt.ArrayLike | None = None,
    *,
    max_trials: int = 1000,
    max_others: int = 512,
    seed: int = 0,
) -> float:
    """Computes the mean normalised rank (MNR) of the true partner among files of other singers.

    For each positive trial, ``max_others`` files of other singers are drawn without replacement; where there
    are fewer, all are used. The rank of the partner by cosine similarity, counted from 0, ties as one half,
    is divided by the number of files compared (others + 1).

    Args:
        embeddings: (files, dim) one embedding a file; list, array or tensor.
        singers: (files,) singer of each file, compared by equality.
        positive_pairs: (pairs, 2) integer indices (query, partner) of two files of one singer; None: all
            pairs of two files of one singer.
        max_trials: most trials, at least 1 (the paper's K); where there are more, as many are drawn.
        max_others: most files of other singers for each trial, at least 1 (the paper's N).
        seed: addresses the draws.

    Returns:
        Fraction in [0, 1): 0 is perfect, about 0.5 is chance. The paper prints it in percent.

    Raises:
        TypeError: if embeddings are not real numbers or pairs not integers.
        ValueError: if shapes disagree, an embedding is zero or not finite, there is one singer only, no
            singer has two files, or a pair joins two singers.

    Example:
        >>> embeddings = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]]
        >>> mean_normalized_rank(embeddings, ["ann", "ann", "bo", "bo"])
        0.0

    References:
        Torres, Lattner, Richard, "Singer Identity Representation Learning using Self-Supervised Techniques",
        ISMIR 2023.
    """
    counts = rank_counts(
        "mean_normalized_rank",
        embeddings,
        singers,
        positive_pairs,
        max_trials=max_trials,
        max_others=max_others,
        seed=seed,
    )
    return float(counts.ranks().mean())
