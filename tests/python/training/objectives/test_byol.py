import copy

import pytest
import torch

from singerprint.models import SingerEncoder
from singerprint.training.objectives.byol import Byol


@pytest.fixture(scope="module")
def encoder():
    return SingerEncoder.untrained(seed=0).train()


@pytest.fixture
def views():
    return torch.randn(2, 4, 8192, generator=torch.Generator().manual_seed(0))


def test_byol_is_two_minus_two_cosines_averaged_over_both_directions(encoder, views):
    objective = Byol(encoder, weight=0.5, initial_tau=0.99).train()
    predictions = objective.predictor(objective.projection(encoder(torch.cat(list(views))))).chunk(2)
    targets = objective.target_projection(objective.target_encoder(torch.cat(list(views)))).chunk(2)
    cosine = torch.nn.functional.cosine_similarity
    expected = sum(
        (2 - 2 * cosine(predictions[i].double(), targets[1 - i].double())).mean() / 2 for i in (0, 1)
    )
    loss = objective(encoder, *views, torch.arange(4))
    # Cosines of 128 float32 products; the loss is of order 1.
    torch.testing.assert_close(loss.terms["byol"].double(), expected, rtol=1e-5, atol=1e-6)
    assert loss.total == 0.5 * loss.terms["byol"]


def test_the_default_weight_makes_it_the_mean_squared_error_of_the_release(encoder, views, small_config):
    # ssl-singer-identity: nn.MSELoss() between projections of length 1, both directions, halved
    config = small_config(objective="byol")
    objective = Byol(encoder, config.recipe.weights["byol"], config.initial_tau).train()
    waveforms = torch.cat(list(views))
    unit = torch.nn.functional.normalize
    predictions = unit(objective.predictor(objective.projection(encoder(waveforms))).double())
    targets = unit(objective.target_projection(objective.target_encoder(waveforms)).double())
    expected = torch.nn.functional.mse_loss(predictions, targets.roll(4, dims=0))
    # 2 - 2 cos of order 1 in float32, over 128: a few 1e-7 / 128.
    loss = objective(encoder, *views, torch.arange(4)).total
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-8)


def test_the_target_stays_in_eval_mode_and_gets_no_gradient(encoder, views):
    objective = Byol(encoder, weight=1.0, initial_tau=0.99).train()
    assert not any(module.training for module in objective.target_encoder.modules())
    objective(encoder, *views, torch.arange(4)).total.backward()
    assert all(parameter.grad is None for parameter in objective.target_encoder.parameters())
    assert all(parameter.grad is not None for parameter in objective.predictor.parameters())


def test_the_target_moves_by_one_minus_tau(encoder):
    objective = Byol(encoder, weight=1.0, initial_tau=0.9)
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
