import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.augment import DrawKey, RandomGaussianNoise, draw_uniform, gaussian_noise

KEY = DrawKey.of(7, [5, 6, 9], epoch=3)


def normals(samples, device="cpu", *, seed=7, clip_ids=(5,), stream=2, epoch=0):
    key = DrawKey.of(seed, clip_ids, epoch=epoch, device=device)
    silence = torch.zeros(len(clip_ids), samples, device=device)
    return gaussian_noise(silence, torch.ones(len(clip_ids), device=device), key, stream)


def reference(waveforms, amplitude, words):
    """Box and Muller 1958 in double; words: (batch, samples) uint32 as float64, in whole groups of four."""
    u = (words[:, 0::2].astype(np.float32) * 2.0**-32 + 2.0**-33).astype(np.float32).astype(np.float64)
    radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * words[:, 1::2] / 2**32
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).reshape(words.shape)
    return waveforms + amplitude[:, None] * normal


def philox(counter, key):
    """Salmon et al. 2011, section 3.3; counter and key: arrays of uint64 that hold 32-bit words."""
    c, k, mask = list(counter), list(key), np.uint64(2**32 - 1)
    for _ in range(10):
        high, low = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [low >> 32 ^ c[1] ^ k[0], low & mask, high >> 32 ^ c[3] ^ k[1], high & mask]
        k = [(k[0] + np.uint64(0x9E3779B9)) & mask, (k[1] + np.uint64(0xBB67AE85)) & mask]
    return c


def per_sample_words(key, stream, samples):
    blocks = np.arange(-(-samples // 4), dtype=np.uint64)
    rows = []
    for clip, epoch in zip(key.clip_ids.tolist(), key.epochs.tolist(), strict=True):
        counter = [blocks, *(np.full_like(blocks, word) for word in (clip, epoch, stream | 2**31))]
        seed = np.uint64(key.seed.item() % 2**64)
        rows.append(
            np.stack(philox(counter, [seed & np.uint64(2**32 - 1), seed >> np.uint64(32)]), 1).ravel()
        )
    return np.array(rows).reshape(len(rows), 4 * len(blocks))


@pytest.mark.parametrize("shape", [(0, 8), (1, 1), (2, 63), (3, 44_101)])
def test_equals_the_formula(shape, device, generator):
    waveforms = torch.randn(shape, generator=generator)
    amplitude = torch.rand(shape[0], generator=generator) + 0.1
    key = DrawKey.of(-(2**50) + 1, range(7, 7 + shape[0]), epoch=2)
    noisy = gaussian_noise(waveforms.to(device), amplitude.to(device), key.to(device), 258).cpu()
    padded = np.pad(waveforms.double().numpy(), ((0, 0), (0, -shape[1] % 4)))
    expected = reference(padded, amplitude.double().numpy(), per_sample_words(key, 258, shape[1]))
    # Normals differ by 3e-7 of their radius (5 or less), amplitudes are below 1.1, the sum is rounded once.
    np.testing.assert_allclose(noisy.numpy(), expected[:, : shape[1]], rtol=2**-24, atol=1.7e-6)


def test_noise_is_standard_normal(device):
    noise = normals(1 << 20, device).double().cpu()
    count = noise.numel()
    # Five standard deviations of each estimate.
    assert abs(noise.mean()) < 5 / count**0.5
    assert abs(noise.var() - 1) < 5 * (2 / count) ** 0.5
    assert abs((noise**3).mean()) < 5 * (15 / count) ** 0.5
    assert abs((noise**4).mean() - 3) < 5 * (96 / count) ** 0.5
    assert stats.kstest(noise.numpy().ravel(), "norm").pvalue > 0.01


def test_noise_is_white(device):
    spectrum = torch.fft.rfft(normals(1 << 16, device).double().cpu()[0])[1:-1].abs() ** 2 / (1 << 16)
    assert stats.kstest(spectrum.numpy(), "expon").pvalue > 0.01  # a flat spectrum's powers are exponential


def test_tails_reach_five_sigma(device):
    noise = normals(1 << 22, device, clip_ids=(1, 2, 3, 4)).abs().cpu()
    assert torch.isfinite(noise).all()
    for sigma in (3.0, 4.0, 5.0):
        expected = noise.numel() * 2 * stats.norm.sf(sigma)  # 45,300, 1,063 and 9.6
        assert abs((noise > sigma).sum() - expected) < 5 * expected**0.5


def test_amplitude_zero_keeps_every_bit(device):
    odd = torch.tensor([[-0.0, 0.0, 1e-45, float("inf"), float("nan"), -1.5]], device=device)
    noisy = gaussian_noise(odd, torch.zeros(1, device=device), DrawKey.of(0, [0], device=device))
    assert torch.equal(noisy.view(torch.int32), odd.view(torch.int32))


def test_nan_stays_nan(device):
    waveform = torch.full((1, 9), float("nan"), device=device)
    noisy = gaussian_noise(waveform, torch.ones(1, device=device), DrawKey.of(0, [0], device=device))
    assert torch.isnan(noisy).all()


def test_a_clip_does_not_know_its_batch(device):
    together = normals(50_001, device, clip_ids=(5, 6, 9))
    for row, clip in enumerate((5, 6, 9)):
        assert torch.equal(normals(50_001, device, clip_ids=(clip,))[0], together[row])
    assert torch.equal(normals(50_001, device, clip_ids=(9, 5, 6)), together[[2, 0, 1]])


def test_a_shorter_clip_has_the_first_samples_of_a_longer(device):
    longer = normals(40_000, device)
    for samples in (1, 2, 5, 64, 1001, 32_769):
        assert torch.equal(normals(samples, device), longer[:, :samples])


def test_every_part_of_the_address_counts(device):
    noise = normals(4000, device)
    for other in ({"seed": 8}, {"seed": 7 + 2**32}, {"clip_ids": (4,)}, {"stream": 258}, {"epoch": 1}):
        changed = normals(4000, device, **other)
        correlation = (noise * changed).mean()
        assert abs(correlation) < 5 / 4000**0.5  # 5 standard deviations


def test_two_threads_draw_the_same():
    assert torch.equal(*results_of_threads(lambda: normals(100_003, clip_ids=(1, 2, 3)), counts=(1, 2)))


PROGRAM = """
import hashlib, torch
from singerprint.augment import DrawKey, gaussian_noise
waveforms = torch.linspace(-1, 1, 2 * 40001).reshape(2, 40001)
noisy = gaussian_noise(waveforms, torch.tensor([0.01, 0.7]), DrawKey.of(7, [5, 6], epoch=3))
print(hashlib.sha256(noisy.numpy().tobytes()).hexdigest())
"""


def test_every_instruction_set_draws_the_same_bits():
    waveforms = torch.linspace(-1, 1, 2 * 40001).reshape(2, 40001)
    noisy = gaussian_noise(waveforms, torch.tensor([0.01, 0.7]), DrawKey.of(7, [5, 6], epoch=3))
    here = hashlib.sha256(noisy.numpy().tobytes()).hexdigest()
    for instruction_set in ("baseline", "avx2", "avx512"):
        environment = os.environ | {"SINGERPRINT_INSTRUCTION_SET": instruction_set}
        command = [sys.executable, "-c", PROGRAM]
        output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert output.strip() == here, instruction_set


def test_parameters_and_samples_of_one_stream_are_different_numbers():
    uniform = draw_uniform(DrawKey.of(7, [5]), 2, 4000)[0]
    correlation = torch.corrcoef(torch.stack([uniform, normals(4000)[0]]))[0, 1]
    assert abs(correlation) < 5 / 4000**0.5


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    amplitude = torch.rand(6, generator=generator).to(device)[::2]
    key = DrawKey.of(0, torch.arange(6)[::2], device=device)
    assert torch.equal(
        gaussian_noise(waveforms, amplitude, key),
        gaussian_noise(waveforms.contiguous(), amplitude.contiguous(), DrawKey(*(t.clone() for t in key))),
    )


def arguments(**changes):
    return {"waveforms": torch.ones(3, 5), "amplitude": torch.ones(3), "key": KEY, "stream": 2} | changes


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"waveforms": torch.ones(5)}, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        ({"waveforms": torch.ones(3, 5).double()}, TypeError, "waveforms must have dtype Float, got Double"),
        (
            {"amplitude": torch.ones(2)},
            ValueError,
            "amplitude must have shape (batch,) with batch = 3, got [2]",
        ),
        ({"amplitude": torch.ones(3).long()}, TypeError, "amplitude must have dtype Float, got Long"),
        (
            {"amplitude": torch.ones(3, device="meta")},
            ValueError,
            "amplitude must be on the device cpu, got meta",
        ),
        (
            {"key": DrawKey.of(0, [1])},
            ValueError,
            "clip_ids must have shape (batch,) with batch = 3, got [1]",
        ),
        (
            {"key": KEY._replace(epochs=KEY.epochs[:2])},
            ValueError,
            "epochs must have shape (batch,) with batch = 3, got [2]",
        ),
        ({"key": KEY._replace(seed=KEY.seed.int())}, TypeError, "seed must have dtype Long, got Int"),
        (
            {"key": KEY._replace(clip_ids=-KEY.clip_ids)},
            ValueError,
            "clip_ids must be in [0, 2**32), got -5",
        ),
        (
            {"key": KEY._replace(epochs=KEY.epochs + 2**32)},
            ValueError,
            f"epochs must be in [0, 2**32), got {2**32 + 6}",
        ),
        ({"stream": -1}, ValueError, "stream must be in [0, 2**31), got -1"),
    ],
)
def test_bad_arguments_are_named(changes, error, sentence):
    with pytest.raises(error) as caught:
        gaussian_noise(**arguments(**changes))
    assert str(caught.value) == f"gaussian_noise: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(3, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::gaussian_noise is not implemented"):
        gaussian_noise(waveforms, torch.ones(3), KEY).sum().backward()


def test_opcheck(device):
    opcheck(
        torch.ops.singerprint.gaussian_noise.default,
        (torch.randn(3, 33, device=device), torch.ones(3, device=device), *KEY.to(device), 2),
    )


def test_compiles_as_one_graph():
    compiled = torch.compile(gaussian_noise, fullgraph=True, backend="aot_eager")
    waveforms, amplitude = torch.randn(3, 33), torch.rand(3)
    for seed in (3, 4):  # the seed is data, not a constant of the graph
        key = DrawKey.of(seed, [1, 2, 3])
        assert torch.equal(compiled(waveforms, amplitude, key), gaussian_noise(waveforms, amplitude, key))


def test_random_amplitudes_fill_their_range():
    key = DrawKey.of(0, range(10_000))
    amplitude = RandomGaussianNoise(0.001, 0.05, probability=1.0).draw(key, 100)["amplitude"]
    assert stats.kstest(amplitude.numpy(), stats.uniform(0.001, 0.049).cdf).pvalue > 0.01
    assert amplitude.min() >= 0.001 and amplitude.max() <= 0.05


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (-0.1, 0.1, "min_amplitude must not be negative, got -0.1"),
        (0.2, 0.1, "min_amplitude <= max_amplitude must hold, both finite, got 0.2 and 0.1"),
        (0.0, float("inf"), "min_amplitude <= max_amplitude must hold, both finite, got 0.0 and inf"),
    ],
)
def test_a_bad_range_is_named(low, high, sentence):
    with pytest.raises(ValueError) as caught:
        RandomGaussianNoise(low, high)
    assert str(caught.value) == f"RandomGaussianNoise: {sentence}"
