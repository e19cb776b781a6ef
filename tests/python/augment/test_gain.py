import pytest
import torch
from scipy import stats
from torch.library import opcheck

from singerprint.augment import DrawKey, RandomGain, gain


def reference(waveforms, gain_db):
    return waveforms * (10.0 ** (gain_db.double() / 20.0)).float()[:, None]


@pytest.mark.parametrize("shape", [(0, 8), (1, 1), (2, 17), (3, 44_101)])
def test_equals_the_formula(shape, device, generator):
    waveforms = torch.randn(shape, generator=generator)
    gain_db = torch.rand(shape[0], generator=generator) * 24 - 12
    # Exact: one rounding of the factor, one of the product, on both sides.
    assert torch.equal(gain(waveforms.to(device), gain_db.to(device)).cpu(), reference(waveforms, gain_db))


def test_zero_decibels_changes_nothing(device, generator):
    waveforms = torch.randn(2, 1001, generator=generator).to(device)
    assert torch.equal(gain(waveforms, torch.zeros(2, device=device)), waveforms)


def test_two_gains_add(device, generator):
    waveforms = torch.randn(2, 1001, generator=generator).to(device)
    a, b = torch.tensor([3.0, -5.0], device=device), torch.tensor([1.5, 2.0], device=device)
    # Two factors and two products are rounded on one side, one of each on the other: 4 half-ulps.
    torch.testing.assert_close(gain(gain(waveforms, a), b), gain(waveforms, a + b), rtol=4 * 2**-24, atol=0)


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    gain_db = torch.randn(6, generator=generator).to(device)[::2]
    assert torch.equal(gain(waveforms, gain_db), gain(waveforms.contiguous(), gain_db.contiguous()))


@pytest.mark.parametrize(
    ("waveforms", "gain_db", "error", "sentence"),
    [
        (
            torch.ones(5),
            torch.ones(1),
            ValueError,
            "gain: waveforms must have shape (batch, samples), got [5]",
        ),
        (
            torch.ones(2, 5),
            torch.ones(3),
            ValueError,
            "gain: gain_db must have shape (batch,) with batch = 2, got [3]",
        ),
        (
            torch.ones(2, 5).double(),
            torch.ones(2),
            TypeError,
            "gain: waveforms must have dtype Float, got Double",
        ),
        (
            torch.ones(2, 5),
            torch.ones(2).long(),
            TypeError,
            "gain: gain_db must have dtype Float, got Long",
        ),
        (
            torch.ones(2, 5),
            torch.ones(2, device="meta"),
            ValueError,
            "gain: gain_db must be on the device cpu, got meta",
        ),
    ],
)
def test_bad_arguments_are_named(waveforms, gain_db, error, sentence):
    with pytest.raises(error) as caught:
        gain(waveforms, gain_db)
    assert str(caught.value) == sentence


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(1, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::gain is not implemented"):
        gain(waveforms, torch.zeros(1)).sum().backward()


def test_opcheck(device):
    opcheck(
        torch.ops.singerprint.gain.default, (torch.randn(2, 33, device=device), torch.ones(2, device=device))
    )


def test_compiles_as_one_graph():
    compiled = torch.compile(gain, fullgraph=True, backend="aot_eager")
    waveforms, gain_db = torch.randn(2, 33), torch.tensor([1.0, -1.0])
    assert torch.equal(compiled(waveforms, gain_db), gain(waveforms, gain_db))


def test_random_gains_fill_their_range():
    gain_db = RandomGain(-6, 0, probability=1.0).draw(DrawKey.of(0, range(10_000)), 100)["gain_db"]
    assert stats.kstest(gain_db.numpy(), stats.uniform(-6, 6).cdf).pvalue > 0.01
    assert gain_db.min() >= -6 and gain_db.max() <= 0


def test_a_bad_range_is_named():
    with pytest.raises(ValueError) as caught:
        RandomGain(3, -3)
    assert str(caught.value) == "RandomGain: min_gain_db <= max_gain_db must hold, both finite, got 3 and -3"
