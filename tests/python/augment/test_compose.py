import copy
import pickle

import pytest
import torch

from singerprint.augment import Compose, DrawKey, RandomGain, RandomGaussianNoise, RandomTimeMask

TRANSFORMS = [RandomGaussianNoise, RandomGain, RandomTimeMask]


def chain(probability=0.5):
    return Compose([transform(probability=probability) for transform in TRANSFORMS])


@pytest.fixture
def waveforms(generator, device):
    return torch.randn(6, 1001, generator=generator).to(device)


@pytest.fixture
def key(device):
    return DrawKey.of(seed=3, clip_ids=[8, 1, 9, 4, 2, 11], epoch=5, view=1, device=device)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_probability_zero_changes_nothing(transform, waveforms, key):
    assert torch.equal(transform(probability=0.0)(waveforms, key), waveforms)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_probability_is_that_of_a_change(transform):
    key = DrawKey.of(0, range(10_000))
    waveforms = torch.ones(10_000, 64)  # the longest mask is 8 samples: every 9th is empty
    changed = (transform(probability=0.3)(waveforms, key) != waveforms).any(1).float().mean()
    expected = 0.3 * (8 / 9 if transform is RandomTimeMask else 1)
    assert abs(changed - expected) < 5 * (expected * (1 - expected) / 10_000) ** 0.5  # 5 standard deviations


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_bad_probability_is_named(transform):
    for probability in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError) as caught:
            transform(probability=probability)
        assert str(caught.value) == f"{transform.__name__}: probability must be in [0, 1], got {probability}"


def test_drawn_parameters_replay_the_augmentation(waveforms, key):
    augmentation = chain(probability=1.0)
    parameters = augmentation.draw(key, 1001)
    assert [sorted(drawn) for drawn in parameters] == [
        ["amplitude"],
        ["gain_db"],
        ["length_samples", "start_samples"],
    ]
    assert all(tensor.shape == (6,) for drawn in parameters for tensor in drawn.values())
    assert torch.equal(augmentation.apply(waveforms, parameters, key), augmentation(waveforms, key))


def test_the_chain_is_its_links_in_order(waveforms, key):
    expected = waveforms
    for transform in TRANSFORMS:
        expected = transform()(expected, key)
    assert torch.equal(chain()(waveforms, key), expected)


def test_the_second_of_a_class_draws_other_numbers(key):
    first, second = Compose([RandomGain(probability=1.0), RandomGain(probability=1.0)]).draw(key, 1)
    assert (first["gain_db"] != second["gain_db"]).all()
    single = RandomGain(probability=1.0).draw(key, 1, occurrence=1)
    assert torch.equal(second["gain_db"], single["gain_db"])


def test_the_second_noise_is_not_the_first_again(device):
    waveforms, key = torch.zeros(1, 100_000, device=device), DrawKey.of(0, [0], device=device)
    twice = Compose([RandomGaussianNoise(1.0, 1.0, probability=1.0)] * 2)(waveforms, key)
    # Independent noises add their powers; the same one twice would have power 4. Five standard deviations.
    assert abs(twice.var() - 2) < 5 * 2 * (2 / 100_000) ** 0.5


def test_another_class_in_the_chain_changes_no_number(key):
    with_noise = chain().draw(key, 1001)[1:]
    without = Compose([RandomGain(), RandomTimeMask()]).draw(key, 1001)
    for drawn, expected in zip(with_noise, without, strict=True):
        assert all(torch.equal(drawn[name], expected[name]) for name in expected)


def test_a_clip_does_not_know_its_batch(waveforms, key):
    augmentation = chain(probability=0.7)
    together = augmentation(waveforms, key)
    for row in range(6):
        alone = DrawKey(key.seed, key.clip_ids[row : row + 1], key.epochs[row : row + 1])
        assert torch.equal(augmentation(waveforms[row : row + 1], alone), together[row : row + 1])


def test_two_views_differ(waveforms, key):
    augmentation = chain(probability=1.0)
    other = DrawKey.of(3, key.clip_ids, epoch=5, view=0, device=waveforms.device)
    assert not (augmentation(waveforms, key) == augmentation(waveforms, other)).all(1).any()


def test_an_empty_batch_and_an_empty_chain_pass(device):
    empty = torch.ones(0, 100, device=device)
    assert chain()(empty, DrawKey.of(0, [], device=device)).shape == (0, 100)
    waveforms = torch.ones(1, 3, device=device)
    assert torch.equal(Compose([])(waveforms, DrawKey.of(0, [0], device=device)), waveforms)


def test_the_chain_compiles_as_one_graph(generator):
    waveforms, key = torch.randn(2, 101, generator=generator), DrawKey.of(0, [1, 2])
    compiled = torch.compile(chain(), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(waveforms, key), chain()(waveforms, key))


def test_the_chain_prints_its_links_and_can_be_copied():
    expected = (
        "Compose([RandomGaussianNoise(probability=0.5, min_amplitude=0.001, max_amplitude=0.05), "
        "RandomGain(probability=0.5, min_gain_db=-6.0, max_gain_db=0.0), "
        "RandomTimeMask(probability=0.5, max_length_ratio=0.125)])"
    )
    assert (
        repr(chain()) == repr(copy.deepcopy(chain())) == repr(pickle.loads(pickle.dumps(chain()))) == expected
    )


@pytest.mark.parametrize("augmentation", [RandomGain(), Compose([RandomTimeMask()]), Compose([])])
@pytest.mark.parametrize("shape", [(), (5,), (1, 1, 5)])
def test_waveforms_of_another_shape_are_named(augmentation, shape):
    with pytest.raises(ValueError) as caught:
        augmentation(torch.ones(shape), DrawKey.of(0, [0]))
    name = type(augmentation).__name__
    assert str(caught.value) == f"{name}: waveforms must have shape (batch, samples), got {list(shape)}"


def test_what_is_no_transform_is_refused():
    with pytest.raises(TypeError) as caught:
        Compose([RandomGain(), torch.nn.Identity()])
    assert str(caught.value) == "Compose: transforms must be RandomTransform, got Identity"


def test_too_few_parameters_are_refused(waveforms, key):
    with pytest.raises(ValueError) as caught:
        chain().apply(waveforms, [], key)
    assert str(caught.value) == "Compose: parameters must have 3 entries, one per transform, got 0"
