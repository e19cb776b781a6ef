import numpy as np
import pytest
import torch
from scipy import stats
from torch.library import opcheck

from singerprint.augment import DrawKey, draw_uniform


def philox(counter, key):
    """Salmon et al. 2011, section 3.3, in Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high, low = divmod(0xD2511F53 * c[0], 2**32), divmod(0xCD9E8D57 * c[2], 2**32)
        c = [low[0] ^ c[1] ^ k[0], low[1], high[0] ^ c[3] ^ k[1], high[1]]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def reference(key, stream, count):
    seed = key.seed.item() % 2**64
    words = [
        [philox((e // 4, clip, epoch, stream), (seed % 2**32, seed >> 32))[e % 4] for e in range(count)]
        for clip, epoch in zip(key.clip_ids.tolist(), key.epochs.tolist(), strict=True)
    ]
    return torch.tensor(np.array(words, dtype=np.int64).reshape(len(words), count) // 256 / 2**24).float()


@pytest.mark.parametrize("count", [0, 1, 4, 5, 11])
@pytest.mark.parametrize("clip_ids", [[], [0], [3, 2**32 - 1, 3]])
def test_equals_the_paper(clip_ids, count, device):
    key = DrawKey.of(-(2**40) - 12345, clip_ids, epoch=2**31 - 1, view=1, device=device)
    assert torch.equal(draw_uniform(key, 258, count).cpu(), reference(key, 258, count))


def test_numbers_are_uniform(device):
    numbers = draw_uniform(DrawKey.of(1, range(1000), device=device), 1, 100).cpu().numpy().ravel()
    assert numbers.min() >= 0 and numbers.max() < 1
    # A fixed seed: no luck is involved; a distribution that is wrong by 1 % gives 1e-8.
    assert stats.kstest(numbers, "uniform").pvalue > 0.01


def test_streams_epochs_and_seeds_are_independent(device):
    clip_ids = range(4000)
    rows = torch.stack(
        [
            draw_uniform(DrawKey.of(seed, clip_ids, epoch, device=device), stream, 1)[:, 0]
            for seed, epoch, stream in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2**32, 0, 0)]
        ]
    )
    correlation = torch.corrcoef(rows) - torch.eye(5, device=device)
    assert correlation.abs().max() < 5 / 4000**0.5  # 5 standard deviations of a sample correlation


KEY = DrawKey.of(0, [0, 1])


@pytest.mark.parametrize(
    ("key", "stream", "count", "error", "sentence"),
    [
        (KEY._replace(seed=torch.tensor([0])), 0, 1, ValueError, "seed must have shape (), got [1]"),
        (KEY._replace(seed=torch.tensor(0.0)), 0, 1, TypeError, "seed must have dtype Long, got Float"),
        (
            KEY._replace(seed=KEY.seed.to("meta")),
            0,
            1,
            ValueError,
            "seed must be on the device cpu, got meta",
        ),
        (
            KEY._replace(clip_ids=torch.tensor(0)),
            0,
            1,
            ValueError,
            "clip_ids must have shape (batch,), got []",
        ),
        (
            KEY._replace(clip_ids=KEY.clip_ids.int()),
            0,
            1,
            TypeError,
            "clip_ids must have dtype Long, got Int",
        ),
        (
            KEY._replace(clip_ids=-KEY.clip_ids),
            0,
            1,
            ValueError,
            "clip_ids must be in [0, 2**32), got -1",
        ),
        (
            KEY._replace(epochs=KEY.epochs + 2**32),
            0,
            1,
            ValueError,
            f"epochs must be in [0, 2**32), got {2**32}",
        ),
        (
            KEY._replace(epochs=torch.tensor([0])),
            0,
            1,
            ValueError,
            "epochs must have shape (batch,) with batch = 2, got [1]",
        ),
        (KEY, -1, 1, ValueError, "stream must be in [0, 2**31), got -1"),
        (KEY, 2**31, 1, ValueError, f"stream must be in [0, 2**31), got {2**31}"),
        (KEY, 0, -1, ValueError, f"count must be in [0, {2**34}], got -1"),
    ],
)
def test_bad_arguments_are_named(key, stream, count, error, sentence):
    with pytest.raises(error) as caught:
        draw_uniform(key, stream, count)
    assert str(caught.value) == f"draw_uniform: {sentence}"


def test_opcheck(device):
    opcheck(torch.ops.singerprint.draw_uniform.default, (*DrawKey.of(3, [1, 2], device=device), 1, 3))


def test_compiles_as_one_graph():
    compiled = torch.compile(draw_uniform, fullgraph=True, backend="aot_eager")
    for seed in (3, 4):  # the seed is data, not a constant of the graph
        key = DrawKey.of(seed, [1, 2])
        assert torch.equal(compiled(key, 1, 3), draw_uniform(key, 1, 3))
