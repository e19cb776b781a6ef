from itertools import chain

import pytest

from singerprint.data import PairBatches


def indices(batches):
    return [[index for _, index in batch] for batch in batches]


def test_every_clip_is_seen_once_an_epoch_in_an_order_of_seed_and_epoch():
    orders = []
    for seed in (0, 1):
        for epoch in (0, 1):
            batches = PairBatches(50, 10, seed)
            batches.set_epoch(epoch)
            assert {number for batch in batches for number, _ in batch} == {epoch}
            orders.append(indices(batches))
            assert sorted(chain.from_iterable(orders[-1])) == list(range(50))
            assert indices(batches) == orders[-1]
    assert len({str(order) for order in orders}) == 4


def test_incomplete_batches_are_left_out():
    batches = PairBatches(50, 8)
    assert len(batches) == 6
    assert [len(batch) for batch in batches] == [8] * 6


def test_an_epoch_goes_on_where_it_was_left():
    batches = PairBatches(50, 5, seed=2)
    batches.set_epoch(4)
    whole = list(batches)
    batches.set_epoch(4, start=3)
    assert len(batches) == 7
    assert list(batches) == whole[3:]


def test_a_batch_is_drawn_from_one_source():
    sources = [number % 3 for number in range(60)]
    for batch in indices(PairBatches(60, 7, sources=sources)):
        assert len({sources[index] for index in batch}) == 1


def test_sources_smaller_than_a_batch_are_pooled():
    sources = [0] * 10 + [1] * 2 + [2] * 3
    batches = indices(PairBatches(15, 5, sources=sources))
    assert sorted(chain.from_iterable(batches)) == list(range(15))
    assert sorted(chain.from_iterable(batch for batch in batches if min(batch) >= 10)) == list(range(10, 15))


def test_the_order_of_sources_changes_from_epoch_to_epoch():
    batches = PairBatches(40, 5, sources=[0] * 20 + [1] * 20)
    orders = set()
    for epoch in range(4):
        batches.set_epoch(epoch)
        orders.add(tuple(batch[0] < 20 for batch in indices(batches)))
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1), "PairBatches: batch_size must be at most the number of clips, 0, got 1"),
        ((5, 6), "PairBatches: batch_size must be at most the number of clips, 5, got 6"),
        ((5, 0), "PairBatches: batch_size must be positive, got 0"),
        ((5, 1, 0, [1, 2]), "PairBatches: sources must have 5 entries, one a clip, got 2"),
    ],
)
def test_bad_arguments_are_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        PairBatches(*arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("epoch", "start", "sentence"),
    [
        (-1, 0, "PairBatches: epoch must not be negative, got -1"),
        (0, 6, "PairBatches: start must lie in [0, 5], got 6"),
    ],
)
def test_a_position_that_does_not_exist_is_refused(epoch, start, sentence):
    with pytest.raises(ValueError) as caught:
        PairBatches(5, 1).set_epoch(epoch, start)
    assert str(caught.value) == sentence
