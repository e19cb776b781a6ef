"""Every objective as its name builds it: weights, modules, seed, and that it can be followed downhill."""

import pytest
import torch

from singerprint.models import PerceptronProjection, SingerEncoder
from singerprint.training import RECIPES
from singerprint.training.objectives import build_objective

SINGERS = torch.tensor([0, 1, 2, 1])


@pytest.fixture(scope="module")
def encoder():
    return SingerEncoder.untrained(seed=0).train()


@pytest.fixture
def views():
    return torch.randn(2, 4, 8192, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", RECIPES)
def test_the_loss_of_two_views_falls_when_it_is_followed(small_config, views, name):
    config = small_config(objective=name)
    encoder = SingerEncoder.untrained(seed=0).train()
    objective = build_objective(config, encoder).train()
    trained = [p for p in [*encoder.parameters(), *objective.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=1e-3)
    losses = []
    for step in range(8):
        loss = objective(encoder, *views, SINGERS).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        objective.after_step(encoder, step / 8)
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.25 * abs(losses[0])


@pytest.mark.parametrize("name", RECIPES)
def test_the_total_is_the_sum_of_the_terms_times_the_weights_of_the_configuration(
    small_config, encoder, views, name
):
    terms = RECIPES[name].weights
    weights = {term: 0.5 + number for number, term in enumerate(terms)}
    objective = build_objective(small_config(objective=name, weights=weights), encoder)
    loss = objective(encoder, *views, SINGERS)
    assert list(loss.terms) == list(terms)
    expected = sum(weights[term] * value.item() for term, value in loss.terms.items())
    # At most three float32 products added.
    assert loss.total.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("simclr", ["projection.linear.weight"]),
        ("byol", ["projection.linear.weight", "predictor.0.weight"]),
        ("singer_contrastive", ["projection.layers.0.weight", "projection.layers.6.weight"]),
    ],
)
def test_the_seed_gives_the_modules(small_config, encoder, name, layers):
    first, second, other = (
        build_objective(small_config(objective=name, seed=seed), encoder).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert not any(torch.equal(first[layer], other[layer]) for layer in layers)


def test_the_perceptron_is_that_of_the_paper():
    # real-cloned-singer-id, foundation/model.py: 2048-1024-BN-ReLU-1024-BN-ReLU-2048, the last without bias
    projection = PerceptronProjection(2048)
    assert sum(parameter.numel() for parameter in projection.parameters()) == 5_249_024
    rows = projection(torch.randn(3, 2048, generator=torch.Generator().manual_seed(0)))
    assert rows.shape == (3, 2048)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3), rtol=1e-6, atol=0)  # 2048 float32 squares


def test_no_global_generator_is_touched(small_config, encoder):
    state = torch.get_rng_state()
    for name in RECIPES:
        build_objective(small_config(objective=name), encoder)
    assert torch.equal(torch.get_rng_state(), state)
