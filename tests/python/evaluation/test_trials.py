"""default_trials, cosine_scores and read_trials by their laws."""

import numpy as np
import pytest
import torch

from singerprint.evaluation import cosine_scores, default_trials

SINGERS = [f"singer{number % 7}" for number in range(70)]
STYLES = ["belt" if number < 35 else "breathy" for number in range(70)]


def as_pairs(trials):
    return list(zip(trials.first.tolist(), trials.second.tolist(), strict=True))


def test_positives_are_two_different_files_of_one_singer_and_negatives_of_two():
    trials = default_trials(SINGERS)
    for (first, second), same in zip(as_pairs(trials), trials.same, strict=True):
        assert first != second
        assert (SINGERS[first] == SINGERS[second]) == same


def test_no_pair_occurs_twice_in_either_order():
    pairs = as_pairs(default_trials(SINGERS, max_positives_per_singer=45))
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)


def test_positives_join_different_groups():
    trials = default_trials(SINGERS, STYLES)
    positives = [pair for pair, same in zip(as_pairs(trials), trials.same, strict=True) if same]
    assert positives
    assert all(STYLES[first] != STYLES[second] for first, second in positives)


def test_a_singer_contributes_at_most_the_given_positives():
    singers = ["many"] * 50 + ["few"] * 3 + ["one"]
    trials = default_trials(singers, max_positives_per_singer=12, negatives_per_positive=2)
    counts = np.unique([singers[first] for first in trials.first[trials.same]], return_counts=True)
    assert dict(zip(*counts, strict=True)) == {"few": 3, "many": 12}
    assert (~trials.same).sum() == 2 * 15


def test_all_negatives_are_taken_where_fewer_exist_than_asked_for():
    trials = default_trials(["a", "a", "a", "b", "c"], negatives_per_positive=100)
    negatives = [pair for pair, same in zip(as_pairs(trials), trials.same, strict=True) if not same]
    assert negatives == [(0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]


def test_negatives_are_balanced_over_singers_and_not_over_files():
    singers = ["many"] * 900 + [f"few{number // 20}" for number in range(180)]
    trials = default_trials(singers)
    touches = sum(
        singers[i] == "many" or singers[j] == "many" for i, j in as_pairs(trials)[trials.same.sum() :]
    )
    # 9 of 45 pairs of singers hold "many": 20 % of 2,000, standard error 0.9 %; uniform files would give 91 %
    assert abs(touches / (~trials.same).sum() - 0.2) < 0.05


def test_equal_seeds_give_equal_lists_and_others_differ():
    lists = [as_pairs(default_trials(SINGERS, seed=seed)) for seed in (0, 0, 1)]
    assert lists[0] == lists[1] != lists[2]


def test_singers_may_be_names_numbers_arrays_or_tensors():
    numbers = [number % 7 for number in range(70)]
    expected = as_pairs(default_trials(SINGERS))
    assert as_pairs(default_trials(numbers)) == expected
    assert as_pairs(default_trials(np.array(SINGERS))) == expected
    assert as_pairs(default_trials(torch.tensor(numbers))) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["ann", "ann"],), "default_trials: singers must name at least two singers, got only 'ann'"),
        (
            (["ann", "bo"],),
            "default_trials: singers must give at least one singer two files, "
            "got one file each for 2 singers, the first 'ann'",
        ),
        (
            (["ann", "ann", "bo"], ["belt", "belt", "belt"]),
            "default_trials: groups must differ between two files of at least one singer, "
            "got 1 group(s) and no such pair",
        ),
        (
            (["ann", "ann", "bo"], ["belt"]),
            "default_trials: groups must hold one label for each of 3 files, got 1",
        ),
        (([],), "default_trials: singers must not be empty, got no label"),
        (
            (["ann", "ann", "bo"], None, 0),
            "default_trials: max_positives_per_singer must be at least 1, got 0",
        ),
        (
            (["ann", "ann", "bo"], None, 1, 0),
            "default_trials: negatives_per_positive must be at least 1, got 0",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError) as raised:
        default_trials(*arguments)
    assert str(raised.value) == message


def test_cosine_scores_equal_the_formula():
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(20, 1000))
    first, second = generator.integers(20, size=(2, 50))
    a, b = embeddings[first], embeddings[second]
    expected = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    # sums of 1,000 products near 1/1,000: roundings of about sqrt(1000) * 1e-16 / 30
    np.testing.assert_allclose(cosine_scores(embeddings, first, second), expected, rtol=0, atol=1e-14)
    from_tensor = cosine_scores(torch.tensor(embeddings), torch.tensor(first), torch.tensor(second))
    np.testing.assert_array_equal(from_tensor, cosine_scores(embeddings, first, second))


def test_cosine_scores_stay_in_range_and_survive_extreme_lengths():
    embeddings = [[1e-300, 2e-300], [1e300, 2e300], [-1.0, -2.0]]
    np.testing.assert_allclose(cosine_scores(embeddings, [0, 0], [1, 2]), [1.0, -1.0], rtol=0, atol=1e-15)
    scores = cosine_scores(np.random.default_rng(1).normal(size=(500, 3)), np.arange(500), np.arange(500))
    assert scores.max() <= 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ([[1.0], [2.0]], [0, 1], [1]),
            ValueError,
            "cosine_scores: second must have as many trials as first = 2, got 1",
        ),
        (([[1.0], [2.0]], [2], [1]), ValueError, "cosine_scores: first must lie in [0, 2), got 2"),
        (([[1.0], [2.0]], [0], [-1]), ValueError, "cosine_scores: second must lie in [0, 2), got -1"),
        (
            ([[1.0], [2.0]], [0.5], [1]),
            TypeError,
            "cosine_scores: first must hold integers, got dtype float64",
        ),
        (([[1.0], [2.0]], [], []), ValueError, "cosine_scores: first must not be empty, got shape (0,)"),
        (
            ([[0.0], [2.0]], [0], [1]),
            ValueError,
            "cosine_scores: embeddings must have a length above zero, got zero at row 0",
        ),
    ],
)
def test_cosine_scores_name_bad_arguments(arguments, error, message):
    with pytest.raises(error) as raised:
        cosine_scores(*arguments)
    assert str(raised.value) == message
