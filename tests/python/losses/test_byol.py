import pytest
import torch
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.losses import BYOL, byol


def reference(prediction, target):
    """Grill et al. 2020, equation 2 (https://arxiv.org/abs/2006.07733)."""
    return (2 - 2 * torch.nn.functional.cosine_similarity(prediction, target, eps=1e-12)).mean()


def loss_and_gradients(function, prediction, target):
    prediction, target = prediction.detach().requires_grad_(), target.detach().requires_grad_()
    loss = function(prediction, target)
    return loss.detach(), torch.cat(torch.autograd.grad(loss, (prediction, target)))


def pair(batch, dim, generator, dtype=torch.float64):
    return torch.randn(2, batch, dim, generator=generator, dtype=dtype).unbind()


@pytest.mark.parametrize("dim", [1, 2, 64, 129, 1000])
@pytest.mark.parametrize("batch", [1, 2, 3, 17, 140, 513])
def test_equals_the_formula(batch, dim, device, generator):
    prediction, target = (side.to(device) for side in pair(batch, dim, generator))
    loss, gradients = loss_and_gradients(byol, prediction, target)
    expected, expected_gradients = loss_and_gradients(reference, prediction, target)
    # 1 - cosine loses what 1 has: a few epsilon, not a few epsilon of the difference.
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-15)
    # dim = 1: the true gradient is 0, the reference's is the rounding of 1 / length - 1 / length.
    shortest = torch.cat([prediction, target]).norm(dim=1).min()
    assert (gradients - expected_gradients).norm() <= 1e-12 * expected_gradients.norm() + 1e-15 / shortest


@pytest.mark.parametrize(("batch", "dim"), [(2, 2), (17, 64), (140, 1000)])
def test_float32_is_as_exact_as_its_input(batch, dim, device, generator):
    sides = [side.to(device) for side in pair(batch, dim, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(byol, *sides)
    exact, exact_gradients = loss_and_gradients(byol, *(side.double() for side in sides))
    assert loss.dtype == gradients.dtype == torch.float32
    # All sums are double: one rounding of each result.
    assert abs(loss.double() - exact) <= 2**-24 * exact
    assert (gradients.double() - exact_gradients).norm() <= 2**-24 * exact_gradients.norm()


def test_the_loss_runs_from_0_to_4(device):
    rows = torch.tensor([[3.0, 4.0]], device=device)
    turned = torch.tensor([[-8.0, 6.0]], device=device)
    # 2 - 2 cos in double: exact to a few of its epsilon, then rounded.
    for target, expected in ((rows * 2, 0.0), (turned, 2.0), (-rows, 4.0)):
        assert byol(rows, target).item() == pytest.approx(expected, abs=1e-15)


def test_the_lengths_of_rows_do_not_matter(device, generator):
    prediction, target = (side.to(device) for side in pair(7, 20, generator))
    torch.testing.assert_close(
        byol(prediction * 1e6, target * 1e-6), byol(prediction, target), rtol=1e-14, atol=0
    )


def test_the_arguments_may_be_exchanged(device, generator):
    prediction, target = (side.to(device) for side in pair(7, 20, generator))
    assert torch.equal(byol(prediction, target), byol(target, prediction))


def test_zero_rows_cost_2_and_have_finite_gradients(device):
    loss, gradients = loss_and_gradients(
        byol, torch.zeros(2, 4, device=device), torch.eye(2, 4, device=device)
    )
    assert loss == 2
    assert torch.isfinite(gradients).all()


def test_nan_stays_nan(device):
    prediction = torch.ones(3, 4, device=device)
    prediction[1, 1] = torch.nan
    assert byol(prediction, torch.ones(3, 4, device=device)).isnan()


def test_non_contiguous_input_gives_the_same(device, generator):
    prediction = torch.randn(20, 6, generator=generator).to(device).t()
    target = torch.randn(6, 40, generator=generator).to(device)[:, ::2]
    loss, gradients = loss_and_gradients(byol, prediction, target)
    expected, expected_gradients = loss_and_gradients(byol, prediction.contiguous(), target.contiguous())
    assert torch.equal(loss, expected)
    assert torch.equal(gradients, expected_gradients)


def test_the_number_of_threads_changes_no_bit(generator):
    sides = pair(700, 33, generator, dtype=torch.float32)
    results = results_of_threads(lambda: loss_and_gradients(byol, *sides), counts=(1, 3))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (torch.ones(5), torch.ones(5)),
            ValueError,
            "byol: prediction must have shape (batch, dim) with at least one row and one column, got [5]",
        ),
        (
            (torch.ones(0, 5), torch.ones(0, 5)),
            ValueError,
            "byol: prediction must have shape (batch, dim) with at least one row and one column, got [0, 5]",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 4)),
            ValueError,
            "byol: target must have the shape of prediction, [2, 5], got [2, 4]",
        ),
        (
            (torch.ones(2, 5).long(), torch.ones(2, 5).long()),
            TypeError,
            "byol: prediction must have dtype Float or Double, got Long",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5).double()),
            TypeError,
            "byol: target must have dtype Float, got Double",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5, device="meta")),
            ValueError,
            "byol: target must be on the device cpu, got meta",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        byol(*arguments)
    assert str(caught.value) == sentence


def test_a_bad_gradient_of_the_loss_is_named():
    with pytest.raises(ValueError, match=r"^byol_backward: grad_loss must have shape \(\), got \[2\]$"):
        torch.ops.singerprint.byol_backward(torch.ones(2), torch.ones(2, 5), torch.ones(2, 5))


def test_gradcheck(device, generator):
    sides = [side.to(device).requires_grad_() for side in pair(3, 4, generator)]
    assert torch.autograd.gradcheck(byol, sides)


def test_a_second_derivative_is_refused_not_wrong(generator):
    prediction, target = (side.requires_grad_() for side in pair(3, 4, generator))
    (gradient,) = torch.autograd.grad(byol(prediction, target), prediction, create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::byol_backward is not implemented"):
        gradient.sum().backward()


def test_a_detached_target_gets_no_gradient(generator):
    prediction, target = (side.requires_grad_() for side in pair(3, 4, generator))
    byol(prediction, target.detach()).backward()
    assert target.grad is None
    assert prediction.grad is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    sides = [torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True) for _ in range(2)]
    opcheck(torch.ops.singerprint.byol.default, tuple(sides))
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(torch.ops.singerprint.byol_backward.default, (grad_loss, *(side.detach() for side in sides)))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(byol, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (6, 9):
        sides = pair(batch, 5, generator)
        loss, gradients = loss_and_gradients(compiled, *sides)
        expected, expected_gradients = loss_and_gradients(byol, *sides)
        assert torch.equal(loss, expected)
        assert torch.equal(gradients, expected_gradients)


def test_the_module_is_the_function(generator):
    sides = pair(4, 8, generator)
    assert torch.equal(BYOL()(*sides), byol(*sides))
