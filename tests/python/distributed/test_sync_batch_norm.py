import pytest
import torch
from tests.python.distributed.rank_processes import run_on_ranks
from torch import nn

from singerprint.distributed import SyncBatchNorm1d, rank, rank_count, synchronise_batch_norm

BATCH, FEATURES, STEPS = 8, 5, 3
OPTIONS = {
    "default": {},
    "mean of all batches": {"momentum": None},
    "not affine": {"affine": False},
    "not tracked": {"track_running_stats": False},
    "float32": {"dtype": torch.float32},
}


def trained(options):
    """A head after a few steps on this process's rows: what came out, gradients, and the state."""
    dtype = options.get("dtype", torch.float64)
    torch.manual_seed(0)
    head = nn.Sequential(nn.BatchNorm1d(FEATURES, **options | {"dtype": dtype}))
    if head[0].affine:
        nn.init.normal_(head[0].weight)
        nn.init.normal_(head[0].bias)
    head = synchronise_batch_norm(head)
    generator = torch.Generator().manual_seed(1)
    # Means far from 0 of the deviation's size: what one pass over squares would lose.
    inputs, weights = 1 + torch.randn(2, STEPS, BATCH, FEATURES, generator=generator, dtype=dtype)
    share = slice(rank() * BATCH // rank_count(), (rank() + 1) * BATCH // rank_count())
    rows = inputs[:, share].clone().requires_grad_()
    outputs = torch.stack([head(step) for step in rows])
    (outputs * weights[:, share]).sum().backward()
    head.eval()
    return {
        "outputs": outputs.detach(),
        "in eval mode": head(rows[0]).detach(),
        "rows": rows.grad,
        "parameters": [parameter.grad for parameter in head.parameters()],
        "state": head.state_dict(),
    }


def every_case():
    return {name: trained(options) for name, options in OPTIONS.items()}


@pytest.fixture(scope="module", params=[1, 4])
def cases(request, tmp_path_factory):
    return run_on_ranks(request.param, every_case, tmp_path_factory.mktemp("ranks") / "run")


@pytest.mark.parametrize("name", OPTIONS)
def test_it_is_batch_norm_of_the_global_batch(cases, name):
    expected = trained(OPTIONS[name])  # outside a group: torch.nn.BatchNorm1d
    # Sums of 8 numbers near 1 in another order; float32 has an epsilon of 1.2e-7, and gradients cancel.
    tolerance = {"rtol": 0, "atol": 1e-5 if name == "float32" else 1e-12}
    for place in ("outputs", "rows"):
        actual = torch.cat([case[name][place] for case in cases], dim=1)
        torch.testing.assert_close(actual, expected[place], **tolerance)
    for number, gradient in enumerate(expected["parameters"]):
        actual = sum(case[name]["parameters"][number] for case in cases)
        torch.testing.assert_close(actual, gradient, **tolerance)
    for case in cases:
        assert case[name]["state"].keys() == expected["state"].keys()
        for key, value in expected["state"].items():
            torch.testing.assert_close(case[name]["state"][key], value, **tolerance)


@pytest.mark.parametrize("name", ["default", "mean of all batches"])
def test_eval_mode_uses_the_running_statistics_alone(cases, name):
    actual = torch.cat([case[name]["in eval mode"] for case in cases])
    torch.testing.assert_close(actual, trained(OPTIONS[name])["in eval mode"], rtol=0, atol=1e-12)


def test_outside_a_process_group_it_is_batch_norm_to_the_bit(generator):
    rows = torch.randn(4, 3, generator=generator)
    ours, theirs = SyncBatchNorm1d(3), nn.BatchNorm1d(3)
    assert torch.equal(ours(rows), theirs(rows))
    assert torch.equal(ours.running_var, theirs.running_var)


def test_conversion_keeps_the_tensors_and_leaves_other_layers():
    head = nn.Sequential(
        nn.Linear(2, 3), nn.ModuleDict({"norm": nn.BatchNorm1d(3)}), nn.BatchNorm2d(3)
    ).eval()
    parameters, state = list(head.parameters()), head.state_dict()
    converted = synchronise_batch_norm(head)
    assert converted is head
    assert type(head[1]["norm"]) is SyncBatchNorm1d
    assert type(head[2]) is nn.BatchNorm2d
    assert not head[1]["norm"].training
    assert all(a is b for a, b in zip(parameters, head.parameters(), strict=True))
    assert head.state_dict().keys() == state.keys()
    nn.BatchNorm1d(3).load_state_dict(head[1]["norm"].state_dict())
