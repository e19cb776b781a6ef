"""evaluate_verification equals its parts and refuses trials that contradict the singers."""

import numpy as np
import pytest
import torch

from singerprint.evaluation import (
    Trials,
    cosine_scores,
    default_trials,
    equal_error_rate,
    equal_error_rate_interval,
    evaluate_verification,
    mean_normalized_rank,
    mean_normalized_rank_interval,
)


def made_up(seed=0, singers=9, files=5, spread=1.0, dim=8):
    generator = np.random.default_rng(seed)
    voices = np.repeat(generator.normal(size=(singers, dim)), files, axis=0)
    return voices + spread * generator.normal(size=voices.shape), np.repeat(np.arange(singers), files)


def test_the_result_is_what_the_parts_give():
    embeddings, singers = made_up()
    trials = default_trials(singers)
    result = evaluate_verification(embeddings, singers, trials, resamples=200, seed=5)
    scores = cosine_scores(embeddings, trials.first, trials.second)
    positives = np.column_stack([trials.first, trials.second])[trials.same]
    assert result.eer == equal_error_rate(scores[trials.same], scores[~trials.same])
    assert result.mnr == mean_normalized_rank(embeddings, singers, positives, seed=5)
    eer_interval = equal_error_rate_interval(
        scores, singers[trials.first], singers[trials.second], resamples=200, seed=5
    )
    mnr_interval = mean_normalized_rank_interval(embeddings, singers, positives, resamples=200, seed=5)
    assert (result.eer_low, result.eer_high) == eer_interval
    assert (result.mnr_low, result.mnr_high) == mnr_interval
    assert (result.positives, result.negatives) == (trials.same.sum(), (~trials.same).sum())
    assert (result.singers, result.files) == (9, 45)


def test_files_outside_the_trials_change_nothing():
    embeddings, singers = made_up()
    trials = default_trials(singers)
    more = np.concatenate([embeddings, np.random.default_rng(1).normal(size=(30, 8))])
    more_singers = np.concatenate([singers, np.arange(100, 130)])
    assert evaluate_verification(more, more_singers, trials) == evaluate_verification(
        embeddings, singers, trials
    )


def test_a_better_embedding_has_lower_figures_and_each_lies_in_its_interval():
    results = []
    for spread in (0.5, 1.0, 2.0):
        embeddings, singers = made_up(singers=20, spread=spread)
        result = evaluate_verification(embeddings, singers, default_trials(singers))
        assert result.eer_low <= result.eer <= result.eer_high
        assert result.mnr_low <= result.mnr <= result.mnr_high
        results.append(result)
    assert results[0].eer < results[1].eer < results[2].eer
    assert results[0].mnr < results[1].mnr < results[2].mnr


def test_tensors_give_what_arrays_give():
    embeddings, singers = made_up()
    trials = default_trials(singers)
    from_tensor = evaluate_verification(torch.tensor(embeddings), torch.tensor(singers), trials)
    assert from_tensor == evaluate_verification(embeddings, singers, trials)


FILES = ([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], ["ann", "ann", "bo"])


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (
            Trials([0, 0], [1, 2], [True, True]),
            "evaluate_verification: trials must hold positives and negatives, got 2 positive of 2",
        ),
        (
            Trials([0, 0, 1], [1, 2, 2], [True, False, True]),
            "evaluate_verification: trials must agree with singers, "
            "got label 1 for 'ann' and 'bo' at trial 2",
        ),
        (
            Trials([0, 0], [1, 3], [True, False]),
            "evaluate_verification: trials.second must lie in [0, 3), got 3",
        ),
        (
            Trials([0, 0], [1, 2], [True]),
            "evaluate_verification: trials must hold as many first as second files and answers, "
            "got 2, 2 and 1",
        ),
    ],
)
def test_bad_trials_are_named(trials, message):
    with pytest.raises(ValueError) as raised:
        evaluate_verification(*FILES, trials)
    assert str(raised.value) == message


def test_labels_and_embeddings_must_agree_in_number():
    with pytest.raises(ValueError) as raised:
        evaluate_verification(FILES[0], ["ann", "bo"], Trials([0], [1], [True]))
    message = "evaluate_verification: singers must hold one label for each of 3 files, got 2"
    assert str(raised.value) == message
