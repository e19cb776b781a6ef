"""What the contrastive losses and their backward refuse, and in which words."""

import math

import pytest
import torch

from singerprint import losses

PAIR = (torch.ones(2, 5), torch.ones(2, 5))
NAMES = ("nt_xent", "decoupled")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (torch.ones(5), torch.ones(5), 0.2),
            ValueError,
            "first must have shape (batch, dim) with at least one row and one column, got [5]",
        ),
        (
            (torch.ones(0, 5), torch.ones(0, 5), 0.2),
            ValueError,
            "first must have shape (batch, dim) with at least one row and one column, got [0, 5]",
        ),
        (
            (torch.ones(2, 0), torch.ones(2, 0), 0.2),
            ValueError,
            "first must have shape (batch, dim) with at least one row and one column, got [2, 0]",
        ),
        (
            (torch.ones(2, 5), torch.ones(3, 5), 0.2),
            ValueError,
            "second must have the shape of first, [2, 5], got [3, 5]",
        ),
        (
            (torch.ones(2, 5).half(), torch.ones(2, 5).half(), 0.2),
            TypeError,
            "first must have dtype Float or Double, got Half",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5).double(), 0.2),
            TypeError,
            "second must have dtype Float, got Double",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5, device="meta"), 0.2),
            ValueError,
            "second must be on the device cpu, got meta",
        ),
        ((*PAIR, 0.0), ValueError, "temperature must be between 1e-6 and 1e6, got 0"),
        ((*PAIR, -0.5), ValueError, "temperature must be between 1e-6 and 1e6, got -0.5"),
        ((*PAIR, math.nan), ValueError, "temperature must be between 1e-6 and 1e6, got nan"),
        ((*PAIR, math.inf), ValueError, "temperature must be between 1e-6 and 1e6, got inf"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence, name):
    with pytest.raises(error) as caught:
        getattr(losses, name)(*arguments)
    assert str(caught.value) == f"{name}: {sentence}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("grad_loss", "log_sum_exp", "error", "sentence"),
    [
        (torch.ones(1), torch.ones(4).double(), ValueError, "grad_loss must have shape (), got [1]"),
        (
            torch.tensor(1.0).double(),
            torch.ones(4).double(),
            TypeError,
            "grad_loss must have dtype Float, got Double",
        ),
        (
            torch.tensor(1.0),
            torch.ones(2).double(),
            ValueError,
            "log_sum_exp must have shape (2 * batch,) with batch = 2, got [2]",
        ),
        (torch.tensor(1.0), torch.ones(4), TypeError, "log_sum_exp must have dtype Double, got Float"),
    ],
)
def test_bad_arguments_of_the_backward_are_named(grad_loss, log_sum_exp, error, sentence, name):
    with pytest.raises(error) as caught:
        backward = getattr(torch.ops.singerprint, f"{name}_backward")
        backward(grad_loss, *PAIR, log_sum_exp, 0.2)
    assert str(caught.value) == f"{name}_backward: {sentence}"


def test_without_negatives_decoupled_is_undefined():
    with pytest.raises(ValueError, match="decoupled") as caught:
        losses.decoupled(torch.ones(1, 5), torch.ones(1, 5), 0.2)
    assert str(caught.value) == "decoupled: first must have at least two rows, got [1, 5]"
