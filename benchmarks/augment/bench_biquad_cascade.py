"""biquad_cascade against scipy.signal.sosfilt: a seven-band equalizer of 1, 4 and 16 crops of 4 s."""

import numpy as np
import torch
from benchmarks.harness import Row, compare
from scipy.signal import sosfilt

from singerprint.augment import biquad_cascade, filter_design

SAMPLE_RATE_HZ = 44_100
BANDS = 7
FLOPS = 2 * 4 + 1  # of a section and sample in direct form: four products and sums, and b0


def run() -> list[Row]:
    return [row for batch in (1, 4, 16) for row in compare_batch(batch, 176_400)]


def compare_batch(batch: int, samples: int) -> list[Row]:
    waveforms = torch.randn(batch, samples)
    center_hz = torch.logspace(np.log10(60), np.log10(8000), BANDS).expand(batch, BANDS)
    gain_db = 24 * torch.rand(batch, BANDS) - 12
    coefficients = filter_design.peak(SAMPLE_RATE_HZ, center_hz, gain_db, torch.full((batch, BANDS), 2.0))
    sections = np.insert(coefficients.numpy(), 3, 1.0, axis=2)  # a0 = 1

    def ours():
        return biquad_cascade(waveforms, coefficients)

    def scipy():
        rows = zip(sections, waveforms.numpy(), strict=True)
        return np.stack([sosfilt(sos, waveform) for sos, waveform in rows])

    expected = scipy()  # float64 within
    error = np.square(ours().numpy() - expected).sum() / np.square(expected).sum()
    assert 10 * np.log10(error) < -120, "float32 states lose more than they may"
    contenders = {"singerprint": ours, "scipy.signal.sosfilt": scipy}
    flops = FLOPS * BANDS * waveforms.numel()
    return compare(f"{batch} x {samples}, {BANDS} bands", contenders, flops=flops)
