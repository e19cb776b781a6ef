import pytest
import torch
from scipy import stats
from torch.library import opcheck

from singerprint.augment import DrawKey, RandomTimeMask, time_mask


def reference(waveforms, start_samples, length_samples):
    n = torch.arange(waveforms.shape[1])
    masked = (n >= start_samples[:, None]) & (n < (start_samples + length_samples)[:, None])
    return waveforms.masked_fill(masked, 0.0)


@pytest.mark.parametrize("shape", [(0, 8), (1, 0), (1, 1), (3, 17), (4, 44_101)])
def test_equals_the_formula(shape, device, generator):
    waveforms = torch.randn(shape, generator=generator)
    start = torch.randint(0, shape[1] + 3, shape[:1], generator=generator)
    length = torch.randint(0, shape[1] + 3, shape[:1], generator=generator)
    masked = time_mask(waveforms.to(device), start.to(device), length.to(device)).cpu()
    assert torch.equal(masked, reference(waveforms, start, length))  # copies: exact


def test_length_zero_keeps_every_bit(device):
    odd = torch.tensor([[-0.0, 1e-45, float("inf"), float("nan")]], device=device)
    zero = torch.zeros(1, dtype=torch.int64, device=device)
    assert torch.equal(time_mask(odd, zero, zero).view(torch.int32), odd.view(torch.int32))


def test_a_masked_nan_is_zero(device):
    waveform = torch.full((1, 3), float("nan"), device=device)
    one = torch.ones(1, dtype=torch.int64, device=device)
    assert torch.isnan(time_mask(waveform, one, one)).tolist() == [[True, False, True]]


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    start = torch.arange(6, device=device)[::2]
    assert torch.equal(
        time_mask(waveforms, start, start), time_mask(waveforms.contiguous(), start.clone(), start.clone())
    )


ROW = torch.ones(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("waveforms", "start", "length", "error", "sentence"),
    [
        (torch.ones(5), ROW, ROW, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (torch.ones(2, 5).half(), ROW, ROW, TypeError, "waveforms must have dtype Float, got Half"),
        (
            torch.ones(2, 5),
            ROW[:1],
            ROW,
            ValueError,
            "start_samples must have shape (batch,) with batch = 2, got [1]",
        ),
        (torch.ones(2, 5), ROW.int(), ROW, TypeError, "start_samples must have dtype Long, got Int"),
        (torch.ones(2, 5), ROW, ROW.float(), TypeError, "length_samples must have dtype Long, got Float"),
        (
            torch.ones(2, 5),
            ROW,
            ROW.to("meta"),
            ValueError,
            "length_samples must be on the device cpu, got meta",
        ),
        (torch.ones(2, 5), -ROW, ROW, ValueError, "start_samples must not be negative, got -1"),
        (torch.ones(2, 0), ROW, -2 * ROW, ValueError, "length_samples must not be negative, got -2"),
    ],
)
def test_bad_arguments_are_named(waveforms, start, length, error, sentence):
    with pytest.raises(error) as caught:
        time_mask(waveforms, start, length)
    assert str(caught.value) == f"time_mask: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(2, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::time_mask is not implemented"):
        time_mask(waveforms, ROW, ROW).sum().backward()


def test_opcheck(device):
    row = ROW.to(device)
    opcheck(torch.ops.singerprint.time_mask.default, (torch.randn(2, 33, device=device), row, row))


def test_compiles_as_one_graph():
    compiled = torch.compile(time_mask, fullgraph=True, backend="aot_eager")
    waveforms = torch.randn(2, 33)
    assert torch.equal(compiled(waveforms, ROW, 7 * ROW), time_mask(waveforms, ROW, 7 * ROW))


def test_random_lengths_and_starts_are_equally_likely():
    parameters = RandomTimeMask(1 / 8, probability=1.0).draw(DrawKey.of(0, range(20_000)), samples=80)
    length, start = parameters["length_samples"], parameters["start_samples"]
    assert stats.chisquare(torch.bincount(length, minlength=11)).pvalue > 0.01  # 0 .. 80 / 8
    starts_of_longest = start[length == 10]
    assert stats.chisquare(torch.bincount(starts_of_longest, minlength=71)).pvalue > 0.01  # 0 .. 80 - 10
    assert length.max() == 10 and (start + length).max() == 80


def test_the_whole_waveform_may_be_masked():
    parameters = RandomTimeMask(1.0, probability=1.0).draw(DrawKey.of(0, range(100)), samples=3)
    assert parameters["length_samples"].unique().tolist() == [0, 1, 2, 3]


def test_a_bad_ratio_is_named():
    with pytest.raises(ValueError) as caught:
        RandomTimeMask(1.5)
    assert str(caught.value) == "RandomTimeMask: max_length_ratio must be in [0, 1], got 1.5"
