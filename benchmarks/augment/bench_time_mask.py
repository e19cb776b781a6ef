"""time_mask against ``masked_fill`` and ``where`` with an ``arange``, and slices: 16 crops of 4 s."""

import torch
from benchmarks.harness import Row, compare

from singerprint.augment import time_mask


def run() -> list[Row]:
    batch, samples = 16, 176_400
    waveforms = torch.randn(batch, samples)
    length = torch.randint(0, samples // 8, (batch,))
    start = torch.randint(0, samples - samples // 8, (batch,))

    def ours():
        return time_mask(waveforms, start, length)

    def masked():
        n = torch.arange(samples)
        return (n >= start[:, None]) & (n < (start + length)[:, None])

    def masked_fill():
        return waveforms.masked_fill(masked(), 0.0)

    def where():
        return torch.where(masked(), 0.0, waveforms)

    def slices():
        result = waveforms.clone()
        for row, first, many in zip(result, start.tolist(), length.tolist(), strict=True):
            row[first : first + many] = 0.0
        return result

    contenders = {"singerprint": ours, "masked_fill": masked_fill, "where": where, "loop of slices": slices}
    for contender in contenders.values():
        assert torch.equal(contender(), ours())
    # One float read, one written.
    return compare(f"{batch} x {samples}", contenders, bytes_moved=8 * waveforms.numel())
