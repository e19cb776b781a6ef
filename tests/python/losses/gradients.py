"""Views and what a loss makes of them, for the tests of losses on two views."""

import torch


def loss_and_gradients(function, first, second, *options):
    first, second = first.detach().requires_grad_(), second.detach().requires_grad_()
    loss = function(first, second, *options)
    return loss.detach(), torch.cat(torch.autograd.grad(loss, (first, second)))


def views(batch, dim, generator, noise=None, dtype=torch.float64):
    """Unrelated views, or the second one the first with noise."""
    first, second = torch.randn(2, batch, dim, generator=generator, dtype=dtype)
    return first, second if noise is None else first + noise * second
