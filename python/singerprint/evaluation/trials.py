"""Trials: pairs of files with the answer to "is it the same singer?".

positives: two different files of one singer (from different groups where groups are given)
negatives: one file each of two singers; a pair of singers is drawn first, so that a singer with a
thousand files does not fill the list
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.evaluation.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    Labels,
    index_array,
    label_codes,
    unit_rows,
)


class Trials(NamedTuple):
    """Pairs of files, as indices into a list of files, with their answers.

    Attributes:
        first: (trials,) int64 index of the first file.
        second: (trials,) int64 index of the second file.
        same: (trials,) bool, True where one singer sings both.

    Example:
        >>> Trials(np.array([0]), np.array([1]), np.array([True])).same.tolist()
        [True]
    """

    first: IntArray
    second: IntArray
    same: BoolArray


def same_singer_pairs(singer_codes: IntArray, group_codes: IntArray | None = None) -> list[IntArray]:
    """Lists all pairs of different files of each singer.

    Args:
        singer_codes: (files,) int64 number of the singer of each file.
        group_codes: (files,) int64 number of the group of each file; pairs inside one group are left out.

    Returns:
        One (pairs, 2) int64 array a singer, in the order of the numbers; first < second; may have no rows.

    Example:
        >>> same_singer_pairs(np.array([0, 1, 0]))[0]
        array([[0, 2]])
    """
    by_singer = []
    for singer in range(int(singer_codes.max()) + 1):
        files = np.flatnonzero(singer_codes == singer)
        pairs = files[np.column_stack(np.triu_indices(len(files), k=1))]  # (pairs, 2)
        if group_codes is not None:
            pairs = pairs[group_codes[pairs[:, 0]] != group_codes[pairs[:, 1]]]
        by_singer.append(pairs)
    return by_singer


def _draw_positives(by_singer: list[IntArray], limit: int, rng: np.random.Generator) -> IntArray:
    drawn = []
    for pairs in by_singer:
        if len(pairs) > limit:
            pairs = pairs[np.sort(rng.choice(len(pairs), limit, replace=False))]  # noqa: PLW2901
        drawn.append(pairs)
    return np.concatenate(drawn)


def _draw_negatives(singer_codes: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    files = len(singer_codes)
    sizes = np.bincount(singer_codes)
    possible = (files * files - int((sizes * sizes).sum())) // 2
    if 2 * count >= possible:  # nearly all of them: drawing with rejection would not end
        pairs = np.column_stack(np.triu_indices(files, k=1))
        pairs = pairs[singer_codes[pairs[:, 0]] != singer_codes[pairs[:, 1]]]
        kept: IntArray = pairs[np.sort(rng.choice(possible, min(count, possible), replace=False))]
        return kept
    by_singer = np.argsort(singer_codes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    keys = np.empty(0, dtype=np.int64)
    while len(keys) < count:
        singers = rng.integers(len(sizes), size=(count, 2))
        singers = singers[singers[:, 0] != singers[:, 1]]
        drawn = by_singer[starts[singers] + rng.integers(sizes[singers])]  # (draws, 2)
        drawn.sort(axis=1)
        keys = np.concatenate([keys, drawn[:, 0] * files + drawn[:, 1]])
        keys = keys[np.sort(np.unique(keys, return_index=True)[1])]  # first occurrences, in order of drawing
    keys = np.sort(keys[:count])
    return np.column_stack([keys // files, keys % files])


def _check_counts(max_positives_per_singer: int, negatives_per_positive: int) -> None:
    for name, value in (
        ("max_positives_per_singer", max_positives_per_singer),
        ("negatives_per_positive", negatives_per_positive),
    ):
        if value < 1:
            raise ValueError(f"default_trials: {name} must be at least 1, got {value}")


def default_trials(
    singers: Labels,
    groups: Labels | None = None,
    max_positives_per_singer: int = 20,
    negatives_per_positive: int = 10,
    seed: int = 0,
) -> Trials:
    """Makes a list of trials from the singers of the files.

    Never a file with itself, never the same pair twice; the same arguments give the same list.

    Args:
        singers: (files,) singer of each file.
        groups: (files,) style, song or recording of each file; where given, the two files of a positive
            differ in it, so that a trial asks for the voice and not for the room or the song. None is a
            group like any other.
        max_positives_per_singer: most positives one singer contributes, at least 1.
        negatives_per_positive: negatives per positive, at least 1; fewer where the files do not give as many.
        seed: addresses the draw.

    Returns:
        Positives first, ordered by singer, then negatives, ordered by file.

    Raises:
        ValueError: if there is one singer only, or no singer has two files (in different groups).

    Example:
        >>> trials = default_trials(["ann", "ann", "bo", "bo"], negatives_per_positive=1)
        >>> trials.same.tolist()
        [True, True, False, False]
    """
    _check_counts(max_positives_per_singer, negatives_per_positive)
    singer_codes, names = label_codes("default_trials", "singers", singers)
    if len(names) < 2:
        raise ValueError(f"default_trials: singers must name at least two singers, got only {names[0]!r}")
    group_codes = None
    if groups is not None:
        group_codes, group_names = label_codes("default_trials", "groups", groups, len(singer_codes))
    by_singer = same_singer_pairs(singer_codes, group_codes)
    if not any(map(len, by_singer)):
        if group_codes is not None and np.bincount(singer_codes).max() > 1:
            raise ValueError(
                "default_trials: groups must differ between two files of at least one singer, "
                f"got {len(group_names)} group(s) and no such pair"
            )
        raise ValueError(
            "default_trials: singers must give at least one singer two files, "
            f"got one file each for {len(names)} singers, the first {names[0]!r}"
        )
    rng = np.random.default_rng(seed)
    positives = _draw_positives(by_singer, max_positives_per_singer, rng)
    negatives = _draw_negatives(singer_codes, negatives_per_positive * len(positives), rng)
    pairs = np.concatenate([positives, negatives])
    same = np.repeat([True, False], [len(positives), len(negatives)])
    return Trials(pairs[:, 0].copy(), pairs[:, 1].copy(), same)


def cosine_scores(embeddings: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """Computes the cosine similarity of pairs of embeddings.

    ``scores[t] = <e[first[t]], e[second[t]]> / (|e[first[t]]| |e[second[t]]|)``

    Args:
        embeddings: (files, dim) one embedding a file; list, array or tensor.
        first: (trials,) integer index of the first file of each trial.
        second: (trials,) integer index of the second file.

    Returns:
        float64 (trials,) in [-1, 1].

    Raises:
        TypeError: if embeddings are not real numbers or indices not integers.
        ValueError: if shapes disagree, an index points at no file, an embedding is zero or not finite.

    Example:
        >>> cosine_scores([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]], [0, 0], [1, 2])
        array([0., 1.])
    """
    unit = unit_rows("cosine_scores", embeddings)
    first_rows = index_array("cosine_scores", "first", first, ("trials",), len(unit))
    second_rows = index_array("cosine_scores", "second", second, ("trials",), len(unit))
    if len(first_rows) != len(second_rows):
        raise ValueError(
            f"cosine_scores: second must have as many trials as first = {len(first_rows)}, "
            f"got {len(second_rows)}"
        )
    # einsum sums every row in the same order: equal pairs tie, which a BLAS product does not promise
    scores: FloatArray = np.einsum("td,td->t", unit[first_rows], unit[second_rows])
    return np.clip(scores, -1.0, 1.0)
