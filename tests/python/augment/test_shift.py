import numpy as np
import pytest
import torch
from scipy import stats
from torch.library import opcheck

from singerprint.augment import DrawKey, RandomShift, shift


def reference(waveform, shift_samples, fade_samples):
    """Roll, then fade: audiomentations 0.43.1, augmentations/shift.py and core/utils.py, in float64."""
    samples = len(waveform)
    result, seam = np.roll(waveform, shift_samples), shift_samples % max(samples, 1)
    t = np.linspace(0, 1, fade_samples)
    c = t * (1 - t)
    fade = (t + c * (1 + 1.4186 * c)) ** 2
    if seam and fade_samples:
        after, before = min(fade_samples, samples - seam), min(fade_samples, seam)
        result[seam : seam + after] *= fade[:after]
        result[seam - before : seam] *= fade[:before][::-1]
    return result


@pytest.mark.parametrize("fade_samples", [0, 1, 2, 40, 100_000])
@pytest.mark.parametrize("shape", [(0, 8), (2, 0), (1, 1), (5, 17), (6, 44_101)])
def test_equals_the_formula(shape, fade_samples, device, generator):
    waveforms = torch.randn(shape, generator=generator)
    by = torch.randint(-shape[1] - 3, shape[1] + 4, shape[:1], generator=generator)
    result = shift(waveforms.to(device), by.to(device), fade_samples).cpu()
    rows = zip(waveforms.double().numpy(), by.tolist(), strict=True)
    expected = np.array([reference(row, one, fade_samples) for row, one in rows]).reshape(shape)
    # About ten roundings of a fade between 0 and 1, and waveforms below 6.
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=6 * 5 * 2**-24)


def test_a_shift_back_undoes_a_shift(device, generator):
    waveforms = torch.randn(3, 1001, generator=generator).to(device)
    by = torch.tensor([0, 500, -1], device=device)
    assert torch.equal(shift(shift(waveforms, by), -by), waveforms)


def test_whole_waveforms_keep_every_bit(device):
    odd = torch.tensor([[-0.0, 1e-45, float("inf"), float("nan")]] * 3, device=device)
    by = torch.tensor([0, 4, -8], device=device)
    assert torch.equal(shift(odd, by, 2).view(torch.int32), odd.view(torch.int32))


def test_the_fade_keeps_the_power_of_what_it_joins():
    fade = shift(torch.ones(1, 2000), torch.tensor([1000]), 1000)[0].double()
    # A constant of the fade, 1.06 %.
    assert (fade[:1000] ** 2 + fade[1000:] ** 2 - 1).abs().max() < 0.011


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    by = torch.arange(6, device=device)[::2]
    assert torch.equal(shift(waveforms, by, 5), shift(waveforms.contiguous(), by.clone(), 5))


ROW = torch.ones(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("waveforms", "by", "fade_samples", "error", "sentence"),
    [
        (torch.ones(5), ROW, 0, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (torch.ones(2, 5).half(), ROW, 0, TypeError, "waveforms must have dtype Float, got Half"),
        (
            torch.ones(2, 5),
            ROW[:1],
            0,
            ValueError,
            "shift_samples must have shape (batch,) with batch = 2, got [1]",
        ),
        (torch.ones(2, 5), ROW.float(), 0, TypeError, "shift_samples must have dtype Long, got Float"),
        (
            torch.ones(2, 5),
            ROW.to("meta"),
            0,
            ValueError,
            "shift_samples must be on the device cpu, got meta",
        ),
        (torch.ones(2, 5), ROW, -1, ValueError, "fade_samples must not be negative, got -1"),
    ],
)
def test_bad_arguments_are_named(waveforms, by, fade_samples, error, sentence):
    with pytest.raises(error) as caught:
        shift(waveforms, by, fade_samples)
    assert str(caught.value) == f"shift: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(2, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::shift is not implemented"):
        shift(waveforms, ROW).sum().backward()


def test_opcheck(device):
    opcheck(torch.ops.singerprint.shift.default, (torch.randn(2, 33, device=device), ROW.to(device), 3))


def test_compiles_as_one_graph():
    compiled = torch.compile(shift, fullgraph=True, backend="aot_eager")
    waveforms = torch.randn(2, 33)
    assert torch.equal(compiled(waveforms, 7 * ROW, 3), shift(waveforms, 7 * ROW, 3))


def test_random_shifts_fill_their_range():
    by = RandomShift(44_100, -0.5, 0.25, probability=1.0).draw(DrawKey.of(0, range(20_000)), 40_000)
    ratio = by["shift_samples"].numpy() / 40_000
    assert stats.kstest(ratio, stats.uniform(-0.5, 0.75).cdf).pvalue > 0.01


def test_the_random_shift_fades_over_its_seconds(device):
    key = DrawKey.of(0, [0], device=device)
    moved = RandomShift(1000, 0.5, 0.5, fade_seconds=0.02, probability=1.0)(
        torch.ones(1, 200, device=device), key
    )
    assert torch.equal(moved, shift(torch.ones(1, 200), torch.tensor([100]), 20).to(device))
    still = RandomShift(1000, probability=0.0)(torch.ones(1, 200, device=device), key)
    assert torch.equal(still, torch.ones(1, 200, device=device))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sample_rate_hz": 0}, "sample_rate_hz must be positive, got 0"),
        ({"min_shift_ratio": -1.5}, "min_shift_ratio must be at least -1, got -1.5"),
        ({"max_shift_ratio": 2}, "max_shift_ratio must be at most 1, got 2"),
        (
            {"min_shift_ratio": 1, "max_shift_ratio": 0},
            "min_shift_ratio <= max_shift_ratio must hold, both finite, got 1 and 0",
        ),
        ({"fade_seconds": -0.1}, "fade_seconds must not be negative, got -0.1"),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomShift(**arguments)
    assert str(caught.value) == f"RandomShift: {sentence}"
