"""convolve against scipy.signal.oaconvolve: 16 crops of 4 s, responses of 1,023 taps to one second."""

import numpy as np
import torch
from benchmarks.harness import Row, compare
from scipy.signal import oaconvolve

from singerprint.augment import convolve


def run() -> list[Row]:
    return [row for taps in (1_023, 11_025, 44_100) for row in compare_taps(16, 176_400, taps)]


def compare_taps(batch: int, samples: int, taps: int) -> list[Row]:
    waveforms, responses = torch.randn(batch, samples), torch.randn(batch, taps)

    def ours():
        return convolve(waveforms, responses)

    def scipy():
        return oaconvolve(waveforms.numpy(), responses.numpy(), axes=1)[:, :samples]

    expected = scipy()  # float32 too
    assert np.abs(ours().numpy() - expected).max() < 2e-6 * np.abs(expected).max()
    contenders = {"singerprint": ours, "scipy.signal.oaconvolve": scipy}
    return compare(f"{batch} x {samples}, {taps} taps", contenders, seconds=2.0)
