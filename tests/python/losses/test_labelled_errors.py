"""What the losses that are told the singers refuse, they and their backwards, and in which words."""

import math

import pytest
import torch

from singerprint.losses import AMSoftmax, am_softmax, supervised_nt_xent

ROWS = torch.ones(4, 5)
SINGERS = torch.tensor([0, 0, 1, 2])
SHAPE = "must have shape (batch, dim) with at least one row and one column, got"

EMBEDDINGS = [
    ((torch.ones(5), SINGERS), ValueError, f"embeddings {SHAPE} [5]"),
    ((torch.ones(0, 5), SINGERS[:0]), ValueError, f"embeddings {SHAPE} [0, 5]"),
    ((torch.ones(4, 0), SINGERS), ValueError, f"embeddings {SHAPE} [4, 0]"),
    ((ROWS.half(), SINGERS), TypeError, "embeddings must have dtype Float or Double, got Half"),
    ((ROWS, SINGERS[:3]), ValueError, "singers must have shape (batch,) with batch = 4, got [3]"),
    ((ROWS, SINGERS[:, None]), ValueError, "singers must have shape (batch,) with batch = 4, got [4, 1]"),
    ((ROWS, SINGERS.int()), TypeError, "singers must have dtype Long, got Int"),
    ((ROWS, SINGERS.float()), TypeError, "singers must have dtype Long, got Float"),
    ((ROWS, SINGERS.to("meta")), ValueError, "singers must be on the device cpu, got meta"),
]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        *(((*arguments, 0.2), error, sentence) for arguments, error, sentence in EMBEDDINGS),
        (
            (ROWS[:1], SINGERS[:1], 0.2),
            ValueError,
            "embeddings must have at least two rows, got [1, 5]",
        ),
        *(
            ((ROWS, SINGERS, value), ValueError, f"temperature must be between 1e-6 and 1e6, got {text}")
            for value, text in ((0.0, "0"), (-0.5, "-0.5"), (math.nan, "nan"), (math.inf, "inf"))
        ),
        (
            (ROWS, torch.tensor([4, 7, -1, 2]), 0.2),
            ValueError,
            "singers must hold at least one singer twice, got 4 different ones",
        ),
    ],
)
def test_bad_arguments_of_supervised_nt_xent_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        supervised_nt_xent(*arguments)
    assert str(caught.value) == f"supervised_nt_xent: {sentence}"


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        *(((rows, ROWS, singers), error, sentence) for (rows, singers), error, sentence in EMBEDDINGS),
        *(
            (
                (ROWS, weights, SINGERS),
                ValueError,
                "weights must have shape (singers, dim) with at least one row and dim = 5, got "
                f"{list(weights.shape)}",
            )
            for weights in (torch.ones(5), torch.ones(0, 5), torch.ones(3, 4))
        ),
        ((ROWS, ROWS.double(), SINGERS), TypeError, "weights must have dtype Float, got Double"),
        ((ROWS, ROWS.to("meta"), SINGERS), ValueError, "weights must be on the device cpu, got meta"),
        ((ROWS, ROWS[:2], SINGERS), ValueError, "singers must be in [0, 2), got 2"),
        ((ROWS, ROWS, SINGERS - 1), ValueError, "singers must be in [0, 4), got -1"),
        ((ROWS, ROWS, SINGERS, 0.0), ValueError, "scale must be between 1e-6 and 1e6, got 0"),
        ((ROWS, ROWS, SINGERS, math.nan), ValueError, "scale must be between 1e-6 and 1e6, got nan"),
        ((ROWS, ROWS, SINGERS, 30.0, -0.1), ValueError, "margin must be between 0 and 2, got -0.1"),
        ((ROWS, ROWS, SINGERS, 30.0, math.nan), ValueError, "margin must be between 0 and 2, got nan"),
    ],
)
def test_bad_arguments_of_am_softmax_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        am_softmax(*arguments)
    assert str(caught.value) == f"am_softmax: {sentence}"


@pytest.mark.parametrize(
    ("dim", "singers", "sentence"),
    [(0, 3, "dim must be at least 1, got 0"), (8, -1, "singers must be at least 1, got -1")],
)
def test_a_module_without_directions_is_refused(dim, singers, sentence):
    with pytest.raises(ValueError, match="am_softmax") as caught:
        AMSoftmax(dim, singers)
    assert str(caught.value) == f"am_softmax: {sentence}"


LOG_SUM_EXP = torch.ones(4).double()


@pytest.mark.parametrize(
    ("grad_loss", "log_sum_exp", "error", "sentence"),
    [
        (torch.ones(1), LOG_SUM_EXP, ValueError, "grad_loss must have shape (), got [1]"),
        (torch.ones(()).double(), LOG_SUM_EXP, TypeError, "grad_loss must have dtype Float, got Double"),
        (
            torch.ones(()),
            LOG_SUM_EXP[:3],
            ValueError,
            "log_sum_exp must have shape (batch,) with batch = 4, got [3]",
        ),
        (torch.ones(()), LOG_SUM_EXP.float(), TypeError, "log_sum_exp must have dtype Double, got Float"),
    ],
)
@pytest.mark.parametrize(
    ("name", "tensors", "numbers"),
    [("supervised_nt_xent", (ROWS, SINGERS), (0.2,)), ("am_softmax", (ROWS, ROWS, SINGERS), (30.0, 0.2))],
)
def test_bad_arguments_of_the_backwards_are_named(
    name, tensors, numbers, grad_loss, log_sum_exp, error, sentence
):
    with pytest.raises(error) as caught:
        getattr(torch.ops.singerprint, f"{name}_backward")(grad_loss, *tensors, log_sum_exp, *numbers)
    assert str(caught.value) == f"{name}_backward: {sentence}"
