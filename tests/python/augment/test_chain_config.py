import json
import math

import pytest
import torch

from singerprint import augment
from singerprint.augment import (
    Compose,
    DrawKey,
    RandomGain,
    RandomReverb,
    from_config,
    read_config,
    to_config,
)
from singerprint.augment.chain_config import TRANSFORMS


def through_json(config):
    return json.loads(json.dumps(config, allow_nan=False))


def test_every_random_transform_has_a_name():
    exported = {name for name in augment.__all__ if name.startswith("Random") and name != "RandomTransform"}
    assert exported == {transform.__name__ for transform in TRANSFORMS.values()}
    assert all(
        transform.__name__.lower() == "random" + name.replace("_", "")
        for name, transform in TRANSFORMS.items()
    )


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_name_alone_is_the_transform_with_its_defaults(name):
    (transform,) = from_config([{"name": name}]).transforms
    assert repr(transform) == repr(TRANSFORMS[name]())


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_chain_survives_json(name):
    chain = Compose([TRANSFORMS[name](probability=1.0), RandomGain(-9.5, 1 / 3, probability=0.25)])
    again = from_config(through_json(to_config(chain)))
    assert repr(again) == repr(chain)
    waveforms = torch.randn(2, 4410, generator=torch.Generator().manual_seed(0))
    key = DrawKey.of(0, [1, 2])
    assert torch.equal(again(waveforms, key), chain(waveforms, key))


def test_given_rooms_survive_json():
    chain = Compose([RandomReverb([[1.0, 0.1], [0.5]], probability=1.0)])
    config = through_json(to_config(chain))
    assert torch.equal(
        from_config(config).transforms[0].impulse_responses, chain.transforms[0].impulse_responses
    )


def test_the_sample_rate_is_for_who_wants_it_and_does_not_name_it():
    config = [{"name": "gain"}, {"name": "low_pass"}, {"name": "shift", "sample_rate_hz": 8000}]
    _, low_pass, shift = from_config(config, sample_rate_hz=16_000).transforms
    assert (low_pass.sample_rate_hz, shift.sample_rate_hz) == (16_000, 8000)


def test_a_config_is_not_changed():
    config = [{"name": "gain", "min_gain_db": -3.0}]
    from_config(config)
    assert config == [{"name": "gain", "min_gain_db": -3.0}]


NAMES = sorted(TRANSFORMS)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"name": "gain"}, "config must be a list of transforms, got {'name': 'gain'}"),
        ("gain", "config must be a list of transforms, got 'gain'"),
        (["gain"], "each transform must be an object with a name, got 'gain'"),
        ([{"gain_db": 3}], "each transform must be an object with a name, got {'gain_db': 3}"),
        ([{"name": "echo"}], f"name must be one of {NAMES}, got 'echo'"),
        ([{"name": ["gain"]}], f"name must be one of {NAMES}, got ['gain']"),
        (
            [{"name": "gain", "gain_db": 3}],
            "arguments of gain must be among ['max_gain_db', 'min_gain_db', 'probability'], got 'gain_db'",
        ),
        ([{"name": "gain", "min_gain_db": "low"}], "gain's min_gain_db must be a number, got 'low'"),
        ([{"name": "gain", "probability": True}], "gain's probability must be a number, got True"),
        (
            [{"name": "pitch_shift", "praat_compatible": 1}],
            "pitch_shift's praat_compatible must be true or false, got 1",
        ),
        (
            [{"name": "bandwidth", "sample_rates_hz": [8000, "half"]}],
            "bandwidth's sample_rates_hz must be a list of numbers, got [8000, 'half']",
        ),
        (
            [{"name": "reverb", "impulse_responses": [1.0, 0.5]}],
            "reverb's impulse_responses must be null or a list of lists of numbers, got [1.0, 0.5]",
        ),
    ],
)
def test_what_is_no_chain_is_named(config, sentence):
    with pytest.raises(ValueError) as caught:
        from_config(config)
    assert str(caught.value) == f"from_config: {sentence}"


def test_a_number_outside_its_range_is_told_by_its_transform():
    with pytest.raises(ValueError) as caught:
        from_config([{"name": "gain", "min_gain_db": math.nan}])
    assert (
        str(caught.value) == "RandomGain: min_gain_db <= max_gain_db must hold, both finite, got nan and 0.0"
    )


def test_a_transform_of_the_users_own_has_no_name():
    class RandomSilence(RandomGain):
        pass

    with pytest.raises(ValueError) as caught:
        to_config(Compose([RandomSilence()]))
    assert str(caught.value) == "to_config: transforms must be of this package, got RandomSilence"


@pytest.mark.parametrize("suffix", ["json", "yaml", "yml"])
def test_a_file_holds_a_chain(tmp_path, suffix):
    path = tmp_path / f"chain.{suffix}"
    texts = {"json": '[{"name": "gain", "min_gain_db": -1e1}]'}
    path.write_text(texts.get(suffix, "- name: gain\n  min_gain_db: -10.0  # decibels\n"))
    assert read_config(path) == read_config(str(path)) == [{"name": "gain", "min_gain_db": -10.0}]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.txt", "[]", "path must end in .json, .yaml or .yml, got {path}"),
        ("a.json", None, "path must name an existing file, got {path}"),
        ("a.json", "[", "{path} must hold JSON, got Expecting value: line 1 column 2 (char 1)"),
        ("a.json", '{"name": "gain"}', "{path} must hold a list of transforms, got dict"),
        ("a.yaml", "", "{path} must hold a list of transforms, got NoneType"),
        ("a.yaml", "a: [", "{path} must hold YAML, got while parsing a flow node expected the node content"),
    ],
)
def test_what_is_no_file_with_a_chain_is_named(tmp_path, name, text, sentence):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_config(path)
    # What PyYAML says of the place comes after its reason, and is its own affair.
    assert str(caught.value).partition(", but found")[0].partition(" did not")[0] == (
        "read_config: " + sentence.format(path=path)
    )
