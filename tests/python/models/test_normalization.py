"""Normalizations of log-mels: the two of the released models against the formula of their code."""

import warnings

import pytest
import torch
import torchvision

from singerprint.models.normalization import (
    NORMALIZATIONS,
    at_full_scale,
    batch_maximum,
    clip_maximum,
    raw,
)

pytestmark = pytest.mark.filterwarnings("ignore:clip_maximum")  # said of the quietest clip

# A product and a difference, each rounded at 6e-8 of at most 20 / 0.225.
TOLERANCE = 1e-5


def reference(spectrograms):
    """https://github.com/SonyCSLParis/ssl-singer-identity at 24751d1, network_components.py, lines 20-32."""
    images = torch.stack([spectrograms / spectrograms.max()] * 3, dim=1)
    return torchvision.transforms.functional.normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.fixture
def spectrograms(generator):
    """A loud clip, a quieter one, and one that is negative throughout."""
    levels = torch.tensor([6.0, 1.0, -12.0])[:, None, None]
    return levels + 2 * torch.randn(3, 8, 5, generator=generator).clamp(-2, 2)  # (batch, mels, frames)


def test_batch_maximum_is_the_published_formula(spectrograms):
    found = batch_maximum(spectrograms)
    assert found.shape == (3, 3, 8, 5)
    torch.testing.assert_close(found, reference(spectrograms), rtol=0, atol=TOLERANCE)


def test_clip_maximum_is_the_published_formula_for_each_clip_alone(spectrograms):
    expected = torch.cat([reference(clip[None]) for clip in spectrograms])
    torch.testing.assert_close(clip_maximum(spectrograms), expected, rtol=0, atol=TOLERANCE)
    assert torch.equal(clip_maximum(spectrograms[1:]), clip_maximum(spectrograms)[1:])
    assert not torch.allclose(clip_maximum(spectrograms), batch_maximum(spectrograms))


QUIET = "a clip is so quiet, some 25 to 35 dB below full scale or more, that its image is upside down"


def test_a_clip_below_power_one_is_upside_down_and_said_to_be(spectrograms):
    for name, images, clips in (
        ("clip_maximum", clip_maximum, spectrograms),
        ("batch_maximum", batch_maximum, spectrograms[2:]),
    ):
        with pytest.warns(UserWarning) as caught:
            images(clips)
        assert [str(w.message) for w in caught] == [f"{name}: {QUIET}; raise its level first"]


def test_nothing_is_said_of_clips_that_are_loud_enough(spectrograms):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip_maximum(spectrograms[:2])
        batch_maximum(spectrograms)  # the loud clip's maximum is that of all


def test_a_warning_breaks_no_graph(spectrograms):
    assert torch.equal(torch.compile(clip_maximum, fullgraph=True)(spectrograms), clip_maximum(spectrograms))


def test_a_clip_below_power_one_is_upside_down(spectrograms):
    for clip, sign in ((0, 1), (2, -1)):
        order = (sign * spectrograms[clip]).flatten().argsort()
        assert (clip_maximum(spectrograms)[clip, 0].flatten()[order].diff() >= 0).all()


def test_silence_is_finite():
    silence = torch.full((1, 8, 5), -18.42)
    assert torch.equal(clip_maximum(silence), clip_maximum(torch.ones(1, 8, 5)))


def test_no_clip_has_no_maximum():
    assert clip_maximum(torch.zeros(0, 8, 5)).shape == (0, 3, 8, 5)
    with pytest.raises(ValueError) as caught:
        batch_maximum(torch.zeros(0, 8, 5))
    assert str(caught.value) == "batch_maximum: spectrograms must hold at least one clip, got [0, 8, 5]"


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_channels_and_gradient(name, generator):
    normalization = NORMALIZATIONS[name]
    spectrograms = torch.randn(2, 4, 3, dtype=torch.float64, generator=generator).requires_grad_()
    assert normalization.images(spectrograms).shape == (2, normalization.channels, 4, 3)
    assert torch.autograd.gradcheck(normalization.images, spectrograms)


def test_raw_is_the_log_mel_itself(spectrograms):
    assert torch.equal(raw(spectrograms), spectrograms[:, None])


def test_at_full_scale_each_clip_has_a_peak_of_one_but_silence(generator):
    waveforms = torch.randn(3, 50, generator=generator) * torch.tensor([1e-3, 1.0, 0.0])[:, None]
    found = at_full_scale(waveforms)
    assert found.abs().amax(dim=1).tolist() == [1, 1, 0]
    # One division and one product round.
    torch.testing.assert_close(
        found * waveforms.abs().amax(dim=1, keepdim=True), waveforms, rtol=2e-7, atol=0
    )
