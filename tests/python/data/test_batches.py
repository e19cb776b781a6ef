from collections import Counter
from itertools import chain

import pytest

from singerprint.data import PairBatches, SingerBatches, SourceBatches


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


# Ten sources of 4 to 22 singers of one to three files.
SOURCES, SINGERS = zip(
    *[
        (source, singer)
        for source in range(10)
        for singer in range(4 + 2 * source)
        for _ in range(1 + singer % 3)
    ],
    strict=True,
)


def test_a_batch_holds_equal_parts_of_a_few_sources_and_a_singer_once():
    for batch in indices(SourceBatches(SOURCES, SINGERS, 12, 3)):
        count = Counter(SOURCES[index] for index in batch)
        assert list(count.values()) == [4, 4, 4]
        assert len({(SOURCES[index], SINGERS[index]) for index in batch}) == 12


def test_every_file_is_drawn_in_the_end():
    batches = SourceBatches(SOURCES, SINGERS, 12, 3)
    seen = set()
    for epoch in range(40):
        batches.set_epoch(epoch)
        seen.update(chain.from_iterable(indices(batches)))
    assert seen == set(range(len(SOURCES)))


def test_sources_are_drawn_by_the_root_of_their_singers_and_singers_of_a_source_alike():
    # One source a batch: 4 singers against 16, so 1 : 2; 3,000 draws, four standard deviations.
    sources, singers = [0] * 4 + [1] * 16, range(20)
    batches = SourceBatches(sources, singers, 2, 1)
    drawn = Counter()
    for epoch in range(300):
        batches.set_epoch(epoch)
        drawn.update(chain.from_iterable(indices(batches)))
    small = sum(drawn[index] for index in range(4)) / sum(drawn.values())
    assert abs(small - 1 / 3) < 4 * (1 / 3 * 2 / 3 / 3000) ** 0.5
    expected = sum(drawn.values()) * 2 / 3 / 16
    assert all(abs(drawn[index] - expected) < 5 * expected**0.5 for index in range(4, 20))


def test_small_sources_are_merged_until_they_fill_their_share():
    sources = [0] * 9 + [1] * 2 + [2] * 3
    for batch in indices(SourceBatches(sources, range(14), 10, 2)):
        assert sum(index >= 9 for index in batch) == 5


def test_batches_of_sources_follow_from_seed_and_epoch_and_can_be_resumed():
    whole = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        batches = SourceBatches(SOURCES, SINGERS, 12, 3, seed)
        batches.set_epoch(epoch)
        whole.append(list(batches))
        assert len(whole[-1]) == len(SOURCES) // 12
        batches.set_epoch(epoch, start=2)
        assert list(batches) == whole[-1][2:]
    assert len({str(batches) for batches in whole}) == 3
    numbers = [{number for number, _ in batch} for batch in whole[0] + whole[1]]
    assert numbers == [{number} for number in range(2 * len(whole[0]))]  # a crop is never drawn twice


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([0], [], 1, 1), "singers must have 1 entries, one a clip, got 0"),
        (([0], [0], 1, 0), "sources_per_batch must be positive, got 0"),
        (([0], [0], 3, 2), "batch_size must be a positive multiple of sources_per_batch = 2, got 3"),
        (([0], [0], 0, 2), "batch_size must be a positive multiple of sources_per_batch = 2, got 0"),
        (
            ([0, 0, 1], [0, 1, 2], 4, 2),
            "sources must be at least 2 of 2 singers or more, got 1 (smaller ones count together)",
        ),
    ],
)
def test_sources_that_fill_no_batch_are_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        SourceBatches(*arguments)
    assert str(caught.value) == f"SourceBatches: {sentence}"


def test_a_singer_stands_in_a_batch_once_while_there_are_enough():
    batches = SingerBatches(singers=10, batch_size=7, batches_per_epoch=50)
    assert len(batches) == 50
    counts = Counter()
    for batch in indices(batches):
        assert len(set(batch)) == 7
        counts.update(batch)
    assert set(counts) == set(range(10))
    # 50 batches of 7 of 10: 35 each, a variance of 50 * 0.7 * 0.3; five standard deviations.
    assert all(abs(count - 35) < 5 * 10.5**0.5 for count in counts.values())


def test_with_few_singers_each_stands_in_a_batch_equally_often_with_other_pairs():
    for batch in indices(SingerBatches(singers=3, batch_size=8, batches_per_epoch=5)):
        assert len(set(batch)) == 8
        assert sorted(Counter(index % 3 for index in batch).values()) == [2, 3, 3]


def test_batches_of_singers_follow_from_seed_and_epoch_and_can_be_resumed():
    whole = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        batches = SingerBatches(20, 6, 4, seed)
        batches.set_epoch(epoch)
        whole.append(list(batches))
        batches.set_epoch(epoch, start=1)
        assert list(batches) == whole[-1][1:]
    assert len({str(batches) for batches in whole}) == 3
    numbers = [{number for number, _ in batch} for batch in whole[0] + whole[1]]
    assert numbers == [{number} for number in range(8)]  # a pair is never drawn twice


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1, 1), "SingerBatches: singers must be positive, got 0"),
        ((1, 0, 1), "SingerBatches: batch_size must be positive, got 0"),
        ((1, 1, 0), "SingerBatches: batches_per_epoch must be positive, got 0"),
    ],
)
def test_singers_that_fill_no_batch_are_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        SingerBatches(*arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1), "PairBatches: batch_size must be at most the number of clips, 0, got 1"),
        ((5, 6), "PairBatches: batch_size must be at most the number of clips, 5, got 6"),
        ((5, 0), "PairBatches: batch_size must be positive, got 0"),
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
