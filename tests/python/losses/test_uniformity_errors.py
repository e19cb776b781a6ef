"""What uniformity and its backward refuse, and in which words."""

import math

import pytest
import torch

from singerprint.losses import uniformity

ROWS = torch.ones(2, 5)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (torch.ones(5),),
            ValueError,
            "embeddings must have shape (batch, dim) with at least one row and one column, got [5]",
        ),
        (
            (torch.ones(0, 5),),
            ValueError,
            "embeddings must have shape (batch, dim) with at least one row and one column, got [0, 5]",
        ),
        (
            (torch.ones(2, 0),),
            ValueError,
            "embeddings must have shape (batch, dim) with at least one row and one column, got [2, 0]",
        ),
        ((torch.ones(1, 5),), ValueError, "embeddings must have at least two rows, got [1, 5]"),
        ((ROWS.half(),), TypeError, "embeddings must have dtype Float or Double, got Half"),
        ((ROWS, 0.0), ValueError, "t must be between 1e-6 and 1e5, got 0"),
        ((ROWS, -0.5), ValueError, "t must be between 1e-6 and 1e5, got -0.5"),
        ((ROWS, math.nan), ValueError, "t must be between 1e-6 and 1e5, got nan"),
        ((ROWS, math.inf), ValueError, "t must be between 1e-6 and 1e5, got inf"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        uniformity(*arguments)
    assert str(caught.value) == f"uniformity: {sentence}"


@pytest.mark.parametrize(
    ("grad_loss", "log_sum_exp", "error", "sentence"),
    [
        (torch.ones(1), torch.ones(()).double(), ValueError, "grad_loss must have shape (), got [1]"),
        (
            torch.tensor(1.0).double(),
            torch.ones(()).double(),
            TypeError,
            "grad_loss must have dtype Float, got Double",
        ),
        (torch.tensor(1.0), torch.ones(2).double(), ValueError, "log_sum_exp must have shape (), got [2]"),
        (torch.tensor(1.0), torch.ones(()), TypeError, "log_sum_exp must have dtype Double, got Float"),
        (
            torch.tensor(1.0),
            torch.ones((), device="meta").double(),
            ValueError,
            "log_sum_exp must be on the device cpu, got meta",
        ),
    ],
)
def test_bad_arguments_of_the_backward_are_named(grad_loss, log_sum_exp, error, sentence):
    with pytest.raises(error) as caught:
        torch.ops.singerprint.uniformity_backward(grad_loss, ROWS, log_sum_exp, 2.0)
    assert str(caught.value) == f"uniformity_backward: {sentence}"
