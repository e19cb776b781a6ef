"""evaluate_verification: equal error rate and mean normalised rank of embeddings, each with its interval.

The one place where trials, scores, ranks and bootstrap meet; commands and reports call this.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.evaluation.arrays import IntArray, Labels, float_array, index_array, label_codes
from singerprint.evaluation.bootstrap import equal_error_rate_interval, mean_normalized_rank_interval
from singerprint.evaluation.eer import equal_error_rate_threshold
from singerprint.evaluation.ranking import mean_normalized_rank
from singerprint.evaluation.trials import Trials, cosine_scores


class VerificationResult(NamedTuple):
    """What was measured, on how much.

    Attributes:
        eer: equal error rate in [0, 1].
        eer_low: lower end of its bootstrap interval over singers.
        eer_high: upper end.
        eer_threshold: cosine similarity at which both error rates are equal.
        mnr: mean normalised rank in [0, 1), chance about 0.5.
        mnr_low: lower end of its bootstrap interval over singers.
        mnr_high: upper end.
        positives: number of trials by one singer.
        negatives: number of trials by two singers.
        singers: number of singers in the trials.
        files: number of files in the trials.

    Example:
        >>> VerificationResult._fields[:3]
        ('eer', 'eer_low', 'eer_high')
    """

    eer: float
    eer_low: float
    eer_high: float
    eer_threshold: float
    mnr: float
    mnr_low: float
    mnr_high: float
    positives: int
    negatives: int
    singers: int
    files: int


def _checked_trials(trials: Trials, singer_codes: IntArray, names: list[object]) -> Trials:
    op, files = "evaluate_verification", len(singer_codes)
    first = index_array(op, "trials.first", trials.first, ("trials",), files)
    second = index_array(op, "trials.second", trials.second, ("trials",), files)
    same = np.asarray(trials.same, dtype=np.bool_)
    if not len(first) == len(second) == len(same):
        raise ValueError(
            f"{op}: trials must hold as many first as second files and answers, "
            f"got {len(first)}, {len(second)} and {len(same)}"
        )
    if same.all() or not same.any():
        raise ValueError(
            f"{op}: trials must hold positives and negatives, got {int(same.sum())} positive of {len(same)}"
        )
    wrong = np.flatnonzero((singer_codes[first] == singer_codes[second]) != same)
    if wrong.size:
        one, two = names[singer_codes[first[wrong[0]]]], names[singer_codes[second[wrong[0]]]]
        raise ValueError(
            f"{op}: trials must agree with singers, "
            f"got label {int(same[wrong[0]])} for {one!r} and {two!r} at trial {wrong[0]}"
        )
    return Trials(first, second, same)


def evaluate_verification(
    embeddings: npt.ArrayLike,
    singers: Labels,
    trials: Trials,
    *,
    max_trials: int = 1000,
    max_others: int = 512,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> VerificationResult:
    """Measures how well cosine similarity of embeddings tells whether two files have one singer.

    The equal error rate is over all trials, the mean normalised rank over the positives, ranked against the
    files that occur in the trials. Both intervals resample the singers of the trials.

    Args:
        embeddings: (files, dim) one embedding a file; list, array or tensor.
        singers: (files,) singer of each file.
        trials: pairs of files with their answers, as from ``default_trials`` or ``read_trials``.
        max_trials: most positives the mean normalised rank is taken over, at least 1.
        max_others: most files of other singers each is ranked against, at least 1.
        resamples: bootstrap resamples, at least 1.
        confidence: share of resamples inside the intervals, in (0, 1).
        seed: addresses every draw.

    Returns:
        Figures, intervals and counts.

    Raises:
        TypeError: if embeddings are not real numbers or indices not integers.
        ValueError: if shapes disagree, an embedding is zero or not finite, positives or negatives are
            missing, or an answer contradicts ``singers``.

    Example:
        >>> from singerprint.evaluation import default_trials
        >>> singers = ["ann", "ann", "bo", "bo"]
        >>> embeddings = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]]
        >>> result = evaluate_verification(embeddings, singers, default_trials(singers))
        >>> result.eer, result.mnr, result.positives, result.negatives
        (0.0, 0.0, 2, 4)
    """
    op = "evaluate_verification"
    array = float_array(op, "embeddings", embeddings, ("files", "dim"))
    singer_codes, names = label_codes(op, "singers", singers, len(array))
    first, second, same = _checked_trials(trials, singer_codes, names)
    files, renumbered = np.unique(np.concatenate([first, second]), return_inverse=True)
    array, singer_codes = array[files], singer_codes[files]
    first, second = renumbered[: len(first)], renumbered[len(first) :]
    scores = cosine_scores(array, first, second)
    eer = equal_error_rate_threshold(scores[same], scores[~same])
    eer_interval = equal_error_rate_interval(
        scores,
        singer_codes[first],
        singer_codes[second],
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )
    positives = np.column_stack([first[same], second[same]])
    mnr = mean_normalized_rank(
        array, singer_codes, positives, max_trials=max_trials, max_others=max_others, seed=seed
    )
    mnr_interval = mean_normalized_rank_interval(
        array,
        singer_codes,
        positives,
        max_trials=max_trials,
        max_others=max_others,
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )
    return VerificationResult(
        *(eer.rate, *eer_interval, eer.threshold),
        *(mnr, *mnr_interval),
        positives=int(same.sum()),
        negatives=int((~same).sum()),
        singers=len(np.unique(singer_codes)),
        files=len(files),
    )
