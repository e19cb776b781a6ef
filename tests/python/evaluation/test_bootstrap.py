"""Bootstrap intervals against literally copied trials, and by their laws."""

import time

import numpy as np
import pytest

from singerprint.evaluation import (
    Interval,
    bootstrap_interval,
    cosine_scores,
    default_trials,
    equal_error_rate,
    equal_error_rate_interval,
    mean_normalized_rank_interval,
)


def made_up(seed=0, singers=10, files=6, spread=1.0, dim=8):
    generator = np.random.default_rng(seed)
    voices = np.repeat(generator.normal(size=(singers, dim)), files, axis=0)
    return voices + spread * generator.normal(size=voices.shape), np.repeat(np.arange(singers), files)


def scored(seed=0, **options):
    embeddings, singers = made_up(seed, **options)
    trials = default_trials(singers)
    scores = cosine_scores(embeddings, trials.first, trials.second)
    return scores, singers[trials.first], singers[trials.second]


def interval_of_copied_singers(scores, first, second, draws):
    """Each draw of singers as a data set of its own: its trials between copies, written out one by one."""
    rates = []
    for times in draws:
        positive = [
            s for s, a, b in zip(scores, first, second, strict=True) for _ in range(times[a]) if a == b
        ]
        negative = [
            s
            for s, a, b in zip(scores, first, second, strict=True)
            for _ in range(times[a] * times[b])
            if a != b
        ]
        rates.append(equal_error_rate(positive, negative))
    return np.quantile(rates, [0.025, 0.975])


def test_equal_error_rate_interval_equals_copying_the_trials_of_drawn_singers():
    scores, first, second = scored()
    draws = np.random.default_rng(3).multinomial(10, np.full(10, 0.1), size=50)
    expected = interval_of_copied_singers(scores, first, second, draws)
    interval = equal_error_rate_interval(scores, first, second, resamples=50, seed=3)
    np.testing.assert_allclose(interval, expected, rtol=0, atol=1e-14)  # roundings of shares and quantiles


def test_mean_normalized_rank_interval_equals_copying_the_files_of_drawn_singers():
    embeddings, singers = made_up(files=3)
    embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    pairs = [(a, b) for a in range(30) for b in range(a + 1, 30) if singers[a] == singers[b]]
    means = []
    for times in np.random.default_rng(4).multinomial(10, np.full(10, 0.1), size=50):
        ranks = []
        for query, partner in pairs:
            others = [o for o in range(30) for _ in range(times[singers[o]]) if singers[o] != singers[query]]
            above = sum(
                embeddings[query] @ embeddings[o] > embeddings[query] @ embeddings[partner] for o in others
            )
            ranks += [above / (len(others) + 1)] * times[singers[query]]
        means.append(np.mean(ranks))
    interval = mean_normalized_rank_interval(embeddings, singers, pairs, resamples=50, seed=4)
    np.testing.assert_allclose(interval, np.quantile(means, [0.025, 0.975]), rtol=0, atol=1e-14)  # roundings


def test_the_interval_of_a_mean_is_the_textbook_interval():
    levels = np.random.default_rng(5).normal(size=200)
    low, high = bootstrap_interval(lambda m: m @ levels / m.sum(axis=1), singers=200, resamples=20_000)
    half = 1.96 * levels.std() / np.sqrt(200)
    # quantiles of 20,000 resamples deviate by about 2 % of the half width; four of them
    assert abs(low - (levels.mean() - half)) < 0.08 * half
    assert abs(high - (levels.mean() + half)) < 0.08 * half


def test_the_interval_covers_the_true_error_rate_as_often_as_it_says():
    truth = np.mean(
        [equal_error_rate(s[a == b], s[a != b]) for s, a, b in [scored(seed) for seed in range(60)]]
    )
    hits = 0
    for seed in range(60, 120):
        low, high = equal_error_rate_interval(*scored(seed), resamples=300, confidence=0.8)
        hits += low <= truth <= high
    # binomial: 48 of 60 expected, standard deviation 3.1; four of them (10 singers are few for a bootstrap)
    assert 36 <= hits <= 60


def test_more_singers_make_a_narrower_interval():
    widths = []
    for singers in (8, 32, 128):
        low, high = equal_error_rate_interval(*scored(singers=singers))
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]


def test_more_files_of_the_same_singers_do_not_pretend_to_know_more():
    narrow, wide = (equal_error_rate_interval(*scored(files=files)) for files in (20, 6))
    assert (narrow.high - narrow.low) > 0.4 * (wide.high - wide.low)  # resampling trials would give about 0.3


def test_more_confidence_is_wider_and_contains_less():
    scores = scored()
    outer, inner = (equal_error_rate_interval(*scores, confidence=share) for share in (0.99, 0.5))
    assert outer.low < inner.low < inner.high < outer.high


def test_equal_seeds_give_equal_intervals_and_others_differ():
    intervals = [equal_error_rate_interval(*scored(), seed=seed) for seed in (0, 0, 1)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_two_singers_have_an_interval_from_the_draws_that_hold_both():
    scores, first, second = scored(singers=2)
    interval = equal_error_rate_interval(scores, first, second)
    rate = equal_error_rate(scores[first == second], scores[first != second])
    assert interval == Interval(rate, rate)


def test_a_thousand_resamples_of_three_thousand_trials_take_less_than_three_seconds():
    scores, first, second = (array[:3000] for array in scored(singers=40, files=8))
    start = time.perf_counter()
    equal_error_rate_interval(scores, first, second, resamples=1000)
    assert time.perf_counter() - start < 3.0  # 0.12 s on one core


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"singers": 1}, "bootstrap_interval: singers must be at least 2, got 1"),
        ({"resamples": 0}, "bootstrap_interval: resamples must be at least 1, got 0"),
        ({"confidence": 1.0}, "bootstrap_interval: confidence must lie in (0, 1), got 1.0"),
        (
            {"statistic": lambda m: np.full(len(m), np.nan)},
            "bootstrap_interval: statistic must be defined for at least one resample, got none of 1000",
        ),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError) as raised:
        bootstrap_interval(**{"statistic": lambda m: m[:, 0], "singers": 3, **options})
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([0.1, 0.2], ["a"], ["a", "b"]),
            "equal_error_rate_interval: first_singers must hold one label for each of 2 trials, got 1",
        ),
        (
            ([0.1, 0.2], ["a", "a"], ["b", "b"]),
            "equal_error_rate_interval: scores must hold positive and negative trials, got 0 positive of 2",
        ),
        (([], [], []), "equal_error_rate_interval: scores must not be empty, got shape (0,)"),
    ],
)
def test_bad_trials_are_named(arguments, message):
    with pytest.raises(ValueError) as raised:
        equal_error_rate_interval(*arguments)
    assert str(raised.value) == message


def test_the_rank_interval_names_itself():
    with pytest.raises(ValueError) as raised:
        mean_normalized_rank_interval([[1.0], [2.0]], ["a", "a"])
    message = "mean_normalized_rank_interval: singers must name at least two singers, got only 'a'"
    assert str(raised.value) == message
