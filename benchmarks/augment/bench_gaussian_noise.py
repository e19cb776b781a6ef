"""gaussian_noise against ``x + amplitude * torch.randn_like(x)``: 16 crops of 4 s."""

import torch
from benchmarks.harness import Row, compare

from singerprint.augment import DrawKey, gaussian_noise


def check_noise(noisy: torch.Tensor, waveforms: torch.Tensor, amplitude: torch.Tensor) -> None:
    """Two generators' noises cannot be equal; their means and variances are, to 5 standard deviations."""
    noise = ((noisy - waveforms) / amplitude[:, None]).double()
    samples = waveforms.shape[1]
    assert (noise.mean(1).abs() < 5 / samples**0.5).all(), "the noise's mean is not 0"
    assert ((noise.var(1) - 1).abs() < 5 * (2 / samples) ** 0.5).all(), (
        "the noise's variance is not amplitude**2"
    )


def run() -> list[Row]:
    batch, samples = 16, 176_400
    waveforms = torch.randn(batch, samples)
    amplitude = 0.001 + 0.049 * torch.rand(batch)
    key = DrawKey.of(0, range(batch))

    def ours():
        return gaussian_noise(waveforms, amplitude, key)

    def theirs():
        return waveforms + amplitude[:, None] * torch.randn_like(waveforms)

    check_noise(ours(), waveforms, amplitude)
    check_noise(theirs(), waveforms, amplitude)
    return compare(
        f"{batch} x {samples}",
        {"singerprint": ours, "torch": theirs},
        bytes_moved=8 * waveforms.numel(),  # one float read, one written
    )
