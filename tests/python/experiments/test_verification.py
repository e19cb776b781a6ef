import numpy as np
import pytest
import soundfile
import torch

from singerprint.data import scan_folder
from singerprint.experiments import embed_files, folder_trials, verify


class Loudness:
    """An embedder whose answer is known: the direction tells the level of the file."""

    dim = 2

    def embed(self, path):
        samples, _ = soundfile.read(path)
        angle = float(np.sqrt(np.mean(samples**2)))
        return torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float32)


@pytest.fixture
def singers(tmp_path):
    """Two singers, two styles each, one file a style; a singer is a level."""
    for singer, level in (("ann", 0.1), ("bo", 0.9)):
        for style, more in (("loud", 0.0), ("soft", 0.02)):
            folder = tmp_path / "songs" / singer / style
            folder.mkdir(parents=True)
            soundfile.write(folder / "a.wav", np.full(4410, level - more), 44100)
    return tmp_path / "songs"


def test_singers_that_are_far_apart_are_told_apart(singers):
    measured = verify(Loudness(), folder_trials(singers))
    assert (measured.result.eer, measured.result.mnr) == (0.0, 0.0)
    assert (measured.result.positives, measured.result.negatives) == (2, 4)
    assert measured.embedded.audio_seconds == pytest.approx(0.4)


def test_across_a_level_pairs_files_of_two_levels(singers):
    subject = folder_trials(singers, across="style")
    for first, second, same in zip(*subject.trials, strict=True):
        if same:
            assert subject.files[first].level != subject.files[second].level


def test_a_table_tells_the_song(singers):
    (singers / "index.csv").write_text(
        "path,song\nann/loud/a.wav,x\nann/soft/a.wav,y\nbo/loud/a.wav,z\nbo/soft/a.wav,z\n"
    )
    subject = folder_trials(singers, across="song")
    positives = [
        (subject.files[first].name, subject.files[second].name)
        for first, second, same in zip(*subject.trials, strict=True)
        if same
    ]
    assert positives == [("ann/loud/a.wav", "ann/soft/a.wav")]


@pytest.mark.parametrize("prefix", ["", "songs/"])
def test_a_list_may_be_relative_to_the_data_or_to_itself(singers, prefix):
    pairs = singers.parent / "pairs.txt"
    pairs.write_text(
        f"1,{prefix}ann/loud/a.wav,{prefix}ann/soft/a.wav\n0,{prefix}ann/loud/a.wav,{prefix}bo/loud/a.wav\n"
    )
    subject = folder_trials(singers, pairs)
    assert [file.name for file in subject.files] == ["ann/loud/a.wav", "ann/soft/a.wav", "bo/loud/a.wav"]
    assert subject.trials.same.tolist() == [True, False]


def test_a_list_that_names_an_unknown_file_is_refused(singers):
    pairs = singers.parent / "pairs.txt"
    pairs.write_text("1,ann/loud/a.wav,nobody.wav\n")
    with pytest.raises(ValueError, match=r"^read_trials: line 1 of .* must name files .*, got 'nobody.wav'$"):
        folder_trials(singers, pairs)


def test_a_list_and_a_level_exclude_each_other(singers):
    with pytest.raises(ValueError) as caught:
        folder_trials(singers, singers / "pairs.txt", across="song")
    assert str(caught.value) == (
        "evaluate: across must not be given together with pairs: the list fixes the trials"
    )


def test_an_unreadable_file_is_named_and_its_trials_are_left_out(singers):
    class Picky(Loudness):
        def embed(self, path):
            if path.parent.name == "soft" and path.parent.parent.name == "ann":
                from singerprint.data import read_audio  # noqa: PLC0415

                read_audio(path.with_name("missing.wav"))
            return super().embed(path)

    measured = verify(Picky(), folder_trials(singers))
    assert list(measured.embedded.unreadable) == ["ann/soft/a.wav"]
    assert (measured.result.positives, measured.result.negatives) == (1, 2)


def test_progress_is_told_after_every_file(singers):
    calls = []
    embed_files(Loudness(), scan_folder(singers), lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
