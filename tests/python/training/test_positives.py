"""Which pairs and batches a configuration asks for."""

import pytest

from singerprint.data import CropPairs, PairBatches, SingerBatches, SingerPairs, SourceBatches, scan_folder
from singerprint.training.positives import positives

RATE_HZ = 44_100


def test_without_labels_a_pair_is_of_one_file(small_config, singing):
    pairs, batches = positives(small_config(), scan_folder(singing), RATE_HZ)
    assert (type(pairs), type(batches)) == (CropPairs, PairBatches)
    assert (len(pairs), len(batches)) == (6, 2)


def test_sources_are_the_folders_of_data(small_config, singing):
    config = small_config(batch_size=2, sources_per_batch=1)
    assert isinstance(positives(config, scan_folder(singing), RATE_HZ).batches, SourceBatches)


def test_with_labels_a_pair_is_of_one_singer(small_config, singing):
    pairs, batches = positives(small_config(objective="singer_contrastive"), scan_folder(singing), RATE_HZ)
    assert (type(pairs), type(batches)) == (SingerPairs, SingerBatches)
    assert (len(pairs), len(batches)) == (3, 2)


def test_singers_of_one_name_in_two_folders_are_two(small_config, singing, tmp_path):
    folders = tuple(tmp_path / name for name in ("studio", "phone"))
    for folder in folders:
        folder.symlink_to(singing)
    files = [file for folder in folders for file in scan_folder(folder)]
    config = small_config(objective="singer_contrastive", data=folders)
    assert len(positives(config, files, RATE_HZ).pairs) == 6


def test_a_batch_may_hold_more_pairs_than_there_are_files(small_config, singing):
    config = small_config(objective="singer_contrastive", batch_size=8)
    _, batches = positives(config, scan_folder(singing), RATE_HZ)
    assert [len(batch) for batch in batches] == [8]


def test_one_singer_is_not_enough(small_config, singing):
    files = [file for file in scan_folder(singing) if file.singer == "singer-00"]
    with pytest.raises(ValueError) as caught:
        positives(small_config(objective="singer_contrastive"), files, RATE_HZ)
    assert str(caught.value) == (
        "train: data must hold at least 2 singers for singer_contrastive, each a folder of files, got 1"
    )


def test_a_folder_that_does_not_tell_singers_apart_is_not_enough(small_config, singing, tmp_path):
    for number, file in enumerate(scan_folder(singing)):
        (tmp_path / f"{number}.wav").symlink_to(file.path)
    with pytest.raises(ValueError) as caught:
        positives(small_config(objective="singer_contrastive"), scan_folder(tmp_path), RATE_HZ)
    assert str(caught.value) == (
        "train: data must hold a singer with at least 2 files for singer_contrastive, each a folder of "
        "files, got 6 singers of 1 file"
    )
