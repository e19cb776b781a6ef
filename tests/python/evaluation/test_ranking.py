"""mean_normalized_rank against a plain loop and by its laws."""

import numpy as np
import pytest
import torch

from singerprint.evaluation import mean_normalized_rank


def rank_by_sorting(embeddings, singers, pairs):
    """Mean of rank / (others + 1) with every file of another singer as candidate; ties count one half."""
    ranks = []
    for query, partner in pairs:
        others = [file for file in range(len(singers)) if singers[file] != singers[query]]
        similarity = [
            embeddings[query] @ row / (np.linalg.norm(embeddings[query]) * np.linalg.norm(row))
            for row in embeddings
        ]
        above = sum(similarity[other] > similarity[partner] for other in others)
        ranks.append(above / (len(others) + 1))
    return np.mean(ranks)


def made_up(seed=0, singers=10, files=6, spread=1.0, dim=8):
    generator = np.random.default_rng(seed)
    voices = generator.normal(size=(singers, dim))
    names = [f"singer{number}" for number in range(singers) for _ in range(files)]
    return np.repeat(voices, files, axis=0) + spread * generator.normal(size=(singers * files, dim)), names


def test_equals_ranking_by_a_plain_loop():
    embeddings, singers = made_up()
    pairs = [(0, 1), (7, 9), (30, 31), (59, 54)]
    expected = rank_by_sorting(embeddings, singers, pairs)
    # whole numbers over 55, averaged: a few roundings
    assert abs(mean_normalized_rank(embeddings, singers, pairs) - expected) < 1e-15


def test_all_pairs_of_one_singer_are_the_default():
    embeddings, singers = made_up(files=3)
    pairs = [(a, b) for a in range(30) for b in range(a + 1, 30) if singers[a] == singers[b]]
    assert mean_normalized_rank(embeddings, singers) == mean_normalized_rank(embeddings, singers, pairs)


def test_separated_singers_rank_zero():
    embeddings, singers = made_up(spread=0.0)
    assert mean_normalized_rank(embeddings, singers) == 0.0


def test_embeddings_that_know_nothing_rank_one_half():
    generator = np.random.default_rng(1)
    embeddings = generator.normal(size=(600, 32))
    singers = np.arange(600) % 100
    # uniform ranks: standard error 0.289 / sqrt(1000 trials) = 0.009; five of them
    assert abs(mean_normalized_rank(embeddings, singers) - 0.5) < 0.046


def test_equal_embeddings_tie_and_rank_exactly_one_half_of_the_others():
    embeddings = np.tile(np.random.default_rng(2).normal(size=(1, 33)), (12, 1))
    singers = np.arange(12) // 2
    assert mean_normalized_rank(embeddings, singers) == pytest.approx(0.5 * 10 / 11, abs=1e-15)  # roundings


def test_the_partner_that_is_least_similar_ranks_last():
    embeddings = [[1.0, 0.0], [-1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]
    assert mean_normalized_rank(embeddings, ["a", "a", "b", "c"], [[0, 1]]) == 2 / 3


def test_singers_are_told_apart_by_identity_and_not_by_substring():
    embeddings = [[1.0, 0.0], [0.9, 0.1], [1.0, 0.01], [1.0, 0.02]]
    # by substring "male1" would remove "female1" and "male10" from its own candidates
    assert mean_normalized_rank(embeddings, ["male1", "male1", "female1", "male10"], [[0, 1]]) == 2 / 3


def test_scaling_an_embedding_changes_nothing():
    embeddings, singers = made_up()
    scales = np.random.default_rng(3).uniform(0.1, 10.0, size=(60, 1))
    assert mean_normalized_rank(embeddings * scales, singers) == mean_normalized_rank(embeddings, singers)


def test_the_order_of_files_changes_nothing_when_all_are_compared():
    embeddings, singers = made_up()
    pairs = np.array([(a, b) for a in range(60) for b in range(60) if a != b and singers[a] == singers[b]])
    order = np.random.default_rng(4).permutation(60)
    shuffled = mean_normalized_rank(embeddings[order], np.array(singers)[order], np.argsort(order)[pairs])
    # the mean of the same 300 fractions
    assert shuffled == pytest.approx(mean_normalized_rank(embeddings, singers, pairs), abs=1e-14)


def test_equal_seeds_draw_equal_candidates_and_others_differ():
    embeddings, singers = made_up(singers=20, spread=2.0)
    draws = [mean_normalized_rank(embeddings, singers, max_others=10, seed=seed) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_drawing_some_candidates_estimates_the_rank_among_all():
    embeddings, singers = made_up(singers=40, spread=2.0)
    among_all = mean_normalized_rank(embeddings, singers)
    drawn = np.mean([mean_normalized_rank(embeddings, singers, max_others=50, seed=s) for s in range(8)])
    # ranks deviate by less than 0.3, over 8 x 600 trials: 0.005; four of them (N / (N + 1) differs by 1.5 %)
    assert abs(drawn - among_all) < 0.02


def test_max_trials_limits_the_trials():
    embeddings, singers = made_up(spread=2.0)
    embeddings[0] = -embeddings[1]
    one = [mean_normalized_rank(embeddings, singers, max_trials=1, seed=seed) for seed in range(30)]
    steps = np.array(one) * 55  # one trial against 54 others and the partner: a whole number of places
    assert np.allclose(steps, np.round(steps), atol=1e-9)
    assert len(set(one)) > 1


def test_tensors_and_lists_agree_with_arrays():
    embeddings, singers = made_up()
    expected = mean_normalized_rank(embeddings, singers)
    assert mean_normalized_rank(torch.tensor(embeddings, requires_grad=True), singers) == expected
    assert mean_normalized_rank(embeddings.tolist(), np.array(singers)) == expected
    assert mean_normalized_rank(np.asfortranarray(embeddings), singers) == expected


TWO = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (
            (TWO, ["a", "a", "a"]),
            {},
            ValueError,
            "mean_normalized_rank: singers must name at least two singers, got only 'a'",
        ),
        (
            (TWO, ["a", "b", "c"]),
            {},
            ValueError,
            "mean_normalized_rank: singers must give at least one singer two files, "
            "got one file for each singer",
        ),
        (
            (TWO, ["a", "b"]),
            {},
            ValueError,
            "mean_normalized_rank: singers must hold one label for each of 3 files, got 2",
        ),
        (
            (TWO, ["a", "a", "b"], [[0, 2]]),
            {},
            ValueError,
            "mean_normalized_rank: positive_pairs must join two files of one singer, "
            "got files 0 and 2 of two singers at row 0",
        ),
        (
            (TWO, ["a", "a", "b"], [[0, 3]]),
            {},
            ValueError,
            "mean_normalized_rank: positive_pairs must lie in [0, 3), got 3",
        ),
        (
            (TWO, ["a", "a", "b"], [0, 1]),
            {},
            ValueError,
            "mean_normalized_rank: positive_pairs must have shape (pairs, 2), got (2,)",
        ),
        (
            (TWO, ["a", "a", "b"], [[0.0, 1.0]]),
            {},
            TypeError,
            "mean_normalized_rank: positive_pairs must hold integers, got dtype float64",
        ),
        (
            ([1.0, 2.0], ["a", "b"]),
            {},
            ValueError,
            "mean_normalized_rank: embeddings must have shape (files, dim), got (2,)",
        ),
        (
            ([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], ["a", "a", "b"]),
            {},
            ValueError,
            "mean_normalized_rank: embeddings must have a length above zero, got zero at row 1",
        ),
        (
            ([[1.0, 0.0], [0.0, np.nan], [1.0, 1.0]], ["a", "a", "b"]),
            {},
            ValueError,
            "mean_normalized_rank: embeddings must be finite, got nan at index (1, 1)",
        ),
        (
            (TWO, ["a", "a", "b"]),
            {"max_trials": 0},
            ValueError,
            "mean_normalized_rank: max_trials must be at least 1, got 0",
        ),
        (
            (TWO, ["a", "a", "b"]),
            {"max_others": 0},
            ValueError,
            "mean_normalized_rank: max_others must be at least 1, got 0",
        ),
        (
            (TWO, "aab"),
            {},
            TypeError,
            "mean_normalized_rank: singers must be a sequence of labels, got the string 'aab'",
        ),
        (
            (TWO, [["a"], ["a"], ["b"]]),
            {},
            TypeError,
            "mean_normalized_rank: singers must have shape (files,), got nested labels",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, options, error, message):
    with pytest.raises(error) as raised:
        mean_normalized_rank(*arguments, **options)
    assert str(raised.value) == message
