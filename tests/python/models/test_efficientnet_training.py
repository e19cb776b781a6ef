"""Training in float32 on the CPU: native, the same function, and seen by autograd as PyTorch's operators are.

The oracle is torchvision's network in float64, or our own there, which is made of PyTorch's operators.
"""

import copy

import pytest
import torch
from tests.python.models.is_native import is_native
from tests.python.models.native_training import DIM, gradients_of, loss_of, relative_error
from tests.python.thread_counts import results_of_threads
from torch.utils.checkpoint import checkpoint

from singerprint.models import efficientnet_b0, efficientnet_b4


@pytest.fixture
def trained(pair):
    """Our network in float32 and torchvision's in float64, both in training mode."""
    ours, reference = pair
    return ours.float().train(), reference.train()


@pytest.fixture
def ours():
    return efficientnet_b0(1, DIM).train()


def spectrograms_for(network, generator, batch=4, mels=96, frames=97):
    return torch.randn(batch, network.in_channels, mels, frames, generator=generator)


@pytest.mark.parametrize(
    ("batch", "mels", "frames"), [(4, 96, 97), (16, 33, 70), (1, 80, 345), (3, 65, 129), (2, 128, 66)]
)
def test_it_equals_torchvision(trained, generator, batch, mels, frames):
    ours, reference = trained
    spectrograms = spectrograms_for(ours, generator, batch, mels, frames)
    mine = spectrograms.clone().requires_grad_()
    other = spectrograms.double().requires_grad_()
    embeddings, expected = ours(mine), reference(other)
    # The promise: embeddings within 1e-5, gradients within 1e-4. Seen are 4e-6 and 2e-5: the last batch norms
    # see few values, and divide the roundings of all layers by their spread.
    assert relative_error(embeddings, expected) <= 1e-5
    loss_of(embeddings).backward()
    loss_of(expected).backward()
    assert relative_error(gradients_of(ours), gradients_of(reference)) <= 1e-4
    assert relative_error(mine.grad, other.grad) <= 1e-4
    for (name, buffer), expected in zip(ours.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(buffer.to(expected.dtype), expected, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (2, 1, 1, 3), (1, 1, 33, 1), (3, 1, 2, 35)])
def test_the_smallest_spectrograms_are_trained_on(ours, generator, shape):
    # Batch norms of two values give plus or minus their weight: gradients are roundings.
    embeddings = ours(torch.randn(shape, generator=generator))
    loss_of(embeddings).backward()
    assert embeddings.isfinite().all() and gradients_of(ours).isfinite().all()


def test_several_steps_equal_torchvisions(trained, generator):
    ours, reference = trained
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.01) for network in trained]
    for _ in range(3):
        spectrograms = spectrograms_for(ours, generator)
        for network, optimizer in zip(trained, optimizers, strict=True):
            optimizer.zero_grad()
            loss = loss_of(network(spectrograms.to(next(network.parameters()).dtype)))
            loss.backward()
            optimizer.step()
    mine = torch.cat([parameter.detach().flatten() for parameter in ours.parameters()])
    other = torch.cat([parameter.detach().flatten() for parameter in reference.parameters()])
    # A gradient is within 1e-4, and all three together change the weights by less than themselves.
    assert relative_error(mine, other) <= 1e-4


@pytest.mark.parametrize(
    ("make", "stochastic_depth", "batch"),
    [(efficientnet_b0, 0.0, 1), (efficientnet_b0, 0.5, 3), (efficientnet_b4, 0.5, 3)],
)
def test_the_number_of_threads_does_not_change_a_bit(generator, make, stochastic_depth, batch):
    ours = make(1, DIM, stochastic_depth=stochastic_depth).train()
    spectrograms = spectrograms_for(ours, generator, batch)

    def step():
        network = copy.deepcopy(ours)
        mine = spectrograms.clone().requires_grad_()
        # Up to the features: the linear layer behind them is PyTorch's.
        network(mine)[:, 0].sum().backward()
        gradients = [mine.grad, *(parameter.grad for parameter in network.features.parameters())]
        return gradients + list(network.buffers())

    # With 9, the first blocks' workers share clips.
    first, *others = results_of_threads(step, counts=(1, 2, 9))
    for other in others:
        assert all(torch.equal(mine, its) for mine, its in zip(first, other, strict=True))


def test_only_plain_training_is_native(ours, generator):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    assert is_native(lambda: loss_of(ours(spectrograms)).backward())
    assert is_native(lambda: loss_of(copy.deepcopy(ours).to(memory_format=torch.channels_last)(spectrograms)))
    with torch.no_grad():
        assert is_native(lambda: ours(spectrograms))
    with torch.inference_mode():
        assert not is_native(lambda: copy.deepcopy(ours)(spectrograms))
    assert not is_native(lambda: copy.deepcopy(ours).eval()(spectrograms))
    assert not is_native(lambda: copy.deepcopy(ours).double()(spectrograms.double()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not is_native(lambda: ours(spectrograms))

    def loss_by(state):
        return loss_of(torch.func.functional_call(ours, state, spectrograms))

    assert not is_native(lambda: torch.func.grad(loss_by)(dict(ours.named_parameters())))
    assert not is_native(lambda: torch.func.jvp(ours, (spectrograms,), (spectrograms,)))


@pytest.mark.parametrize("stochastic_depth", [0.0, 0.5])
def test_derivatives_of_derivatives(ours, generator, stochastic_depth):
    ours.stochastic_depth = stochastic_depth
    spectrograms = spectrograms_for(ours, generator, mels=64, frames=66)
    reference = copy.deepcopy(ours).double()

    def penalty_gradients(network, spectrograms):
        spectrograms = spectrograms.requires_grad_()
        parameters = list(network.parameters())
        gradients = torch.autograd.grad(
            network(spectrograms).square().sum(), [spectrograms, *parameters], create_graph=True
        )
        penalty = sum(gradient.square().sum() for gradient in gradients)
        return torch.cat([g.flatten() for g in torch.autograd.grad(penalty, [spectrograms, *parameters])])

    mine = penalty_gradients(ours, spectrograms.clone())
    expected = penalty_gradients(reference, spectrograms.double())
    # PyTorch's operators in float32, twice: its channels_last batch norms leave some 1e-5 each time, and the
    # second derivative is as steep again.
    assert relative_error(mine, expected) <= 1e-2


def test_gradients_of_several_losses_at_once(ours, generator):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    parameters = list(ours.parameters())
    embeddings = ours(spectrograms)
    of_losses = torch.randn(2, *embeddings.shape, generator=generator)
    together = torch.autograd.grad(
        embeddings, parameters, of_losses, is_grads_batched=True, retain_graph=True
    )
    for index in range(2):
        alone = torch.autograd.grad(embeddings, parameters, of_losses[index], retain_graph=True)
        mine = torch.cat([gradient[index].flatten() for gradient in together])
        # PyTorch's operators against ours, on four values a channel at the end.
        assert relative_error(mine, torch.cat([gradient.flatten() for gradient in alone]).double()) <= 1e-2


def test_a_graph_that_is_kept_gives_the_same_again(ours, generator):
    embeddings = ours(spectrograms_for(ours, generator, mels=40, frames=40))
    parameters = list(ours.parameters())
    first = torch.autograd.grad(loss_of(embeddings), parameters, retain_graph=True)
    again = torch.autograd.grad(loss_of(embeddings), parameters)
    assert all(torch.equal(mine, other) for mine, other in zip(first, again, strict=True))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(loss_of(embeddings), parameters)


def test_changing_a_weight_before_the_gradient_is_refused(ours, generator):
    loss = loss_of(ours(spectrograms_for(ours, generator, mels=40, frames=40)))
    with torch.no_grad():
        ours.get_parameter("features.1.0.block.0.0.weight").mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_spectrograms_may_be_overwritten_before_the_gradient(ours, generator):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    other = copy.deepcopy(ours)
    loss_of(other(spectrograms)).backward()
    loss = loss_of(ours(spectrograms))
    spectrograms.zero_()
    loss.backward()
    assert torch.equal(gradients_of(ours), gradients_of(other))


@pytest.mark.parametrize("first", ["features.3.", "features.8.", "classifier."])
def test_frozen_layers_get_no_gradient(ours, generator, first):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    other = copy.deepcopy(ours)
    trains = False
    for name, parameter in ours.named_parameters():
        trains = trains or name.startswith(first)
        parameter.requires_grad_(trains)
    loss_of(ours(spectrograms)).backward()
    loss_of(other(spectrograms)).backward()
    for mine, its in zip(ours.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine.grad, its.grad) if mine.requires_grad else mine.grad is None


def test_gradients_of_the_spectrograms_alone(ours, generator):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    mine, other = spectrograms.clone().requires_grad_(), spectrograms.clone().requires_grad_()
    loss_of(copy.deepcopy(ours)(other)).backward()
    loss_of(ours.requires_grad_(False)(mine)).backward()
    assert torch.equal(mine.grad, other.grad)
    assert all(parameter.grad is None for parameter in ours.parameters())


def test_layouts_of_input_and_weights_do_not_matter(ours, generator):
    spectrograms = torch.randn(2, 40, 44, 3, generator=generator)
    network = efficientnet_b0(3, DIM).train()
    other = copy.deepcopy(network).to(memory_format=torch.channels_last)
    loss_of(network(spectrograms.permute(0, 3, 1, 2).contiguous())).backward()
    loss_of(other(spectrograms.permute(0, 3, 1, 2))).backward()
    assert torch.equal(gradients_of(network), gradients_of(other))


def test_without_gradients_it_is_the_same(ours, generator):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    other = copy.deepcopy(ours)
    with torch.no_grad():
        embeddings = ours(spectrograms)
    assert torch.equal(embeddings, other(spectrograms))
    assert all(torch.equal(mine, its) for mine, its in zip(ours.buffers(), other.buffers(), strict=True))


def test_checkpointed_it_is_the_same(ours, generator):
    spectrograms = spectrograms_for(ours, generator, mels=40, frames=40)
    other = copy.deepcopy(ours)
    loss_of(checkpoint(ours, spectrograms, use_reentrant=False)).backward()
    loss_of(other(spectrograms)).backward()
    assert torch.equal(gradients_of(ours), gradients_of(other))


def kept_bytes(network, spectrograms):
    """What autograd keeps from the forward to the backward pass, weights left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept = {}

    def pack(tensor):
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        embeddings = network(spectrograms)
    assert embeddings.requires_grad
    return sum(kept.values())


def test_it_keeps_less_than_half_of_what_pytorch_keeps(trained, generator):
    ours, reference = trained
    spectrograms = spectrograms_for(ours, generator)
    # SiLUs, gates and normalised values are computed again: one picture of each convolution instead of three.
    assert kept_bytes(ours, spectrograms) < 0.5 * kept_bytes(reference.float(), spectrograms)
