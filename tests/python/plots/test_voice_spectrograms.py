"""voice_spectrograms: what lies where in the panels."""

import numpy as np
import pytest
import torch

from singerprint.plots import voice_spectrograms

RATE_HZ = 16_000
TONE = 0.5 * np.sin(2 * np.pi * 1000 / RATE_HZ * np.arange(RATE_HZ))


def test_a_tone_lies_at_its_frequency_and_the_take_at_its_time():
    figure = voice_spectrograms({"tone": TONE}, RATE_HZ, formants=False)
    (image,) = figure.axes[0].images
    left, right, bottom, top = image.get_extent()
    assert (left, right, bottom) == (0.0, 1.0, 0.0)
    level = np.asarray(image.get_array()).mean(1)
    loudest_hz = level.argmax() * top / (len(level) - 1)
    assert abs(loudest_hz - 1000) < RATE_HZ / (2 * 736)  # half a bin of the doubled window of 46 ms


def test_every_take_has_its_titled_panel_and_empty_places_are_hidden():
    figure = voice_spectrograms(dict.fromkeys("abcd", TONE), RATE_HZ, formants=False, columns=3)
    assert [axes.get_title(loc="left") for axes in figure.axes[:4]] == ["a", "b", "c", "d"]
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2


def test_a_quieter_take_is_darker():
    figure = voice_spectrograms({"loud": TONE, "soft": 0.1 * TONE}, RATE_HZ, formants=False)
    loud, soft = (axes.images[0] for axes in figure.axes)
    assert loud.get_clim() == soft.get_clim()
    # Twenty decibels; what is added against log(0) lies far below the loudest.
    assert loud.get_array().max() - soft.get_array().max() == pytest.approx(20.0, abs=1e-3)


def test_pitch_is_a_line_that_breaks_where_there_is_none():
    f0_hz = torch.tensor([200.0, 0.0, 210.0])
    figure = voice_spectrograms({"a": TONE, "b": TONE}, RATE_HZ, {"a": f0_hz}, formants=False)
    (line,) = figure.axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(line.get_ydata(), [200.0, np.nan, 210.0])
    assert not figure.axes[1].lines
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["pitch"]


def test_formants_are_dots_and_silence_has_none(tmp_path):
    noise = np.random.default_rng(0).standard_normal(RATE_HZ)
    figure = voice_spectrograms({"noise": torch.from_numpy(noise), "silence": np.zeros(RATE_HZ)}, RATE_HZ)
    dots, none = (axes.collections[0].get_offsets() for axes in figure.axes)
    assert np.ma.count(dots[:, 1]) > 50
    assert np.ma.count(none[:, 1]) == 0
    figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("takes", "message"),
    [
        ({}, "takes must hold at least one take, got none"),
        ({"a": []}, "take 'a' must have shape (samples,) with at least one sample, got (0,)"),
        ({"a": [[1.0]]}, "take 'a' must have shape (samples,) with at least one sample, got (1, 1)"),
        ({"a": [np.nan]}, "take 'a' must be finite, got nan"),
    ],
)
def test_bad_takes_are_named(takes, message):
    with pytest.raises(ValueError) as raised:
        voice_spectrograms(takes, RATE_HZ)
    assert str(raised.value) == f"voice_spectrograms: {message}"
