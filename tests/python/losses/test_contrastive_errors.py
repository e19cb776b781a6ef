"""What the contrastive losses and their backward refuse, and in which words."""

import math

import pytest
import torch

from singerprint import losses

PAIR = (torch.ones(2, 5), torch.ones(2, 5))
# The shape of log_sum_exp.
ANCHORS = {"nt_xent": "2 * batch,", "decoupled": "2 * batch,", "cross_decoupled": "batch,"}


@pytest.mark.parametrize("name", ANCHORS)
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


@pytest.mark.parametrize("name", ANCHORS)
@pytest.mark.parametrize(
    ("grad_loss", "error", "sentence"),
    [
        (torch.ones(1), ValueError, "grad_loss must have shape (), got [1]"),
        (torch.tensor(1.0).double(), TypeError, "grad_loss must have dtype Float, got Double"),
    ],
)
def test_a_bad_gradient_of_the_loss_is_named(grad_loss, error, sentence, name):
    log_sum_exp = getattr(torch.ops.singerprint, name)(*PAIR, 0.2)[1]
    with pytest.raises(error) as caught:
        getattr(torch.ops.singerprint, f"{name}_backward")(grad_loss, *PAIR, log_sum_exp, 0.2)
    assert str(caught.value) == f"{name}_backward: {sentence}"


@pytest.mark.parametrize("name", ANCHORS)
def test_a_bad_log_sum_exp_is_named(name):
    backward = getattr(torch.ops.singerprint, f"{name}_backward")
    anchors = ANCHORS[name]
    with pytest.raises(ValueError, match="log_sum_exp") as caught:
        backward(torch.tensor(1.0), *PAIR, torch.ones(3).double(), 0.2)
    sentence = f"log_sum_exp must have shape ({anchors}) with batch = 2, got [3]"
    assert str(caught.value) == f"{name}_backward: {sentence}"
    with pytest.raises(TypeError) as caught:
        backward(torch.tensor(1.0), *PAIR, torch.ones(4 if anchors == "2 * batch," else 2), 0.2)
    assert str(caught.value) == f"{name}_backward: log_sum_exp must have dtype Double, got Float"


@pytest.mark.parametrize("name", ["decoupled", "cross_decoupled"])
def test_without_negatives_a_decoupled_loss_is_undefined(name):
    with pytest.raises(ValueError, match=name) as caught:
        getattr(losses, name)(torch.ones(1, 5), torch.ones(1, 5), 0.2)
    assert str(caught.value) == f"{name}: first must have at least two rows, got [1, 5]"
