import pytest
import torch
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.augment import (
    Compose,
    DrawKey,
    RandomGain,
    RandomGaussianNoise,
    RandomTimeMask,
    gain,
    gaussian_noise,
    noise_gain_mask,
    time_mask,
)
from singerprint.augment.random_transform import NativeCall


def drawn(batch, samples, device, generator):
    """Waveforms and the arguments that follow them."""
    rows = {
        "amplitude": torch.rand(batch, generator=generator) * (torch.arange(batch) % 2),  # every other none
        "gain_db": 10 * torch.randn(batch, generator=generator),
        "start_samples": torch.randint(0, samples + 1, (batch,), generator=generator),
        "length_samples": torch.randint(0, samples + 2, (batch,), generator=generator),
    }
    waveforms = torch.randn(batch, samples, generator=generator).to(device)
    return (
        waveforms,
        *(row.to(device) for row in rows.values()),
        DrawKey.of(9, range(batch), 3, device=device),
    )


def one_after_the_other(waveforms, amplitude, gain_db, start_samples, length_samples, key, stream=2):
    noisy = gaussian_noise(waveforms, amplitude, key, stream)
    return time_mask(gain(noisy, gain_db), start_samples, length_samples)


@pytest.mark.parametrize("shape", [(0, 8), (2, 0), (1, 1), (3, 63), (4, 4097), (3, 70_001)])
def test_has_the_bits_of_the_three_ops(shape, device, generator):
    arguments = drawn(*shape, device, generator)
    for stream in (2, 258):
        fused, expected = (op(*arguments, stream) for op in (noise_gain_mask, one_after_the_other))
        assert torch.equal(fused.view(torch.int32), expected.view(torch.int32))


def test_what_is_not_finite_comes_through_as_in_the_three_ops(device, generator):
    waveforms, *others = drawn(2, 100, device, generator)
    waveforms[:, ::7] = float("nan")
    waveforms[:, 1::7] = float("inf")
    fused, expected = (op(waveforms, *others) for op in (noise_gain_mask, one_after_the_other))
    assert torch.equal(fused.isnan(), expected.isnan())
    assert torch.equal(fused.nan_to_num(), expected.nan_to_num())


def test_other_strides_give_the_same(device, generator):
    waveforms, *others = drawn(3, 501, device, generator)
    assert torch.equal(
        noise_gain_mask(waveforms.T.contiguous().T, *others), noise_gain_mask(waveforms, *others)
    )


def test_the_arguments_stay_as_they_were(device, generator):
    waveforms, *others = drawn(2, 100, device, generator)
    before = waveforms.clone()
    noise_gain_mask(waveforms, *others)
    assert torch.equal(waveforms, before)


@pytest.mark.parametrize("before", [[], [RandomGain]])
@pytest.mark.parametrize("after", [[], [RandomTimeMask, RandomGaussianNoise]])
def test_a_chain_that_holds_the_three_has_the_bits_of_its_links(before, after, device, generator):
    links = [*before, RandomGaussianNoise, RandomGain, RandomTimeMask, *after]
    chain = Compose([link(probability=0.7) for link in links])
    waveforms = torch.randn(6, 5000, generator=generator).to(device)
    key = DrawKey.of(3, range(6), device=device)
    expected = waveforms
    for (transform, occurrence), parameters in zip(chain._links(), chain.draw(key, 5000), strict=True):
        expected = transform.apply(expected, parameters, key, occurrence)
    assert torch.equal(chain(waveforms, key), expected)


def test_a_chain_runs_the_three_as_one_and_others_as_they_are(monkeypatch, generator):
    called = []
    monkeypatch.setattr(NativeCall, "__call__", lambda call, waveforms: called.append(call.op) or waveforms)

    class OwnNoise(RandomGaussianNoise):
        """Does something else."""

        def augment(self, waveforms, parameters, key, stream):
            called.append("own")
            return waveforms

    waveforms, key = torch.randn(1, 10, generator=generator), DrawKey.of(0, [0])
    Compose([RandomGaussianNoise(), RandomGain(), RandomTimeMask()])(waveforms, key)
    assert called == ["noise_gain_mask"]
    called.clear()
    Compose([OwnNoise(), RandomGain()])(waveforms, key)
    assert called == ["own", "gain"]


def test_errors_name_the_argument():
    waveforms, one, zero = torch.ones(2, 5), torch.ones(2), torch.zeros(2, dtype=torch.int64)
    key = DrawKey.of(0, [0, 1])
    good = {
        "waveforms": waveforms,
        "amplitude": one,
        "gain_db": one,
        "start_samples": zero,
        "length_samples": zero,
        "key": key,
    }
    cases = [
        ({"waveforms": torch.ones(5)}, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        ({"waveforms": waveforms.double()}, TypeError, "waveforms must have dtype Float, got Double"),
        ({"amplitude": one[:1]}, ValueError, "amplitude must have shape (batch,) with batch = 2, got [1]"),
        ({"gain_db": zero}, TypeError, "gain_db must have dtype Float, got Long"),
        ({"start_samples": one}, TypeError, "start_samples must have dtype Long, got Float"),
        ({"start_samples": zero - 1}, ValueError, "start_samples must not be negative, got -1"),
        ({"length_samples": zero - 2}, ValueError, "length_samples must not be negative, got -2"),
        (
            {"key": DrawKey.of(0, [0])},
            ValueError,
            "clip_ids must have shape (batch,) with batch = 2, got [1]",
        ),
        ({"stream": 2**31}, ValueError, f"stream must be in [0, 2**31), got {2**31}"),
    ]
    for change, kind, sentence in cases:
        with pytest.raises(kind) as caught:
            noise_gain_mask(**good | change)
        assert str(caught.value) == f"noise_gain_mask: {sentence}"


def test_the_op_follows_pytorchs_rules(device, generator):
    waveforms, *others, key = drawn(2, 100, device, generator)
    opcheck(torch.ops.singerprint.noise_gain_mask, (waveforms, *others, *key, 2))


def test_it_compiles_as_one_graph(generator):
    arguments = drawn(2, 101, "cpu", generator)
    compiled = torch.compile(noise_gain_mask, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(*arguments), noise_gain_mask(*arguments))


def test_two_threads_give_the_same_bits(generator):
    arguments = drawn(3, 100_003, "cpu", generator)
    assert torch.equal(*results_of_threads(lambda: noise_gain_mask(*arguments), counts=(1, 2)))


def test_no_gradient_flows(generator):
    waveforms, *others = drawn(1, 10, "cpu", generator)
    result = noise_gain_mask(waveforms.requires_grad_(), *others)
    with pytest.raises(RuntimeError, match="derivative for singerprint::noise_gain_mask is not implemented"):
        result.sum().backward()
