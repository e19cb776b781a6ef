"""Noise, gain and mask of each clip in one pass, against three passes and torch expressions: crops of 4 s.

With 280 crops a good part of the time is the system's: a result of 197 MB on fresh pages (bench_gain.py).
"""

import torch
from benchmarks.augment.bench_gaussian_noise import check_noise
from benchmarks.harness import Row, compare

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


def run() -> list[Row]:
    return [row for batch in (16, 280) for row in compare_batch(batch, 176_400)]


def compare_batch(batch: int, samples: int) -> list[Row]:
    waveforms = torch.randn(batch, samples)
    key = DrawKey.of(0, range(batch))
    chain = Compose(
        [RandomGaussianNoise(probability=1), RandomGain(probability=1), RandomTimeMask(probability=1)]
    )
    noise, level, mask = chain.draw(key, samples)
    amplitude, gain_db = noise["amplitude"], level["gain_db"]
    start, length = mask["start_samples"], mask["length_samples"]

    def ours():
        return noise_gain_mask(waveforms, amplitude, gain_db, start, length, key)

    def one_after_the_other():
        return time_mask(gain(gaussian_noise(waveforms, amplitude, key), gain_db), start, length)

    def theirs():
        noisy = waveforms + amplitude[:, None] * torch.randn_like(waveforms)
        scaled = noisy * (10 ** (gain_db / 20))[:, None]
        n = torch.arange(samples)
        return scaled.masked_fill((n >= start[:, None]) & (n < (start + length)[:, None]), 0.0)

    def chained():
        return chain(waveforms, key)

    def half_chained():
        return papers(waveforms, key)

    papers = Compose([RandomGaussianNoise(), RandomGain(), RandomTimeMask()])  # each with probability 1/2
    check_equal_but_for_the_noise(ours(), theirs(), waveforms, gain_db, amplitude)
    assert torch.equal(one_after_the_other(), ours())
    assert torch.equal(chained(), ours())
    contenders = {
        "singerprint": ours,
        "torch": theirs,
        "singerprint, the three ops": one_after_the_other,
        "singerprint.Compose, drawing included": chained,
        "singerprint.Compose, probability 1/2": half_chained,
    }
    # One float read, one written: what a single pass over memory would move.
    return compare(f"{batch} x {samples}", contenders, bytes_moved=8 * waveforms.numel(), seconds=2.0)


def check_equal_but_for_the_noise(ours, theirs, waveforms, gain_db, amplitude) -> None:
    assert torch.equal(ours == 0, theirs == 0), "other samples are masked"
    for augmented in (ours, theirs):
        noisy = augmented / (10 ** (gain_db / 20))[:, None]
        for row in range(len(noisy)):
            kept = augmented[row] != 0
            check_noise(noisy[row : row + 1, kept], waveforms[row : row + 1, kept], amplitude[row : row + 1])
