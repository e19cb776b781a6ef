import pytest
import torch

from singerprint.models import PerceptronProjection, Projection


def reference(embeddings, weight, bias):
    return (embeddings * torch.sigmoid(embeddings)) @ weight.t() + bias


@pytest.mark.parametrize("batch", [0, 1, 5])
@pytest.mark.parametrize("l2_normalize", [True, False])
def test_equals_the_formula(generator, batch, l2_normalize):
    projection = Projection(11, 4, l2_normalize=l2_normalize)
    embeddings = torch.randn(batch, 11, generator=generator)
    expected = reference(embeddings, projection.linear.weight, projection.linear.bias)
    if l2_normalize:
        expected = expected / expected.norm(dim=1, keepdim=True)
    # Sums of 11 products in float32.
    torch.testing.assert_close(projection(embeddings), expected, rtol=1e-5, atol=11 * 2**-24)


def test_a_projection_of_length_zero_stays_finite():
    projection = Projection(3, 2)
    torch.nn.init.zeros_(projection.linear.bias)
    assert torch.equal(projection(torch.zeros(1, 3)), torch.zeros(1, 2))


def test_the_seed_alone_gives_the_initial_weights():
    before = torch.random.get_rng_state()
    first, again, other = Projection(seed=1), Projection(seed=1), Projection(seed=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.linear.weight, again.linear.weight)
    assert not torch.equal(first.linear.weight, other.linear.weight)
    assert 0.99 / 1000**0.5 < first.linear.weight.abs().max() <= 1 / 1000**0.5


def test_gradcheck(generator):
    projection = Projection(5, 3).double()
    embeddings = torch.randn(2, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(projection, embeddings)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((0, 4), "projection: in_dim must be at least 1, got 0"),
        ((4, -1), "projection: out_dim must be at least 1, got -1"),
    ],
)
def test_a_bad_length_is_named(sizes, sentence):
    with pytest.raises(ValueError) as caught:
        Projection(*sizes)
    assert str(caught.value) == sentence


def test_a_perceptron_projection_equals_the_formula(generator):
    projection = PerceptronProjection(5, 8, 3, seed=1)
    embeddings = torch.randn(6, 5, generator=generator)
    hidden = embeddings
    for place in (0, 3):
        linear, norm = projection.layers[place], projection.layers[place + 1]
        hidden = linear(hidden)
        mean, variance = hidden.mean(dim=0), hidden.var(dim=0, correction=0)
        hidden = ((hidden - mean) / (variance + norm.eps).sqrt() * norm.weight + norm.bias).relu()
    expected = hidden @ projection.layers[6].weight.t()
    expected = expected / expected.norm(dim=1, keepdim=True)
    # Sums of 8 products in float32, and two divisions by deviations.
    torch.testing.assert_close(projection(embeddings), expected, rtol=1e-5, atol=1e-5)


def test_the_perceptron_projection_has_the_published_number_of_weights():
    assert sum(parameter.numel() for parameter in PerceptronProjection().parameters()) == 5_249_024


def test_the_seed_alone_gives_the_weights_of_a_perceptron():
    before = torch.random.get_rng_state()
    first, again, other = (PerceptronProjection(4, 6, 2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.layers[0].weight, again.layers[0].weight)
    assert not torch.equal(first.layers[0].weight, other.layers[0].weight)


def test_a_bad_length_of_a_perceptron_is_named():
    with pytest.raises(ValueError) as caught:
        PerceptronProjection(4, hidden_dim=0)
    assert str(caught.value) == "perceptron_projection: hidden_dim must be at least 1, got 0"
