"""gain against ``x * 10 ** (gain_db / 20)``: 16 crops of 4 s, and the 280 of a training batch.

Both are bound by memory. 280 crops are 197 MB: the C library gives such a result fresh pages at every call,
and the system's filling them takes nearly all the time (GB/s far below the machine's copy).
"""

import torch
from benchmarks.harness import Row, compare

from singerprint.augment import gain


def run() -> list[Row]:
    rows: list[Row] = []
    for batch, samples in [(16, 176_400), (280, 176_400)]:
        waveforms = torch.randn(batch, samples)
        gain_db = -6 * torch.rand(batch)

        def ours(waveforms=waveforms, gain_db=gain_db):
            return gain(waveforms, gain_db)

        def theirs(waveforms=waveforms, gain_db=gain_db):
            return waveforms * (10 ** (gain_db / 20))[:, None]

        # The factor is a float32 power there and a rounded float64 one here: 2 ulps of the product.
        torch.testing.assert_close(ours(), theirs(), rtol=2 * 2**-23, atol=0)
        rows += compare(
            f"{batch} x {samples}",
            {"singerprint": ours, "torch": theirs},
            bytes_moved=8 * waveforms.numel(),  # one float read, one written
        )
    return rows
