import pytest
import torch

from singerprint.frontend import LogMelStream, log_mel

SIZES = [1, 7, 400, 1024, 5000]  # of blocks; a frame has 1024 samples


def streamed(waveforms, size, **options):
    stream = LogMelStream(**options)
    frames = [stream.push(block) for block in waveforms.split(size, dim=1)]
    return torch.cat([*frames, stream.flush()], dim=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hop_length", [256, 1500])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": "zeros"},
        {"centred": False},
        {"n_fft": 1000, "window_length": 800, "log": "db", "power": 1},
    ],
)
def test_blocks_of_any_size_give_the_same_bits(size, hop_length, options, device, generator):
    options = {"n_fft": 1024, "n_mels": 20, "hop_length": hop_length, **options}
    samples = 4001 if size == 1 else 20_001
    waveforms = torch.randn(2, samples, generator=generator).to(device)
    assert torch.equal(streamed(waveforms, size, **options), log_mel(waveforms, **options))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_frames_come_as_soon_as_they_can(dtype, generator):
    waveforms = torch.randn(1, 4096, generator=generator, dtype=dtype)
    stream = LogMelStream(n_fft=1024, hop_length=256, n_mels=20)
    assert stream.push(waveforms[:, :511]).shape == (1, 20, 0)
    assert stream.push(waveforms[:, 511:513]).shape == (1, 20, 1)  # half a frame, and one to mirror
    frames = stream.push(waveforms[:, 513:])
    assert frames.shape == (1, 20, 14)
    assert frames.dtype == dtype
    assert stream.flush().shape == (1, 20, 2)


def test_after_its_end_a_new_stream_begins(generator):
    waveforms = torch.randn(1, 5000, generator=generator)
    stream = LogMelStream()
    first = torch.cat([stream.push(waveforms), stream.flush()], dim=2)
    again = torch.cat([stream.push(waveforms), stream.flush()], dim=2)
    assert torch.equal(first, again)


@pytest.mark.parametrize("samples", [1, 700])
def test_of_zeros_around_it_a_short_stream_has_frames(samples, generator):
    waveforms = torch.randn(1, samples, generator=generator)
    assert torch.equal(streamed(waveforms, 100, padding="zeros"), log_mel(waveforms, padding="zeros"))


def test_a_stream_too_short_to_be_mirrored_is_an_error():
    stream = LogMelStream()
    stream.push(torch.zeros(1, 1024))
    with pytest.raises(ValueError, match="log_mel") as caught:
        stream.flush()
    sentence = "waveforms must have more than n_fft / 2 = 1024 samples to be mirrored at their ends, got 1024"
    assert str(caught.value) == f"log_mel: {sentence}"


def test_other_blocks_than_the_first_are_an_error():
    stream = LogMelStream()
    with pytest.raises(ValueError, match="block must have shape") as caught:
        stream.push(torch.zeros(100))
    assert str(caught.value) == "LogMelStream: block must have shape (batch, samples), got [100]"
    with pytest.raises(ValueError, match="flush must follow a push, got none"):
        stream.flush()
    stream.push(torch.zeros(2, 100))
    with pytest.raises(ValueError, match="batch = 2") as caught:
        stream.push(torch.zeros(3, 100))
    assert str(caught.value) == "LogMelStream: block must have batch = 2 as before, got 3"
    with pytest.raises(TypeError, match="as before") as refused:
        stream.push(torch.zeros(2, 100).double())
    assert str(refused.value) == "LogMelStream: block must be torch.float32 as before, got torch.float64"
    with pytest.raises(TypeError, match="block must be float32 or float64"):
        stream.push(torch.zeros(2, 100).long())
    with pytest.raises(ValueError, match="log_mel: hop_length must be at least 1, got 0"):
        LogMelStream(hop_length=0)
