import pytest
import torch

from singerprint.augment import DrawKey, preset, preset_or_file, to_config
from singerprint.augment.presets import PRESETS
from singerprint.data.synthetic import draw_singer, synthesize

CLIPS, SAMPLES = 20_000, 176_400
# The official code of Torres et al. (2023): what changes nothing, and the range, with probability 1/2.
PAPER_RANGES = {
    "amplitude": (0.0, 0.001, 0.05),
    "pitch_ratio": (1.0, 1 / 1.3, 1.3),
    "pitch_range_ratio": (1.0, 1 / 1.5, 1.5),
    "gain_db": (0.0, -6.0, 0.0),
    "length_samples": (0, 0, SAMPLES // 8),
}


def names(name):
    return [entry["name"] for entry in to_config(preset(name))]


def drawn(name):
    """Every parameter that the chain draws for many clips, by name; none comes twice in these chains."""
    parameters = preset(name).draw(DrawKey.of(0, range(CLIPS)), SAMPLES)
    return {key: tensor for link in parameters for key, tensor in link.items()}


def test_the_papers_chain_is_that_of_the_official_code():
    assert names("paper") == ["gaussian_noise", "pitch_shift", "gain", "time_mask"]
    assert preset("paper").transforms[1].praat_compatible


def test_the_fixed_chain_adds_the_noise_after_the_shift_and_keeps_all_voices():
    assert names("paper_fixed") == ["pitch_shift", "gaussian_noise", "gain", "time_mask"]
    assert not preset("paper_fixed").transforms[0].praat_compatible


@pytest.mark.parametrize("name", ["paper", "paper_fixed"])
@pytest.mark.parametrize("parameter", PAPER_RANGES)
def test_the_papers_ranges_are_drawn_from_end_to_end_for_half_of_the_clips(name, parameter):
    neutral, low, high = PAPER_RANGES[parameter]
    values = drawn(name)[parameter].double()
    changed = values[values != neutral]
    # 1 mask in 22,051 has no length. Five standard deviations of a fair coin.
    assert abs(len(changed) / CLIPS - 0.5) < 5 * (0.25 / CLIPS) ** 0.5
    assert low * (1 - 1e-6 * (low > 0)) <= changed.min()  # ratios and amplitudes are rounded to float32
    assert changed.max() <= high * (1 + 1e-6)
    # Of 10,000 draws one lies in the outer hundredth with probability 1 - 0.99^10000, at least.
    assert changed.min() < low + 0.01 * (high - low)
    assert changed.max() > high - 0.01 * (high - low)


@pytest.mark.parametrize(("parameter", "most"), [("pitch_ratio", 1.3), ("pitch_range_ratio", 1.5)])
def test_a_ratio_is_uniform_and_turned_upside_down_by_a_fair_coin(parameter, most):
    ratio = drawn("paper")[parameter].double()
    up, down = ratio[ratio > 1], ratio[ratio < 1]
    assert abs(len(up) / (len(up) + len(down)) - 0.5) < 5 * (0.25 / len(up)) ** 0.5
    spread = (most - 1) / 12**0.5  # of a uniform draw
    for larger in (up, 1 / down):
        assert abs(larger.mean() - (1 + most) / 2) < 5 * spread / len(larger) ** 0.5


def test_the_quiet_chain_is_the_fixed_one_with_a_tenth_of_the_noise():
    fixed, quiet = (to_config(preset(name)) for name in ("paper_fixed", "quiet"))
    assert quiet[1].pop("min_amplitude") == 0.0005
    assert quiet[1].pop("max_amplitude") == 0.005
    del fixed[1]["min_amplitude"], fixed[1]["max_amplitude"]
    assert quiet == fixed


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_moves_formants(name):
    assert (drawn(name).get("formant_ratio", torch.ones(1)) == 1).all()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_takes_a_voice_and_is_replayed_from_its_parameters(name):
    voices = [torch.from_numpy(synthesize(draw_singer(0, i), seconds=0.5)) for i in range(8)]
    waveforms, key = torch.stack(voices), DrawKey.of(3, range(8))
    chain = preset(name)
    augmented = chain(waveforms, key)
    assert augmented.shape == waveforms.shape
    assert augmented.isfinite().all()
    # Of eight clips one at least is changed with probability 255 / 256, and by this key it is.
    assert torch.equal(augmented, waveforms) == (name == "none")
    parameters = chain.draw(key, waveforms.shape[1])
    assert torch.equal(chain.apply(waveforms, parameters, key), augmented)
    alone = DrawKey.of(3, [5])
    assert torch.equal(chain(waveforms[5:6], alone)[0], augmented[5])


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("batch", "samples"), [(0, 100), (1, 1), (3, 0), (2, 2205)])
def test_a_preset_takes_short_and_silent_clips(name, batch, samples):
    augmented = preset(name)(torch.zeros(batch, samples), DrawKey.of(0, range(batch)))
    assert augmented.shape == (batch, samples)
    assert augmented.isfinite().all()


def test_a_preset_is_of_the_sample_rate_asked_for():
    rates = [getattr(transform, "sample_rate_hz", None) for transform in preset("strong", 16_000).transforms]
    assert set(rates) == {None, 16_000}


def test_a_setting_is_a_name_or_a_file(tmp_path):
    path = tmp_path / "chain.json"
    path.write_text('[{"name": "low_pass"}]')
    assert repr(preset_or_file("strong")) == repr(preset("strong"))
    assert preset_or_file(str(path), 16_000).transforms[0].sample_rate_hz == 16_000


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (preset, f"preset: name must be one of {sorted(PRESETS)}"),
        (
            preset_or_file,
            f"preset_or_file: name must be one of {sorted(PRESETS)} or end in .json, .yaml or .yml",
        ),
    ],
)
def test_another_name_is_refused(function, rule):
    with pytest.raises(ValueError) as caught:
        function("loud")
    assert str(caught.value) == f"{rule}, got 'loud'"
