"""SingerClassifier: that its scale is what lets it learn, and how segments make a track."""

import math

import pytest
import torch
from torch.nn import functional

from singerprint.models import SingerClassifier, pool_segments

SINGERS, DIM = 30, 16


def least_cross_entropy(singers):
    """Of logits of length 1: all of it that the right entry may lead the others by, exp(lead) to 1 each."""
    lead = math.sqrt(singers / (singers - 1))
    return math.log1p((singers - 1) * math.exp(-lead))


def segments(generator, count, spread=0.6):
    """Embeddings of `count` segments of each singer, around a centre of their own."""
    centres = 3 * torch.randn(SINGERS, DIM, generator=torch.Generator().manual_seed(1))
    singers = torch.arange(SINGERS).repeat_interleave(count)
    return centres[singers] + spread * torch.randn(len(singers), DIM, generator=generator), singers


def trained(generator, fixed_scale=None, steps=60):
    """By the paper's optimiser, Adam with a rate of 0.01; `fixed_scale` 1 is the published classifier."""
    classifier = SingerClassifier(DIM, SINGERS, hidden_dim=64, scale=fixed_scale or 30.0).train()
    classifier.log_scale.requires_grad_(fixed_scale is None)
    optimizer = torch.optim.Adam([p for p in classifier.parameters() if p.requires_grad], lr=0.01)
    embeddings, singers = segments(generator, count=6)
    for _ in range(steps):
        loss = functional.cross_entropy(classifier(embeddings), singers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return classifier.eval()


def test_equals_the_formula(generator):
    classifier = SingerClassifier(DIM, 5, hidden_dim=8, scale=7.0).eval()
    embeddings = torch.randn(3, DIM, generator=generator)
    directions = classifier.layers(embeddings)
    expected = 7.0 * directions / directions.norm(dim=1, keepdim=True)
    torch.testing.assert_close(classifier(embeddings), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("singers", "expected"), [(100, 0.027), (1000, 0.0027), (7500, 0.00036)])
def test_without_a_scale_no_singer_is_likely(singers, expected):
    """The best unit vector there is, found by going downhill: the docstring's bound."""
    assert math.exp(-least_cross_entropy(singers)) == pytest.approx(expected, rel=0.02)  # of two digits
    logits = torch.zeros(singers, dtype=torch.float64).index_fill(0, torch.tensor([0]), 1.0).requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=1.0)
    for _ in range(200):
        loss = functional.cross_entropy(functional.normalize(logits, dim=0), torch.tensor(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(least_cross_entropy(singers), rel=1e-4)
    assert loss.item() >= least_cross_entropy(singers) - 1e-9


def test_with_a_learned_scale_it_learns_what_it_cannot_without(generator):
    embeddings, singers = segments(torch.Generator().manual_seed(2), count=2)  # unheard segments
    scaled, published = trained(generator), trained(generator, fixed_scale=1.0)
    with torch.no_grad():
        losses = [functional.cross_entropy(head(embeddings), singers) for head in (scaled, published)]
        sure = scaled.identify(embeddings, count=1)
    assert losses[0] < 0.1
    assert losses[1] > least_cross_entropy(SINGERS) > 2.4
    assert (sure.singers[:, 0] == singers).float().mean() > 0.98
    assert sure.log_probabilities.exp().mean() > 0.9
    assert scaled.log_scale.item() != pytest.approx(math.log(30.0), abs=1e-3)  # it was learned


def test_segments_of_a_track_are_surer_than_each_alone(generator):
    classifier = trained(generator)
    embeddings, singers = segments(torch.Generator().manual_seed(3), count=5, spread=2.0)
    tracks = torch.arange(SINGERS).repeat_interleave(5)
    alone, together = classifier.identify(embeddings), classifier.identify(embeddings, tracks)
    hits = [
        (found.singers[:, :count] == right[:, None]).any(dim=1).float().mean()
        for found, right in ((alone, singers), (together, torch.arange(SINGERS)))
        for count in (1, 5)
    ]
    assert hits[0] + 0.05 < hits[2]  # top 1: segments, tracks
    assert hits[1] < hits[3]  # top 5
    assert together.singers.shape == together.log_probabilities.shape == (SINGERS, 5)
    assert (together.log_probabilities.diff(dim=1) <= 0).all()
    assert not together.log_probabilities.requires_grad


def test_pooling_is_the_geometric_mean(generator):
    segments = torch.rand(4, 3, generator=generator, dtype=torch.float64)
    segments = segments / segments.sum(dim=1, keepdim=True)
    expected = torch.stack([segments[[0, 2, 3]].prod(dim=0) ** (1 / 3), segments[1]])
    expected = expected / expected.sum(dim=1, keepdim=True)
    found = pool_segments(segments.log(), torch.tensor([0, 1, 0, 0]))
    torch.testing.assert_close(found.exp(), expected)


def test_one_segment_is_its_own_track(generator):
    log_probabilities = torch.randn(3, 4, generator=generator).log_softmax(dim=1)
    # The logarithm of a sum that is 1 is taken off once more.
    torch.testing.assert_close(
        pool_segments(log_probabilities, torch.arange(3)), log_probabilities, rtol=0, atol=1e-6
    )


def test_gradcheck(generator):
    classifier = SingerClassifier(3, 4, hidden_dim=5).double().eval()
    embeddings = torch.randn(2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    parameters = dict(classifier.named_parameters())

    def logits(embeddings, log_scale):
        return torch.func.functional_call(classifier, parameters | {"log_scale": log_scale}, embeddings)

    assert torch.autograd.gradcheck(logits, (embeddings, classifier.log_scale))


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"singers": 1}, "singer_classifier: singers must be at least 2, got 1"),
        ({"in_dim": 0}, "singer_classifier: in_dim must be at least 1, got 0"),
        ({"scale": 0.0}, "singer_classifier: scale must be positive and finite, got 0.0"),
        ({"scale": math.nan}, "singer_classifier: scale must be positive and finite, got nan"),
    ],
)
def test_bad_sizes_are_named(sizes, sentence):
    with pytest.raises(ValueError) as caught:
        SingerClassifier(**{"in_dim": 4, "singers": 3} | sizes)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("tracks", "sentence"),
    [
        ([0, 1], "pool_segments: tracks must have shape (segments,) with segments = 3, got [2]"),
        ([0, -1, 1], "pool_segments: tracks must be numbers from 0, got [0, -1, 1]"),
        ([0, 2, 2], "pool_segments: tracks must leave no number out, got no segment of track 1"),
    ],
)
def test_bad_tracks_are_named(tracks, sentence):
    classifier = SingerClassifier(DIM, 5, hidden_dim=4).eval()
    with pytest.raises(ValueError) as caught:
        classifier.identify(torch.ones(3, DIM), torch.tensor(tracks))
    assert str(caught.value) == sentence


def test_no_more_singers_are_named_than_there_are():
    with pytest.raises(ValueError) as caught:
        SingerClassifier(DIM, 4, hidden_dim=4).eval().identify(torch.ones(1, DIM))
    assert str(caught.value) == "identify: count must lie in [1, 4], got 5"
