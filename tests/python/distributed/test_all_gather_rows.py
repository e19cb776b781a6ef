import pytest
import torch
from tests.python.distributed.gradient_cases import (
    BATCH,
    GATHERED,
    LOSSES,
    gradients,
    own_views,
    values_of_given_embeddings,
)
from tests.python.distributed.rank_processes import run_on_ranks

from singerprint.distributed import all_gather_rows, rank, rank_count

RANKS = (1, 2, 4)


def every_case():
    """All that the tests look at, in one start of the processes."""
    number, ranks = rank(), rank_count()
    wide = torch.arange(24.0).reshape(4, 6)[:, ::2] + 100 * number  # not contiguous
    integers = all_gather_rows(torch.tensor([number, -number]))
    with torch.no_grad():
        silent = all_gather_rows(own_views()[0])
    rows = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    gathered = all_gather_rows(rows)
    # The gradient of result[i] on rank r is i + 10 r: its rows receive the sum over r.
    places = torch.arange(2.0 * ranks, dtype=torch.float64)[:, None] + 10 * number
    gathered.backward(places.expand(-1, 3))
    return {
        "not contiguous": all_gather_rows(wide),
        "integers": integers,
        "views": silent,
        "no rows": list(all_gather_rows(torch.empty(0, 3)).shape),
        "half": all_gather_rows(torch.full((1, 2), number, dtype=torch.bfloat16)),
        "summed": rows.grad,
        "gradients": gradients(),
        "values": values_of_given_embeddings(),
    }


@pytest.fixture(scope="module", params=RANKS)
def cases(request, tmp_path_factory):
    """Of each rank, its results."""
    return run_on_ranks(request.param, every_case, tmp_path_factory.mktemp("ranks") / "run")


@pytest.fixture(scope="module")
def single():
    """The results of this process alone, on the whole batch."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the ranks do: a matrix product's last bits may depend on it
    yield {"gradients": gradients(), "values": values_of_given_embeddings()}
    torch.set_num_threads(threads)


def assert_equal_to(actual, expected, size):
    # float64 sums of some tens of products, in another order: a few 1e-16 of the largest that go in.
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12 * size)


def test_every_rank_has_all_rows_in_the_order_of_the_ranks(cases):
    torch.manual_seed(0)
    first = torch.randn(2, BATCH, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)[0]
    wide = [torch.arange(24.0).reshape(4, 6)[:, ::2] + 100 * number for number in range(len(cases))]
    for case in cases:
        assert torch.equal(case["views"], first)
        assert torch.equal(case["not contiguous"], torch.cat(wide))
        assert case["integers"].tolist() == [sign * r for r in range(len(cases)) for sign in (1, -1)]
        assert case["half"].tolist() == [[r, r] for r in range(len(cases))]
        assert case["no rows"] == [0, 3]


def test_rows_receive_the_sum_of_the_gradients_of_all_ranks(cases):
    ranks = len(cases)
    for number, case in enumerate(cases):
        expected = [sum(2 * number + row + 10 * r for r in range(ranks)) for row in range(2)]
        assert case["summed"][:, 0].tolist() == expected


@pytest.mark.parametrize("loss", GATHERED)
def test_a_loss_of_gathered_rows_is_that_of_one_process_to_the_bit(cases, single, loss):
    assert all(torch.equal(case["values"][loss], single["values"][loss]) for case in cases)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_one_process(cases, single, loss):
    expected = single["gradients"][loss]
    size = max(gradient.abs().max().item() for gradient in expected.values())
    for case in cases:
        actual = case["gradients"][loss]
        assert actual.keys() - expected.keys() == {"of DistributedDataParallel"}
        for name in expected.keys() - {"rows", "value"}:
            assert_equal_to(actual[name], expected[name], size)
        assert_equal_to(actual["of DistributedDataParallel"], expected["projection.weight"], size)
    # The mean over ranks is taken where gradients of parameters are: rows have their own, times the ranks.
    rows = torch.cat([case["gradients"][loss]["rows"] for case in cases], dim=1) / len(cases)
    assert_equal_to(rows, expected["rows"], size)
    values = torch.stack([case["gradients"][loss]["value"] for case in cases])
    assert_equal_to(values.mean(), expected["value"], size)


@pytest.mark.parametrize("loss", LOSSES)
def test_averaged_gradients_have_the_same_bits_on_every_rank(cases, loss):
    first = cases[0]["gradients"][loss]
    for case in cases:
        for name in first.keys() - {"rows", "value"}:
            assert torch.equal(case["gradients"][loss][name], first[name])


def test_outside_a_process_group_the_rows_are_the_result():
    rows = torch.randn(3, 2, requires_grad=True)
    assert all_gather_rows(rows) is rows


def test_a_number_has_no_rows():
    with pytest.raises(ValueError) as caught:
        all_gather_rows(torch.tensor(1.0))
    assert str(caught.value) == "all_gather_rows: rows must have shape (batch, dim), got []"
