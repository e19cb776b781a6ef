from collections import Counter

import numpy as np
import pytest
import soundfile
import torch
from torch.utils.data import DataLoader

from singerprint.data import (
    CropPair,
    SingerBatches,
    SingerFile,
    SingerPairs,
    SkippedClip,
    collate_pairs,
    scan_folder,
)

RATE_HZ = 8000
FILES = {"anna": 4, "ben": 1, "carl": 2}


@pytest.fixture
def files(tmp_path):
    """Files of noise around a level: that of file k of a singer is (k + 1) / 10, so a crop tells its file."""
    draws = np.random.default_rng(0)
    for singer, count in FILES.items():
        (tmp_path / singer).mkdir()
        for number in range(count):
            noise = draws.uniform(-0.05, 0.05, 2 * RATE_HZ) + 0.1 * (number + 1)
            soundfile.write(tmp_path / singer / f"{number}.wav", noise, RATE_HZ, subtype="FLOAT")
    return scan_folder(tmp_path)


def pairs_of(files, seed=0):
    return SingerPairs(files, [file.singer for file in files], 0.5, RATE_HZ, seed)


def number_of(crop):
    """Which file a crop is of: the mean of a crop whose peak is 1 is (k + 1) / (k + 1.5)."""
    level = crop.mean().item()
    return min(range(4), key=lambda number: abs(level - (number + 1) / (number + 1.5)))


def test_the_two_crops_are_of_two_different_files_of_the_singer(files):
    pairs = pairs_of(files)
    drawn = Counter()
    for epoch in range(240):
        item = pairs[epoch, 0]
        drawn[number_of(item.first), number_of(item.second)] += 1
    assert all(first != second for first, second in drawn)
    # 12 ordered pairs of 4 files, 20 draws each; five standard deviations.
    assert len(drawn) == 12
    assert all(abs(count - 20) < 5 * 20**0.5 for count in drawn.values())


def test_a_singer_of_one_file_gives_two_crops_of_it(files):
    item = pairs_of(files)[0, 1]
    assert (number_of(item.first), number_of(item.second)) == (0, 0)
    assert not torch.equal(item.first, item.second)


def test_an_index_is_a_singer_and_the_number_of_its_pair(files):
    pairs = pairs_of(files)
    assert len(pairs) == 3
    first, again, third = pairs[5, 2], pairs_of(files)[5, 2], pairs[5, 2 + 2 * 3]
    assert isinstance(first, CropPair)
    assert (first.clip_id, first.singer, third.clip_id, third.singer) == (2, 2, 8, 2)
    assert torch.equal(first.first, again.first)
    assert torch.equal(first.second, again.second)
    assert not torch.equal(first.first, third.first)
    assert not torch.equal(first.first, pairs[6, 2].first)
    assert not torch.equal(first.first, pairs_of(files, seed=1)[5, 2].first)


def test_every_number_of_workers_gives_the_same_batches(files):
    drawn = {}
    for workers in (0, 2):
        loader = DataLoader(
            pairs_of(files),
            batch_sampler=SingerBatches(3, 5, 4),
            num_workers=workers,
            collate_fn=collate_pairs,
        )
        drawn[workers] = list(loader)
    for alone, shared in zip(drawn[0], drawn[2], strict=True):
        assert torch.equal(alone.first, shared.first)
        assert torch.equal(alone.second, shared.second)
        assert torch.equal(alone.singers, alone.clip_ids % 3)
        assert torch.equal(alone.singers, shared.singers)
        assert len(alone.singers) == 5


def test_a_label_may_be_anything_that_tells_singers_apart(files):
    pairs = SingerPairs(files, [(file.singer == "ben", 0) for file in files], 0.5, RATE_HZ)
    assert len(pairs) == 2


def test_a_short_file_is_padded_and_said_so(files, tmp_path):
    soundfile.write(tmp_path / "ben" / "0.wav", np.full(1000, 0.1), RATE_HZ, subtype="FLOAT")
    item = pairs_of(files)[0, 1]
    assert item.padded
    assert not pairs_of(files)[0, 0].padded


def test_an_unreadable_file_is_named(files):
    files[4].path.write_bytes(b"garbage" * 100)
    item = pairs_of(files)[0, 1]
    assert isinstance(item, SkippedClip)
    assert (item.name, str(files[4].path) in item.reason) == ("ben/0.wav", True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], [], 1.0), "SingerPairs: files must hold at least one file, got none"),
        (([None], [], 1.0), "SingerPairs: singers must have 1 entries, one a file, got 0"),
        (([None], ["a"], 0.0), "SingerPairs: crop_seconds must be positive and finite, got 0.0"),
        (([None], ["a"], 1.0, 0), "SingerPairs: sample_rate_hz must be positive, got 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        SingerPairs(*arguments)
    assert str(caught.value) == sentence


def test_an_index_below_0_is_refused(tmp_path):
    pairs = SingerPairs([SingerFile(tmp_path, "a", "a", None)], ["a"], 1.0)
    with pytest.raises(IndexError) as caught:
        pairs[0, -1]
    assert str(caught.value) == "SingerPairs: index must not be negative, got -1"
