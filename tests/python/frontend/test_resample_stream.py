import pytest
import torch

from singerprint.frontend import ResampleStream, resample


def streamed(waveforms, from_hz, to_hz, sizes):
    """The parts that come out of pushes of these sizes, the last of which is repeated to the end."""
    stream, parts, begin = ResampleStream(from_hz, to_hz), [], 0
    while begin < waveforms.shape[1]:
        size = sizes[min(len(parts), len(sizes) - 1)]
        parts.append(stream.push(waveforms[:, begin : begin + size]))
        begin += size
    return [*parts, stream.flush()]


@pytest.mark.parametrize(
    ("from_hz", "to_hz"),
    [
        (44100, 16000),
        (16000, 44100),
        (48000, 44100),
        (44100, 44056),
        (11, 10),
        (2, 1),
        (192000, 8000),
        (7, 7),
    ],
)
@pytest.mark.parametrize("sizes", [[100_000], [1, 0, 5, 997], [512], [12_345, 3], [30_001]])
def test_blocks_of_any_size_give_the_whole_bit_for_bit(from_hz, to_hz, sizes, device, generator):
    samples = 60_013 if sizes[-1] > 3 else 12_400
    waveforms = torch.randn(2, samples, generator=generator).to(device)
    result = torch.cat(streamed(waveforms, from_hz, to_hz, sizes), dim=1)
    assert torch.equal(result, resample(waveforms, from_hz, to_hz))


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 16000), (44100, 44056)])
def test_float64_streams_too(from_hz, to_hz, generator):
    waveforms = torch.randn(1, 40_000, generator=generator, dtype=torch.float64)
    result = torch.cat(streamed(waveforms, from_hz, to_hz, [1024]), dim=1)
    assert torch.equal(result, resample(waveforms, from_hz, to_hz))


def test_not_a_number_spoils_a_stream_as_it_spoils_the_whole(generator):
    waveforms = torch.randn(1, 60_000, generator=generator)
    waveforms[0, [100, 20_000, 59_990]] = float("nan")
    result = torch.cat(streamed(waveforms, 44100, 16000, [4096]), dim=1)
    torch.testing.assert_close(result, resample(waveforms, 44100, 16000), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(44100, 16000), (16000, 44100), (48000, 44100), (44100, 44056)]
)
def test_the_delay_is_below_half_a_second_and_memory_is_bounded(from_hz, to_hz):
    stream, given = ResampleStream(from_hz, to_hz), 0
    for block in torch.zeros(1, 5 * from_hz).split(100, dim=1):
        given += stream.push(block).shape[1]
        # The docstring's 0.1 to 0.5 s: two blocks and what is ahead.
        assert stream._kept.shape[1] < from_hz
    assert given > 4.5 * to_hz


def test_after_a_flush_another_waveform_begins(generator):
    waveforms = torch.randn(3, 20_000, generator=generator)
    stream = ResampleStream(44100, 16000)
    for part in (waveforms, waveforms[:1, :7000]):
        result = torch.cat([stream.push(part), stream.flush()], dim=1)
        assert torch.equal(result, resample(part, 44100, 16000))


def test_nothing_pushed_gives_nothing():
    assert ResampleStream(44100, 16000).flush().shape == (0, 0)
    assert ResampleStream(44100, 16000).push(torch.zeros(2, 0)).shape == (2, 0)


@pytest.mark.parametrize(
    ("block", "error", "sentence"),
    [
        (
            torch.ones(3, 5),
            ValueError,
            "ResampleStream: block must have shape (channels, samples) with channels = 2, got [3, 5]",
        ),
        (
            torch.ones(5),
            ValueError,
            "ResampleStream: block must have shape (channels, samples) with channels = 2, got [5]",
        ),
        (
            torch.ones(2, 5).double(),
            TypeError,
            "ResampleStream: block must have dtype torch.float32, got torch.float64",
        ),
        (
            torch.ones(2, 5, device="meta"),
            ValueError,
            "ResampleStream: block must be on the device cpu, got meta",
        ),
    ],
)
def test_a_block_unlike_the_first_is_named(block, error, sentence):
    stream = ResampleStream(44100, 16000)
    stream.push(torch.ones(2, 5))
    with pytest.raises(error) as caught:
        stream.push(block)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("block", "error", "sentence"),
    [
        (torch.ones(5), ValueError, "resample: waveforms must have shape (batch, samples), got [5]"),
        (torch.ones(2, 5).int(), TypeError, "resample: waveforms must have dtype Float or Double, got Int"),
    ],
)
def test_a_bad_first_block_is_named(block, error, sentence):
    stream = ResampleStream(44100, 16000)
    with pytest.raises(error) as caught:
        stream.push(block)
    assert str(caught.value) == sentence
    assert stream.flush().shape == (0, 0)


def test_bad_rates_are_named():
    with pytest.raises(ValueError) as caught:
        ResampleStream(44100, 0)
    assert str(caught.value) == "resample: to_hz must be a whole number in [1, 16777216], got 0"
