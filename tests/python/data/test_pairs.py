import numpy as np
import pytest
import soundfile
import torch
from torch.utils.data import DataLoader

from singerprint.data import (
    CropPair,
    CropPairs,
    PairBatches,
    SkippedClip,
    check_files,
    collate_pairs,
    scan_folder,
)

RATE_HZ = 8000


@pytest.fixture
def files(tmp_path):
    """Ten singers of noise: nine whole of 2 s, the last shorter than a crop."""
    draws = np.random.default_rng(0)
    for singer in range(10):
        folder = tmp_path / f"singer-{singer}"
        folder.mkdir()
        seconds = 0.25 if singer == 9 else 2.0
        samples = draws.uniform(-0.4, 0.4, round(seconds * RATE_HZ)).astype(np.float32)
        soundfile.write(folder / "x.flac", samples, RATE_HZ)
    return scan_folder(tmp_path)


def pairs_of(files, seed=0):
    return CropPairs(files, crop_seconds=0.5, sample_rate_hz=RATE_HZ, seed=seed)


def loader_of(pairs, workers, **batches):
    return DataLoader(
        pairs,
        num_workers=workers,
        collate_fn=collate_pairs,
        persistent_workers=workers > 0,
        **batches,
    )


def epoch_tensors(loader):
    batches = list(loader)
    return [torch.cat([batch[field] for batch in batches]) for field in range(6)]


def test_an_item_is_a_pure_function_of_seed_epoch_and_index(files):
    item, again = pairs_of(files)[3, 2], pairs_of(files)[3, 2]
    assert isinstance(item, CropPair)
    assert item.first.shape == item.second.shape == (RATE_HZ // 2,)
    assert item.first.dtype == torch.float32
    assert item.clip_id == 2
    assert torch.equal(item.first, again.first)
    assert torch.equal(item.second, again.second)
    assert not torch.equal(item.first, item.second)
    assert not torch.equal(item.first, pairs_of(files)[4, 2].first)
    assert not torch.equal(item.first, pairs_of(files, seed=1)[3, 2].first)


def test_every_number_of_workers_gives_the_same_epochs(files):
    epochs = {}
    for workers in (0, 2):
        batches = PairBatches(len(files), 5, seed=5)
        loader = loader_of(pairs_of(files), workers, batch_sampler=batches)
        epochs[workers] = []
        for epoch in range(3):
            batches.set_epoch(epoch)
            epochs[workers].append(epoch_tensors(loader))
    for alone, shared in zip(epochs[0], epochs[2], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))
    first, _, clip_ids, numbers, padded, singers = epochs[0][0]
    assert torch.equal(singers, clip_ids)  # no label is looked at
    assert numbers.tolist() == [0] * 10
    assert not torch.equal(first, epochs[0][1][0])
    assert sorted(clip_ids.tolist()) == list(range(10))
    assert int(padded.sum()) == 1
    assert bool(padded[clip_ids == 9])


def test_an_unreadable_file_is_skipped_and_named_never_zeros(files):
    files[1].path.write_bytes(files[1].path.read_bytes()[:2000])
    files[4].path.unlink()
    soundfile.write(files[6].path, np.zeros(2 * RATE_HZ), RATE_HZ)
    batch = collate_pairs([pairs_of(files)[0, index] for index in range(10)])
    assert batch.clip_ids.tolist() == [0, 2, 3, 5, 7, 8, 9]
    assert batch.first.shape == batch.second.shape == (7, RATE_HZ // 2)
    assert torch.all(batch.first.abs().amax(dim=1) == 1.0)
    assert batch.padded.tolist() == [False] * 6 + [True]
    assert [clip.name for clip in batch.skipped] == [files[index].name for index in (1, 4, 6)]
    assert batch.skipped[1].reason == f"read_audio: path must name an existing file, got {files[4].path}"
    assert "silence in" in batch.skipped[2].reason


def test_a_batch_of_skipped_files_is_empty():
    batch = collate_pairs([SkippedClip("a", "gone"), SkippedClip("b", "gone")])
    assert batch.first.shape == batch.second.shape == (0, 0)
    assert batch.clip_ids.shape == batch.padded.shape == (0,)
    assert len(batch.skipped) == 2


def test_checking_names_the_unreadable_and_counts_the_short(files):
    files[1].path.write_bytes(b"garbage" * 100)
    seen = []
    usable, unreadable, short = check_files(
        files, 0.5, progress=lambda done, total: seen.append((done, total))
    )
    assert [file.name for file in usable] == [file.name for file in files if file != files[1]]
    reason = f"audio_info: path must name a readable audio file, got {files[1].path}"
    assert [(file.name, why.split(" (")[0]) for file, why in unreadable] == [(files[1].name, reason)]
    assert short == [files[9]]
    assert seen == [(done, 10) for done in range(1, 11)]


def refusal(function, *arguments, **options):
    with pytest.raises((ValueError, IndexError)) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_bad_arguments_are_refused(files):
    assert refusal(CropPairs, [], 4.0) == "CropPairs: files must hold at least one file, got none"
    crop = "CropPairs: crop_seconds must be positive and finite, got"
    assert refusal(CropPairs, files, 0.0) == f"{crop} 0.0"
    assert refusal(CropPairs, files, float("inf")) == f"{crop} inf"
    assert refusal(CropPairs, files, 4.0, 0) == "CropPairs: sample_rate_hz must be positive, got 0"
    assert refusal(pairs_of(files).__getitem__, (0, 10)) == "CropPairs: index must lie in [0, 10), got 10"
