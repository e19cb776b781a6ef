import pytest
import torch

from singerprint.augment import DrawKey


def test_epoch_and_view_are_one_number():
    numbers = [
        DrawKey.of(0, [0], epoch, view, views=3).epochs.item() for epoch in range(4) for view in range(3)
    ]
    assert numbers == list(range(12))


def test_the_fields_are_int64_rows():
    key = DrawKey.of(-1, torch.tensor([4, 2**32 - 1], dtype=torch.uint32))
    assert key.seed.shape == () and key.seed.item() == -1
    assert key.clip_ids.tolist() == [4, 2**32 - 1]
    assert key.epochs.tolist() == [0, 0]
    assert {tensor.dtype for tensor in key} == {torch.int64}


def test_an_empty_batch_has_a_key():
    key = DrawKey.of(0, [])
    assert key.clip_ids.shape == key.epochs.shape == (0,)
    assert key.clip_ids.dtype == torch.int64


def test_every_clip_may_have_an_epoch_of_its_own():
    several = DrawKey.of(0, [3, 4], torch.tensor([5, 6]), view=1)
    alone = [DrawKey.of(0, [clip], epoch, view=1) for clip, epoch in ((3, 5), (4, 6))]
    assert several.epochs.tolist() == [key.epochs.item() for key in alone]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"seed": 2**63}, ValueError, f"seed must be in [-2**63, 2**63), got {2**63}"),
        ({"views": 0}, ValueError, "views must be at least 1, got 0"),
        ({"view": 2}, ValueError, "view must be in [0, views) with views = 2, got 2"),
        ({"epoch": -1}, ValueError, "epoch must not be negative, got -1"),
        ({"epoch": 2**31}, ValueError, f"epoch * views + view must be below 2**32, got {2**32}"),
        ({"clip_ids": [0, -1]}, ValueError, "clip_ids must be in [0, 2**32), got -1"),
        ({"clip_ids": [2**32]}, ValueError, f"clip_ids must be in [0, 2**32), got {2**32}"),
        ({"clip_ids": [[1]]}, ValueError, "clip_ids must have shape (batch,), got [1, 1]"),
        ({"clip_ids": [0.5]}, TypeError, "clip_ids must be integers, got torch.float32"),
        ({"epoch": torch.tensor([0.5])}, TypeError, "epoch must be integers, got torch.float32"),
        ({"epoch": torch.tensor([-1])}, ValueError, "epoch must not be negative, got -1"),
        (
            {"epoch": torch.tensor([1, 2])},
            ValueError,
            "epoch must have shape (batch,) with batch = 1, got [2]",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        DrawKey.of(**({"seed": 0, "clip_ids": [0]} | arguments))
    assert str(caught.value) == f"DrawKey: {sentence}"
