"""The op against torchvision and timm, and what it refuses.

The oracles are compared in float64, where every difference in the order of operations is far below a wrong
formula, and once in float32 on spectrograms whose last feature map still has enough values for the variances
of the batch norms.
"""

import pytest
import timm
import torch
from torch.library import opcheck

from singerprint import _C
from singerprint.models import EfficientNet


def timm_network(reference, in_channels):
    variant = f"efficientnet_b{0 if len(reference.features[1]) == 1 else 4}"
    network = timm.create_model(
        variant, num_classes=reference.classifier[1].out_features, in_chans=in_channels
    )
    # Both list their tensors in the order of computation, under different keys.
    state = dict(zip(network.state_dict(), reference.state_dict().values(), strict=True))
    network.load_state_dict(state)
    return network


def spectrograms_for(network, generator, *, batch=3, mels=40, frames=33, dtype=torch.float64):
    return torch.randn(batch, network.in_channels, mels, frames, generator=generator, dtype=dtype)


def assert_equal_training(ours, reference, spectrograms, tolerance, of_one_tensor):
    """One training step: embeddings, gradients (by their norms) and buffers; the reference in float64.

    Relative errors: tolerance for the embeddings and buffers, 10 * tolerance for the gradient as a whole, and
    of_one_tensor for the part of it that belongs to one tensor.
    """
    weights = torch.linspace(-1, 1, ours.embedding_dim, dtype=torch.float64)
    mine, other = ours(spectrograms.to(ours.dtype)).double(), reference(spectrograms)
    assert (mine - other).norm() <= tolerance * other.norm()
    (mine * weights).sum().backward()
    (other * weights).sum().backward()
    gradients = torch.cat([parameter.grad.flatten() for parameter in ours.parameters()])
    expected = torch.cat([parameter.grad.flatten() for parameter in reference.parameters()])
    assert (gradients - expected).norm() <= 10 * tolerance * expected.norm()
    compared = 0
    for (name, parameter), other in zip(ours.named_parameters(), reference.parameters(), strict=True):
        if other.grad.norm() > 1e-9 * expected.norm():
            assert (parameter.grad - other.grad).norm() <= of_one_tensor * other.grad.norm(), name
            compared += 1
    # All but the shifts of the blocks' last batch norms: the next batch norm takes them out, their gradient
    # is 0.
    assert compared >= len(list(ours.parameters())) - len(_C.efficientnet_shortcuts(ours.variant))
    for (name, mine), other in zip(ours.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(mine.to(other.dtype), other, rtol=tolerance, atol=tolerance, msg=name)


def test_training_of_b4_equals_torchvision(b4_pair, generator):
    ours, reference = b4_pair
    # Twice as many layers as B0.
    assert_equal_training(ours, reference, spectrograms_for(ours, generator), 1e-10, of_one_tensor=1e-9)


def test_training_equals_torchvision(pair, generator):
    ours, reference = pair
    # float64 has 2e-16: some hundred thousand roundings and the division by small variances leave 1e-11.
    assert_equal_training(ours, reference, spectrograms_for(ours, generator), 1e-11, of_one_tensor=1e-10)


def test_training_equals_timm(pair, generator):
    ours, reference = pair
    other = timm_network(reference, ours.in_channels).double().train()
    assert_equal_training(ours, other, spectrograms_for(ours, generator), 1e-11, of_one_tensor=1e-10)


def test_training_in_float32_equals_torchvision(pair, generator):
    ours, reference = pair[0].float(), pair[1]
    spectrograms = spectrograms_for(ours, generator, batch=4, mels=96, frames=97)
    # The promise: embeddings within 1e-5, gradients within 1e-4, relative. Most of it is used up by PyTorch's
    # channels_last batch norm, which adds the values of a channel up one by one in float32: torchvision's own
    # network is as far away in that format. For a single tensor up to 1.3e-4 was seen, over 8 sets of
    # weights.
    assert_equal_training(ours, reference, spectrograms, 1e-5, of_one_tensor=5e-4)


@pytest.mark.parametrize("grad", [True, False], ids=["batch norm", "folded"])
def test_eval_equals_torchvision_with_real_statistics(fitted_pair, generator, grad):
    ours, reference = fitted_pair
    spectrograms = spectrograms_for(ours, generator, dtype=torch.float32)
    with torch.set_grad_enabled(grad):
        expected = reference(spectrograms)
        assert (expected[0] - expected[1]).abs().max() > 0.1  # there is something to compare
        torch.testing.assert_close(ours(spectrograms), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("grad", [True, False], ids=["batch norm", "native"])
def test_eval_of_b4_equals_torchvision_and_timm(fitted_b4_pair, generator, grad):
    ours, reference = fitted_b4_pair
    references = [timm_network(reference, ours.in_channels).double().eval(), reference.double()]
    for mels, frames in [(40, 33), (80, 44), (33, 1)]:
        spectrograms = spectrograms_for(ours, generator, batch=2, mels=mels, frames=frames)
        with torch.set_grad_enabled(grad):
            result = ours(spectrograms.float())
        for other in references:
            with torch.no_grad():
                expected = other(spectrograms)
            assert (result - expected).norm() <= 1e-5 * expected.norm()  # the promise


@pytest.mark.parametrize("variant", ["efficientnet_b0", "efficientnet_b4"])
def test_key_order_and_shapes_are_torchvisions(torchvision_network, variant):
    ours = EfficientNet(3, 24, variant=variant).state_dict()
    reference = torchvision_network(3, variant=variant).state_dict()
    assert [(key, tensor.shape, tensor.dtype) for key, tensor in ours.items()] == [
        (key, tensor.shape, tensor.dtype) for key, tensor in reference.items()
    ]


def arguments(network, spectrograms, training=False):
    parameters = [parameter.detach().clone() for parameter in network.parameters()]
    statistics = [
        buffer.clone() for name, buffer in network.named_buffers() if "num_batches_tracked" not in name
    ]
    return [spectrograms, parameters, statistics, training, 0.1, 1e-5]


def test_opcheck(network, spectrograms):
    # In training mode, in which the op changes its arguments. Traced, it is PyTorch's operators, whose
    # float32 batch norms round otherwise than the native training: those are compared in float64.
    op = torch.ops.singerprint.efficientnet_b0.default
    opcheck(op, arguments(network.double(), spectrograms.double(), training=True))
    native = arguments(network.float(), spectrograms, training=True)
    opcheck(op, native, test_utils=("test_schema", "test_autograd_registration", "test_faketensor"))


@pytest.mark.parametrize("training", [True, False])
def test_gradcheck_of_input_and_of_some_parameters(network, generator, training):
    # 6 x 2 x 2 values a channel: with fewer, the batch norms are too steep for differences.
    spectrograms = torch.randn(6, 1, 36, 40, generator=generator, dtype=torch.float64, requires_grad=True)
    values = arguments(network.double(), spectrograms, training)
    chosen = ["features.0.1.weight", "features.1.0.block.1.fc1.bias", "features.4.0.block.1.1.bias"]
    places = [[name for name, _ in network.named_parameters()].index(name) for name in chosen]

    def embed(spectrograms, *replaced):
        parameters = list(values[1])
        for place, tensor in zip(places, replaced, strict=True):
            parameters[place] = tensor
        statistics = [tensor.clone() for tensor in values[2]]
        return torch.ops.singerprint.efficientnet_b0(spectrograms, parameters, statistics, *values[3:])

    inputs = [values[1][place].clone().requires_grad_() for place in places]
    assert torch.autograd.gradcheck(embed, (spectrograms, *inputs), fast_mode=True)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_clips_of_a_batch_do_not_meet_in_eval_mode(network, generator, batch):
    spectrograms = torch.randn(batch, 1, 33, 41, generator=generator)
    alone = torch.cat([network(clip) for clip in spectrograms.split(1)])
    torch.testing.assert_close(network(spectrograms), alone, rtol=0, atol=1e-5)  # the project's promise


def test_non_contiguous_input_gives_the_same(network, generator):
    spectrograms = torch.randn(2, 33, 41, 2, generator=generator).permute(0, 3, 2, 1)[:, :1]
    with torch.no_grad():
        assert torch.equal(network(spectrograms), network(spectrograms.contiguous()))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 1, 3), (1, 1, 33, 1)])
def test_the_smallest_spectrograms_are_embedded(network, shape):
    assert network(torch.ones(shape)).isfinite().all()


def replaced(values, place, tensor):
    return [*values[:place], tensor, *values[place + 1 :]]


BAD_SPECTROGRAMS = [
    (
        torch.ones(1, 40, 33),
        ValueError,
        "efficientnet_b0: spectrograms must have shape (batch, channels, mels, frames), got [1, 40, 33]",
    ),
    (
        torch.ones(2, 3, 40, 33),
        ValueError,
        "efficientnet_b0: spectrograms must have shape (batch, channels, mels, frames) with channels = 1, "
        "got [2, 3, 40, 33]",
    ),
    (
        torch.ones(0, 1, 40, 33),
        ValueError,
        "efficientnet_b0: spectrograms must hold at least one clip, mel and frame, got [0, 1, 40, 33]",
    ),
    (
        torch.ones(2, 1, 40, 0),
        ValueError,
        "efficientnet_b0: spectrograms must hold at least one clip, mel and frame, got [2, 1, 40, 0]",
    ),
    (
        torch.ones(2, 1, 40, 33, dtype=torch.int64),
        TypeError,
        "efficientnet_b0: spectrograms must have a floating point dtype, got Long",
    ),
    (
        torch.ones(2, 1, 40, 33, dtype=torch.float64),
        TypeError,
        "efficientnet_b0: features.0.0.weight must have dtype Double, got Float",
    ),
    (
        torch.ones(2, 1, 40, 33, device="meta"),
        ValueError,
        "efficientnet_b0: features.0.0.weight must be on the device meta, got cpu",
    ),
]


@pytest.mark.parametrize(("spectrograms", "error", "sentence"), BAD_SPECTROGRAMS)
def test_bad_spectrograms_are_named(network, spectrograms, error, sentence):
    with pytest.raises(error) as caught:
        network(spectrograms)
    assert str(caught.value) == sentence


def test_one_value_per_channel_is_no_batch_to_train_on(network):
    network.train()(torch.ones(1, 1, 33, 32))
    with pytest.raises(ValueError) as caught:
        network(torch.ones(1, 1, 32, 32))
    assert str(caught.value) == (
        "efficientnet_b0: spectrograms must have more than 32 mels or frames to train on a single clip, "
        "got [1, 1, 32, 32]"
    )


def without_last(values, place):
    return replaced(values, place, values[place][:-1])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda values: without_last(values, 1),
            "efficientnet_b0: parameters must be 213 tensors, got 212",
        ),
        (
            lambda values: replaced(values, 1, []),
            "efficientnet_b0: parameters must be 213 tensors, got 0",
        ),
        (
            lambda values: without_last(values, 2),
            "efficientnet_b0: running_statistics must be 98 tensors, got 97",
        ),
        (
            lambda values: replaced(values, 1, [values[1][0], torch.ones(33), *values[1][2:]]),
            "efficientnet_b0: features.0.1.weight must have shape [32], got [33]",
        ),
        (
            lambda values: replaced(values, 2, [torch.ones(31), *values[2][1:]]),
            "efficientnet_b0: features.0.1.running_mean must have shape [32], got [31]",
        ),
        (lambda values: replaced(values, 4, 1.5), "efficientnet_b0: momentum must lie in [0, 1], got 1.5"),
        (lambda values: replaced(values, 5, 0.0), "efficientnet_b0: eps must be positive, got 0"),
    ],
)
def test_bad_arguments_are_named(network, spectrograms, spoil, sentence):
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.efficientnet_b0(*spoil(arguments(network, spectrograms)))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((0, 1000), "efficientnet_b0: in_channels must be at least 1, got 0"),
        ((1, -1), "efficientnet_b0: embedding_dim must be at least 1, got -1"),
    ],
)
def test_bad_sizes_are_named(sizes, sentence):
    with pytest.raises(ValueError) as caught:
        EfficientNet(*sizes)
    assert str(caught.value) == sentence
