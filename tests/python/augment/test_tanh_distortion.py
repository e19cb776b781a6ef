import numpy as np
import pytest
import torch
from scipy import stats
from torch.library import opcheck

from singerprint.augment import DrawKey, RandomTanhDistortion, tanh_distortion


def reference(waveform, amount):
    """audiomentations 0.43.1, augmentations/tanh_distortion.py, in float64."""
    threshold = np.percentile(np.abs(waveform), 100 - 99 * amount)
    distorted = np.tanh(0.5 / (threshold + 1e-6) * waveform)
    before, after = (np.sqrt(np.mean(np.square(x))) for x in (waveform, distorted))
    return distorted * (before / after if before > 1e-9 else 1.0)


@pytest.mark.parametrize("shape", [(0, 8), (1, 1), (3, 17), (4, 1023), (4, 44_101)])
def test_equals_the_formula(shape, device, generator):
    waveforms = torch.randn(shape, generator=generator) ** 3
    amount = 0.01 + 0.99 * torch.rand(shape[0], generator=generator)
    result = tanh_distortion(waveforms.to(device), amount.to(device)).cpu()
    rows = zip(waveforms.double().numpy(), amount.double().tolist(), strict=True)
    expected = np.array([reference(*row) for row in rows]).reshape(shape)
    # The gain, its product, tanh (4 roundings), the level and its product.
    np.testing.assert_allclose(result.numpy(), expected, rtol=10 * 2**-24, atol=0)


def test_amount_zero_keeps_every_bit(device):
    odd = torch.tensor([[-0.0, 1e-45, float("inf"), float("nan")]], device=device)
    kept = tanh_distortion(odd, torch.zeros(1, device=device))
    assert torch.equal(kept.view(torch.int32), odd.view(torch.int32))


def test_the_level_is_kept_whatever_the_level(device, generator):
    waveforms = torch.randn(5, 10_000, generator=generator) * torch.logspace(-7, 4, 5)[:, None]
    result = tanh_distortion(waveforms.to(device), torch.full((5,), 0.6, device=device)).cpu()
    level, expected = (x.double().square().mean(1).sqrt() for x in (result, waveforms))
    torch.testing.assert_close(level, expected, rtol=4 * 2**-24, atol=0)  # as above, but for tanh's mean


def test_the_sign_and_the_order_of_samples_stay(device, generator):
    waveforms = torch.randn(2, 1001, generator=generator).to(device).sort(1).values
    result = tanh_distortion(waveforms, torch.tensor([0.2, 0.9], device=device))
    assert torch.equal(result.sign(), waveforms.sign())
    # tanh is flat where it is 1, and its fit ripples there by its rounding.
    assert (result.diff(dim=1) > -2e-6).all()


def test_more_is_squashed_by_a_larger_amount(device, generator):
    waveforms = torch.randn(1, 10_000, generator=generator).to(device).expand(4, -1)
    amount = torch.tensor([0.05, 0.3, 0.6, 0.9], device=device)
    peaks = tanh_distortion(waveforms, amount).abs().amax(1)
    assert (peaks.diff() < 0).all()


def test_silence_stays_silence(device):
    silence = torch.zeros(2, 99, device=device)
    assert torch.equal(tanh_distortion(silence, torch.tensor([0.5, 1.0], device=device)), silence)


def test_nan_stays_in_its_waveform(device):
    waveforms = torch.ones(2, 50, device=device)
    waveforms[0, 7] = float("nan")
    result = tanh_distortion(waveforms, torch.full((2,), 0.5, device=device))
    assert result[0, 7].isnan() and torch.isfinite(result[1]).all()


def test_no_samples_give_no_samples(device):
    assert tanh_distortion(torch.ones(2, 0, device=device), torch.ones(2, device=device)).shape == (2, 0)


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    amount = torch.rand(6, generator=generator).to(device)[::2]
    expected = tanh_distortion(waveforms.contiguous(), amount.contiguous())
    assert torch.equal(tanh_distortion(waveforms, amount), expected)


HALF = torch.full((2,), 0.5)


@pytest.mark.parametrize(
    ("waveforms", "amount", "error", "sentence"),
    [
        (torch.ones(5), HALF, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (
            torch.ones(2, 5),
            HALF[:1],
            ValueError,
            "amount must have shape (batch,) with batch = 2, got [1]",
        ),
        (torch.ones(2, 5).double(), HALF, TypeError, "waveforms must have dtype Float, got Double"),
        (torch.ones(2, 5), HALF.double(), TypeError, "amount must have dtype Float, got Double"),
        (torch.ones(2, 5), HALF.to("meta"), ValueError, "amount must be on the device cpu, got meta"),
        (torch.ones(2, 5), 3 * HALF, ValueError, "amount must be in [0, 1], got 1.5"),
        (torch.ones(2, 0), -HALF, ValueError, "amount must be in [0, 1], got -0.5"),
        (torch.ones(2, 5), HALF * float("nan"), ValueError, "amount must be in [0, 1], got nan"),
    ],
)
def test_bad_arguments_are_named(waveforms, amount, error, sentence):
    with pytest.raises(error) as caught:
        tanh_distortion(waveforms, amount)
    assert str(caught.value) == f"tanh_distortion: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(2, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::tanh_distortion is not implemented"):
        tanh_distortion(waveforms, HALF).sum().backward()


def test_opcheck(device):
    arguments = (torch.randn(2, 33, device=device), HALF.to(device))
    opcheck(torch.ops.singerprint.tanh_distortion.default, arguments)


def test_compiles_as_one_graph():
    compiled = torch.compile(tanh_distortion, fullgraph=True, backend="aot_eager")
    waveforms = torch.randn(2, 33)
    assert torch.equal(compiled(waveforms, HALF), tanh_distortion(waveforms, HALF))


def test_random_amounts_fill_their_range():
    amount = RandomTanhDistortion(0.1, 0.7, probability=1.0).draw(DrawKey.of(1, range(10_000)), 100)["amount"]
    assert stats.kstest(amount.numpy(), stats.uniform(0.1, 0.6).cdf).pvalue > 0.01


def test_probability_zero_changes_nothing(device, generator):
    waveforms, key = (
        torch.randn(5, 99, generator=generator).to(device),
        DrawKey.of(0, range(5), device=device),
    )
    assert torch.equal(RandomTanhDistortion(probability=0.0)(waveforms, key), waveforms)


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (0.7, 0.1, "min_amount <= max_amount must hold, both finite, got 0.7 and 0.1"),
        (-0.1, 0.1, "min_amount must not be negative, got -0.1"),
        (0.1, 1.1, "max_amount must be at most 1, got 1.1"),
    ],
)
def test_bad_ranges_are_named(low, high, sentence):
    with pytest.raises(ValueError) as caught:
        RandomTanhDistortion(low, high)
    assert str(caught.value) == f"RandomTanhDistortion: {sentence}"
