"""Embeddings frame by frame: where they are, and what they have to do with that of the clip."""

import pytest
import soundfile
import torch

from singerprint.models import SingerEncoder
from singerprint.models.network import Network
from singerprint.models.windows import frame_windows

RATE_HZ = 44_100
HOP = 16_384  # 32 frames of 512 samples


@pytest.fixture(scope="module")
def encoder():
    """The signal does not die out."""
    encoder = SingerEncoder.untrained(embedding_dim=16)
    for name, tensor in encoder.named_buffers():
        if name.endswith("running_var"):
            tensor.fill_(0.1)
    return encoder


def noise(samples, seed=1):
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("samples", [4_410, HOP - 1, HOP, HOP + 1, 176_400])
def test_of_one_window_their_mean_is_the_embedding(encoder, samples):
    waveform = noise(samples)
    frames, embedding = encoder.frames(waveform), encoder.embed(waveform)
    assert frames.shape == (1 + samples // HOP, 16)
    assert (frames.mean(dim=0) - embedding).norm() <= 1e-5 * embedding.norm()  # the promise


@pytest.mark.parametrize("samples", [176_401, 200_000, 10 * HOP + 7, 21 * HOP, 22 * HOP - 1, 700_001])
def test_a_longer_clip_has_a_frame_every_hop(encoder, samples):
    assert encoder.frames(noise(samples)).shape == (1 + samples // HOP, 16)
    assert encoder.frame_hop_samples == HOP


def test_windows_are_embedded_as_clips(encoder):
    waveform = noise(25 * HOP)
    frames = encoder.frames(waveform)
    assert torch.equal(frames[:10], encoder.frames(waveform[: 10 * HOP])[:10])
    assert torch.equal(frames[10:20], encoder.frames(waveform[10 * HOP : 20 * HOP])[:10])
    assert torch.equal(frames[20:], encoder.frames(waveform[15 * HOP :])[5:])


@pytest.mark.parametrize("hops", [1, 2, 3, 10])
@pytest.mark.parametrize("samples", [1, 99, 100, 101, 199, 200, 201, 999, 1_000, 1_050, 1_099, 1_100, 3_333])
def test_windows_hold_each_frame_once_and_none_is_short(samples, hops):
    waveform = torch.arange(samples)
    window_samples = 100 * hops + 50
    found = []
    for window, wanted in frame_windows(waveform, window_samples, 100):
        centres = [int(window[0]) + 100 * frame for frame in range(1 + len(window) // 100)]
        found += centres[wanted]
        assert samples <= window_samples or len(window) >= 100 * hops
        assert len(window) <= max(window_samples, 100 * hops + 99)
    assert found == list(range(0, samples + 1, 100))


def test_a_change_of_sound_is_heard_where_it_is(encoder):
    seconds = torch.arange(10 * HOP) / RATE_HZ
    waveform = torch.where(seconds < 5 * HOP / RATE_HZ, torch.sin(2764.6 * seconds), noise(10 * HOP))
    frames = torch.nn.functional.normalize(encoder.frames(waveform), dim=1)
    alike = frames @ frames.T
    across = alike[:4, 7:].mean()
    assert alike[:4, :4].mean() > across + 0.2
    assert alike[7:, 7:].mean() > across + 0.2


def test_files_and_rates_are_those_of_embed(encoder, tmp_path):
    waveform = noise(30_000).clamp(-1, 1)
    soundfile.write(tmp_path / "song.wav", waveform.numpy(), RATE_HZ, subtype="FLOAT")
    assert torch.equal(encoder.frames(tmp_path / "song.wav"), encoder.frames(waveform))
    assert encoder.frames(waveform, 22_050).shape == (1 + 60_000 // HOP, 16)


def test_silence_is_finite_and_modes_come_back(encoder):
    encoder.train()
    assert encoder.frames(torch.zeros(200_000)).isfinite().all()
    assert encoder.training and encoder.network.training
    encoder.eval()


def test_clips_that_are_too_short_are_named(encoder):
    with pytest.raises(ValueError) as caught:
        encoder.frames(torch.zeros(4_409))
    assert str(caught.value) == "embed: clip must last at least 0.1 s, got 0.0999773 s"


class Plain(Network):
    """A network without frames."""


def test_a_network_without_frames_says_so(encoder, monkeypatch):
    monkeypatch.setattr(encoder, "network", Plain())
    for ask in (lambda: encoder.frames(torch.zeros(5_000)), lambda: Plain().frame_embeddings(torch.zeros(1))):
        with pytest.raises(ValueError) as caught:
            ask()
        assert str(caught.value) == "frame_embeddings: network must embed frames, got Plain, which does not"
