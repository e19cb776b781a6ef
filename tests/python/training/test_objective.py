import copy
import math

import pytest
import torch

from singerprint.models import SingerEncoder
from singerprint.training.objectives import build_objective
from singerprint.training.objectives.byol import Byol

SAMPLES = 8192


@pytest.fixture(scope="module")
def encoder():
    return SingerEncoder.untrained(seed=0).train()


@pytest.fixture
def views():
    return torch.randn(2, 4, SAMPLES, generator=torch.Generator().manual_seed(0))


def test_contrastive_is_the_cross_entropy_over_both_views(encoder, views):
    objective = Contrastive(encoder, temperature=0.2)
    z = objective.projection(encoder(torch.cat(list(views)))).double()
    similarity = torch.nn.functional.normalize(z) @ torch.nn.functional.normalize(z).T / 0.2
    similarity.fill_diagonal_(-math.inf)
    partner = torch.arange(8).roll(4)
    expected = torch.nn.functional.cross_entropy(similarity, partner)
    # The network runs twice, bit-equal; a float32 loss of 256 float32 products a pair: a few 1e-6.
    torch.testing.assert_close(objective(encoder, *views).double(), expected, rtol=1e-5, atol=0)


def test_byol_is_two_minus_two_cosines_averaged_over_both_directions(encoder, views):
    objective = Byol(encoder, initial_tau=0.99).train()
    predictions = objective.predictor(objective.projection(encoder(torch.cat(list(views))))).chunk(2)
    targets = objective.target_projection(objective.target_encoder(torch.cat(list(views)))).chunk(2)
    cosine = torch.nn.functional.cosine_similarity
    expected = sum(
        (2 - 2 * cosine(predictions[i].double(), targets[1 - i].double())).mean() / 2 for i in (0, 1)
    )
    # Cosines of 128 float32 products; the loss is of order 1.
    torch.testing.assert_close(objective(encoder, *views).double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["contrastive", "byol"])
def test_the_loss_of_two_views_falls_when_it_is_followed(small_config, views, kind):
    config = small_config(objective=kind)
    encoder = SingerEncoder.untrained(seed=0).train()
    objective = build_objective(config, encoder).train()
    trained = [p for p in [*encoder.parameters(), *objective.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=1e-3)
    losses = []
    for step in range(8):
        loss = objective(encoder, *views)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        objective.after_step(encoder, step / 8)
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_the_target_stays_in_eval_mode_and_gets_no_gradient(encoder, views):
    objective = Byol(encoder, initial_tau=0.99).train()
    assert not any(module.training for module in objective.target_encoder.modules())
    objective(encoder, *views).backward()
    assert all(parameter.grad is None for parameter in objective.target_encoder.parameters())
    assert all(parameter.grad is not None for parameter in objective.predictor.parameters())


def test_the_target_moves_by_one_minus_tau(encoder):
    objective = Byol(encoder, initial_tau=0.9)
    online = copy.deepcopy(encoder)
    with torch.no_grad():
        for value in online.state_dict().values():
            value.add_(1)
    before = {name: value.clone() for name, value in objective.target_encoder.state_dict().items()}
    objective.after_step(online, share=0.0)  # tau is 0.9 at the start
    for name, value in objective.target_encoder.state_dict().items():
        if value.is_floating_point():
            # One lerp in float32 of values up to about 5.
            torch.testing.assert_close(value, before[name] + 0.1, rtol=0, atol=2e-6)
        else:
            assert torch.equal(value, before[name] + 1)
    frozen = {name: value.clone() for name, value in objective.target_encoder.state_dict().items()}
    objective.after_step(online, share=1.0)  # tau is 1 at the end
    state = objective.target_encoder.state_dict()
    assert all(torch.equal(value, frozen[name]) for name, value in state.items() if "num_batches" not in name)


def test_the_seed_gives_the_projection(small_config, encoder):
    first, second, other = (
        build_objective(small_config(objective="byol", seed=seed), encoder).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    for name in ("projection.linear.weight", "predictor.0.weight"):
        assert not torch.equal(first[name], other[name])
