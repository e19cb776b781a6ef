"""pitch_shift: laws that hold bit for bit, the pitch that was asked for, formants that stay or move."""

import math

import numpy as np
import pytest
import torch
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.augment import formant_shift, pitch_shift
from singerprint.frontend import pitch

SAMPLE_RATE_HZ = 44_100
SAMPLES = 30_000


def sung(hz, samples=SAMPLES, sample_rate_hz=SAMPLE_RATE_HZ, vibrato_cents=0.0, resonance_hz=None):
    """Harmonics 1 / k up to a third of the sample rate, or under a single resonance: (samples,)."""
    seconds = torch.arange(samples, dtype=torch.float64) / sample_rate_hz
    f0_hz = hz * 2 ** (vibrato_cents / 1200 * torch.sin(2 * math.pi * 5.5 * seconds))
    phase = 2 * math.pi * torch.cumsum(f0_hz, 0) / sample_rate_hz
    waveform = torch.zeros_like(phase)
    for k in range(1, max(1, int(sample_rate_hz / 3 / hz)) + 1):
        level = 1 / k if resonance_hz is None else 1 / (1 + ((k * hz - resonance_hz) / 150) ** 2)
        waveform += level * torch.cos(k * phase)
    return (0.2 * waveform).float()


def mixed_batch():
    """A low voice, silence, noise, a high voice that comes late: (4, samples)."""
    generator = torch.Generator().manual_seed(0)
    late = torch.cat([torch.zeros(9000), sung(440, SAMPLES - 9000)])
    return torch.stack(
        [sung(98), torch.zeros(SAMPLES), 0.1 * torch.randn(SAMPLES, generator=generator), late]
    )


def median_hz(waveforms, sample_rate_hz=SAMPLE_RATE_HZ, min_hz=60.0):
    track = pitch(waveforms, sample_rate_hz, min_hz=min_hz)
    return [f0_hz[voiced].median().item() for f0_hz, voiced in zip(*track, strict=True)]


def cents(ratio):
    return 1200 * np.log2(ratio)


@pytest.mark.parametrize("praat_compatible", [False, True])
def test_ratios_of_one_are_the_identity(praat_compatible, device):
    clips = mixed_batch()
    clips[0, 17], clips[3, 12_000] = -0.0, math.nan
    result = pitch_shift(clips.to(device), SAMPLE_RATE_HZ, 1.0, praat_compatible=praat_compatible).cpu()
    assert torch.equal(result.view(torch.int32), clips.view(torch.int32))


def test_noise_and_silence_pass_bit_for_bit(device):
    clips = mixed_batch()[[1, 2]].to(device)
    result = pitch_shift(clips, SAMPLE_RATE_HZ, 1.3, 0.5, 1.1)
    assert torch.equal(result[0], clips[0])
    # Where the tracker hears a pitch in noise by chance, it is shifted.
    quiet = torch.nn.functional.max_pool1d(pitch(clips[1:]).voiced.float(), 5, 1, 2)[0] == 0
    assert quiet.float().mean() > 0.8
    untouched = quiet.repeat_interleave(512)[:SAMPLES]
    assert torch.equal(result[1, untouched], clips[1, untouched])


@pytest.mark.parametrize("hz", [110.0, 440.0])
def test_samples_that_are_not_voiced_pass_bit_for_bit(hz, device):
    clip = torch.cat([torch.zeros(9000), sung(hz), 1e-3 * torch.sin(torch.arange(9000.0) ** 2)])[None].to(
        device
    )
    result = pitch_shift(clip, SAMPLE_RATE_HZ, 1.2)
    # A window of the tracker reaches 25 ms beyond the voice, a knot's and a grain's 12 ms.
    outside = torch.ones_like(clip, dtype=torch.bool)
    outside[:, 9000 - 1700 : 9000 + SAMPLES + 1700] = False
    assert torch.equal(result[outside], clip[outside])
    assert (result != clip)[:, 9000 + 600 : 9000 + SAMPLES - 600].float().mean() > 0.99


def test_a_clip_alone_is_as_in_a_batch(device):
    clips = mixed_batch().to(device)
    ratios = torch.tensor([[1.2, 0.8, 1.3, 0.7], [0.5, 1.0, 2.0, 1.0], [1.0, 1.1, 0.9, 1.2]], device=device)
    together = pitch_shift(clips, SAMPLE_RATE_HZ, *ratios)
    for b in range(len(clips)):
        alone = pitch_shift(clips[b : b + 1], SAMPLE_RATE_HZ, *ratios[:, b : b + 1])
        assert torch.equal(alone[0], together[b])
    assert torch.equal(pitch_shift(clips, SAMPLE_RATE_HZ, *ratios), together)  # run to run


def test_the_number_of_threads_does_not_matter():
    clips = mixed_batch()
    assert torch.equal(*results_of_threads(lambda: pitch_shift(clips, SAMPLE_RATE_HZ, 1.2), counts=(1, 2)))


@pytest.mark.parametrize("sample_rate_hz", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("hz", [80.0, 150.0, 260.0, 700.0])
def test_the_pitch_is_as_asked(hz, sample_rate_hz, device):
    clip = sung(hz, int(0.7 * sample_rate_hz), sample_rate_hz).to(device)
    ratios = torch.tensor([0.7, 1 / 1.3, 1.15, 1.3], device=device)
    measured_hz = median_hz(
        pitch_shift(clip.expand(4, -1), sample_rate_hz, ratios), sample_rate_hz, min_hz=50.0
    )
    # Two cents are the tracker's own.
    np.testing.assert_allclose(cents(np.array(measured_hz) / (hz * ratios.cpu().numpy())), 0, atol=3)


@pytest.mark.parametrize("hz", [140.0, 330.0])
@pytest.mark.parametrize("range_ratio", [0.0, 0.5, 1.0, 1.5])
def test_the_range_is_linear_in_hertz_around_the_median(hz, range_ratio, device):
    clip = sung(hz, 60_000, vibrato_cents=80)[None].to(device)
    shifted = pitch_shift(clip, SAMPLE_RATE_HZ, 1.2, range_ratio)
    before, after = (pitch(take).f0_hz[0].cpu().numpy() for take in (clip, shifted))
    median = np.median(before[before > 0])
    wanted = (median * 1.2 + (before - median) * 1.2 * range_ratio)[8:-8]
    after = after[8:-8]
    # The track of a vibrato is smeared by its window, which depends on the pitch that it has to follow.
    assert np.abs(cents(after / wanted)).max() < 12
    assert np.median(np.abs(cents(after / wanted))) < 3


@pytest.mark.parametrize("hz", [110.0, 290.0])
def test_formants_stay_where_they_are(hz, device):
    clip = sung(hz, resonance_hz=1500)[None].to(device)
    for ratio in (1 / 1.3, 1.3):
        peak_hz = strongest_line_hz(pitch_shift(clip, SAMPLE_RATE_HZ, ratio))
        assert abs(peak_hz - 1500) <= 0.5 * hz * ratio + 30  # the line nearest to the resonance


@pytest.mark.parametrize("hz", [110.0, 290.0])
def test_formant_shift_moves_formants_and_no_pitch(hz, device):
    clip = sung(hz, resonance_hz=1500)[None].to(device)
    for ratio in (1 / 1.3, 1.3):
        shifted = formant_shift(clip, SAMPLE_RATE_HZ, ratio)
        assert abs(strongest_line_hz(shifted) - 1500 * ratio) <= 0.5 * hz + 30
        assert abs(cents(median_hz(shifted)[0] / hz)) < 3


def strongest_line_hz(waveforms):
    inside = waveforms[0, 5000:-5000].cpu().double()
    spectrum = torch.fft.rfft(inside * torch.hann_window(len(inside), dtype=torch.float64)).abs()
    return spectrum.argmax().item() * SAMPLE_RATE_HZ / len(inside)


@pytest.mark.parametrize("hz", [110.0, 290.0])
def test_a_line_keeps_the_level_of_the_envelope(hz, device):
    clip = sung(hz)[None].to(device)
    for ratio in (1 / 1.3, 1.3):
        shifted = pitch_shift(clip, SAMPLE_RATE_HZ, ratio)[0, 5000:-5000].cpu().double()
        seconds = torch.arange(len(shifted), dtype=torch.float64) / SAMPLE_RATE_HZ
        window = torch.hann_window(len(shifted), dtype=torch.float64)
        for k in (2, 3, 5, 8):
            circle = torch.exp(2j * math.pi * k * hz * ratio * seconds)
            level = 2 * (circle * window * shifted).sum().abs() / window.sum()
            # Both ways of rendering follow an envelope of -6 dB an octave within a decibel.
            assert abs(20 * math.log10(level / (0.2 / (k * ratio)))) < 1


@pytest.mark.parametrize("samples", [0, 1, 2205])
@pytest.mark.parametrize("ratio", [0.25, 4.0])
def test_short_clips_and_the_ends_of_the_ratios(samples, ratio, device):
    clips = torch.stack([sung(hz, samples) for hz in (65.0, 250.0, 1400.0)]).to(device)
    for range_ratio in (0.0, 4.0):
        result = pitch_shift(clips, SAMPLE_RATE_HZ, ratio, range_ratio, 1 / ratio)
        assert result.shape == clips.shape
        assert result.isfinite().all()
    if samples < 2:
        assert torch.equal(result, clips)


def test_what_is_not_finite_spoils_what_is_made_of_it(device):
    clip = torch.stack([sung(110), sung(440)])
    clip[:, 15_000] = math.nan
    result = pitch_shift(clip.to(device), SAMPLE_RATE_HZ, 1.2).cpu()
    near = slice(15_000 - 1300, 15_000 + 1300)  # three periods of 110 Hz, the windows of two knots
    assert result[:, near].isnan().any(1).all()
    result[:, near] = 0
    assert result.isfinite().all()


def test_praats_limits_leave_a_soprano_alone(device):
    clip = torch.stack([sung(150), sung(880)]).to(device)
    ours = pitch_shift(clip, SAMPLE_RATE_HZ, 1.2)
    praat = pitch_shift(clip, SAMPLE_RATE_HZ, 1.2, praat_compatible=True)
    np.testing.assert_allclose(cents(np.array(median_hz(praat[:1])) / 180), 0, atol=3)
    assert abs(cents(median_hz(ours[1:])[0] / 1056)) < 3
    # An octave too low, as Praat's limit of 600 Hz has it: the lines do not move by 1.2.
    assert abs(cents(median_hz(praat[1:])[0] / 1056)) > 100


def test_non_contiguous_input_gives_the_same(device):
    clips = mixed_batch().to(device)
    ratios = torch.tensor([1.2, 0.0, 0.8, 0.0, 1.1, 0.0, 0.9, 0.0], device=device)[::2]
    expected = pitch_shift(clips, SAMPLE_RATE_HZ, ratios.contiguous())
    assert torch.equal(pitch_shift(clips.t().contiguous().t(), SAMPLE_RATE_HZ, ratios), expected)


def test_an_empty_batch_stays_empty(device):
    assert pitch_shift(torch.zeros(0, 1000, device=device), SAMPLE_RATE_HZ, 1.2).shape == (0, 1000)


ROW = torch.ones(2)
CLIPS = torch.zeros(2, 500)


@pytest.mark.parametrize("place", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("waveforms", "options", "error", "sentence"),
    [
        (torch.zeros(5), {}, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (CLIPS.double(), {}, TypeError, "waveforms must have dtype Float, got Double"),
        (
            CLIPS,
            {"sample_rate_hz": 7999.0},
            ValueError,
            "sample_rate_hz must be in [8000, 192000], got 7999",
        ),
        *(
            case
            for name in ("pitch_ratio", "pitch_range_ratio", "formant_ratio")
            for case in (
                (CLIPS, {name: ROW.double()}, TypeError, f"{name} must have dtype Float, got Double"),
                (
                    CLIPS,
                    {name: ROW[:1]},
                    ValueError,
                    f"{name} must have shape (batch,) with batch = 2, got [1]",
                ),
            )
        ),
    ],
)
def test_bad_arguments_are_named(waveforms, options, error, sentence, place):
    options = {"sample_rate_hz": SAMPLE_RATE_HZ, "pitch_ratio": 1.2} | {
        name: value.to(place) if isinstance(value, torch.Tensor) else value for name, value in options.items()
    }
    with pytest.raises(error) as caught:
        pitch_shift(waveforms.to(place), **options)
    assert str(caught.value) == f"pitch_shift: {sentence}"


@pytest.mark.parametrize(
    ("name", "smallest"), [("pitch_ratio", "0.25"), ("pitch_range_ratio", "0"), ("formant_ratio", "0.25")]
)
@pytest.mark.parametrize("value", [-0.5, 4.5, math.nan, math.inf])
def test_ratios_outside_their_range_are_named(name, smallest, value):
    ratios = {"pitch_ratio": 1.2, name: torch.tensor([1.0, value])}
    with pytest.raises(ValueError) as caught:
        pitch_shift(CLIPS, SAMPLE_RATE_HZ, **ratios)
    assert str(caught.value) == f"pitch_shift: {name} must be in [{smallest}, 4], got {value:g}"


def test_ratios_elsewhere_are_refused():
    with pytest.raises(ValueError) as caught:
        pitch_shift(CLIPS, SAMPLE_RATE_HZ, ROW.to("meta"))
    assert str(caught.value) == "pitch_shift: pitch_ratio must be on the device cpu, got meta"


def test_a_gradient_is_refused_not_wrong():
    with pytest.raises(RuntimeError, match="derivative for singerprint::pitch_shift is not implemented"):
        pitch_shift(CLIPS.clone().requires_grad_(), SAMPLE_RATE_HZ, 1.2).sum().backward()


def test_opcheck(device):
    ratio = torch.tensor([1.2, 0.8], device=device)
    arguments = (
        torch.stack([sung(110, 4000), sung(440, 4000)]).to(device),
        44_100.0,
        ratio,
        ratio,
        ratio,
        False,
    )
    opcheck(torch.ops.singerprint.pitch_shift.default, arguments)


def test_compiles_as_one_graph():
    compiled = torch.compile(pitch_shift, fullgraph=True, backend="aot_eager")
    clip = sung(220, 9000)[None]
    assert torch.equal(compiled(clip, SAMPLE_RATE_HZ, 1.2), pitch_shift(clip, SAMPLE_RATE_HZ, 1.2))
