import json

import numpy as np
import pytest
import soundfile
import torch

from singerprint.augment import Compose, RandomGain, from_config, preset
from singerprint.data import AudioError
from singerprint.data.synthetic import draw_singer, synthesize
from singerprint.experiments import read_take, write_takes

EVERYTHING = from_config(
    [
        {"name": name, "probability": 1.0}
        for name in (
            "pitch_shift",
            "reverb",
            "parametric_eq",
            "shift",
            "bandwidth",
            "gaussian_noise",
            "time_mask",
        )
    ]
)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("takes") / "song.wav"
    soundfile.write(path, synthesize(draw_singer(0, 1), seconds=1.0), 44_100, subtype="FLOAT")
    return path


def read(path):
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == 44_100
    return torch.from_numpy(samples)


@pytest.mark.parametrize("chain", [EVERYTHING, preset("strong")], ids=["everything", "strong"])
def test_a_take_is_made_again_from_what_lies_beside_it(song, tmp_path, chain):
    paths = write_takes(song, chain, tmp_path / "takes", takes=4, seed=5)
    assert [path.name for path in paths] == [f"take-00{number}.wav" for number in range(4)]
    source = read(tmp_path / "takes/source.wav")
    assert torch.equal(source, read(song))
    for number, path in enumerate(paths):
        take = read_take(tmp_path / "takes", number)
        assert repr(take.chain) == repr(chain)
        assert torch.equal(take.chain.apply(source[None], take.parameters, take.key)[0], read(path))


def test_takes_follow_from_the_seed_and_differ_from_each_other(song, tmp_path):
    folders = {name: write_takes(song, EVERYTHING, tmp_path / name, 2, seed=seed) for name, seed in
               {"a": 1, "b": 1, "c": 2}.items()}  # fmt: skip
    first, again, other = ([path.read_bytes() for path in paths] for paths in folders.values())
    assert first == again
    assert len({*first, *other}) == 4


def test_the_description_is_strict_json_without_infinity(song, tmp_path):
    never = from_config([{"name": "bandwidth", "probability": 0.0}])
    write_takes(song, never, tmp_path / "takes", 1)
    text = (tmp_path / "takes/takes.json").read_text()
    facts = json.loads(text, parse_constant=pytest.fail)
    assert facts["takes"] == [{"file": "take-000.wav", "parameters": [{"cutoff_hz": None}]}]
    assert read_take(tmp_path / "takes", 0).parameters[0]["cutoff_hz"].isinf().all()


def test_flac_is_cut_at_full_scale_and_does_not_wrap(tmp_path):
    soundfile.write(tmp_path / "loud.wav", np.full(1000, 0.9, np.float32), 44_100, subtype="FLOAT")
    louder = Compose([RandomGain(6.0, 6.0, probability=1.0)])
    (path,) = write_takes(tmp_path / "loud.wav", louder, tmp_path / "takes", 1, audio_format="flac")
    assert path.name == "take-000.flac"
    assert torch.allclose(read(path), torch.ones(1000), atol=2**-23)  # the last step of 24 bits


def test_a_span_is_taken(song, tmp_path):
    write_takes(song, preset("none"), tmp_path / "a", 1, start_seconds=0.25, duration_seconds=0.5)
    assert torch.equal(read(tmp_path / "a/take-000.wav"), read(song)[11_025:33_075])


def test_silence_stays_readable(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(4410, np.float32), 44_100)
    for path in write_takes(tmp_path / "silence.wav", preset("strong"), tmp_path / "takes", 4):
        assert read(path).isfinite().all()


def test_progress_is_told_after_each_take(song, tmp_path):
    told = []
    write_takes(song, preset("none"), tmp_path / "a", 2, progress=lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


def test_no_folder_is_made_of_a_mistake(song, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError) as caught:
        write_takes(song, preset("none"), out, 0)
    assert str(caught.value) == "augment: takes must be at least 1, got 0"
    with pytest.raises(ValueError) as caught:
        write_takes(song, preset("none"), out, seed=2**64)
    assert str(caught.value) == f"DrawKey: seed must be in [-2**63, 2**63), got {2**64}"
    with pytest.raises(AudioError):
        write_takes(tmp_path / "missing.wav", preset("none"), out)
    assert not out.exists()


def test_takes_never_mix_with_other_files(song, tmp_path):
    with pytest.raises(ValueError) as caught:
        write_takes(song, preset("none"), song.parent)
    assert str(caught.value) == f"augment: out must be a new or empty folder, got {song.parent}"


def test_a_take_that_is_not_there_is_named(song, tmp_path):
    write_takes(song, preset("none"), tmp_path / "a", 2)
    with pytest.raises(ValueError) as caught:
        read_take(tmp_path / "a", 2)
    assert str(caught.value) == "read_take: number must be in [0, 2), got 2"
