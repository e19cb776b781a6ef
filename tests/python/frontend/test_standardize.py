import pytest
import torch

from singerprint.frontend import standardize


@pytest.mark.parametrize(("over", "dimensions"), [("clip", (1, 2)), ("frames", (2,))])
def test_equals_its_formula(over, dimensions, device, generator):
    spectrograms = (3 * torch.randn(4, 20, 31, generator=generator, dtype=torch.float64) - 7).to(device)
    mean = spectrograms.mean(dimensions, keepdim=True)
    variance = spectrograms.var(dimensions, correction=0, keepdim=True)
    expected = (spectrograms - mean) / (variance + 1e-3).sqrt()
    # Sums of 620 numbers below 20 in float64: 1e-15 each, as deviations.
    torch.testing.assert_close(standardize(spectrograms, over, eps=1e-3), expected, rtol=0, atol=1e-12)


def test_over_frames_is_an_instance_norm(generator):
    spectrograms = torch.randn(2, 40, 50, generator=generator)
    expected = torch.nn.InstanceNorm1d(40)(spectrograms)
    torch.testing.assert_close(standardize(spectrograms, "frames"), expected, rtol=0, atol=2e-6)  # eps of 4


def test_neither_level_nor_batch_mates_change_a_clip(generator):
    spectrograms = torch.randn(3, 20, 31, generator=generator)
    together = standardize(spectrograms)
    assert torch.equal(standardize(spectrograms[1:2]), together[1:2])
    torch.testing.assert_close(standardize(spectrograms + 4), together, rtol=0, atol=4e-6)  # 4 is rounded in


def test_silence_is_zero():
    assert torch.equal(standardize(torch.full((1, 20, 31), -18.5)), torch.zeros(1, 20, 31))


def test_a_gradient_flows(generator):
    spectrograms = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    for over in ("clip", "frames"):
        torch.autograd.gradcheck(lambda x, over=over: standardize(x, over), spectrograms)


@pytest.mark.parametrize(
    ("spectrograms", "options", "sentence"),
    [
        (torch.zeros(20, 31), {}, "spectrograms must have shape (batch, mels, frames), got [20, 31]"),
        (torch.zeros(1, 20, 31), {"over": "batch"}, "over must be clip or frames, got batch"),
        (torch.zeros(1, 20, 31), {"eps": 0.0}, "eps must be positive, got 0.0"),
    ],
)
def test_errors_name_what_is_wrong(spectrograms, options, sentence):
    with pytest.raises(ValueError, match="standardize") as caught:
        standardize(spectrograms, **options)
    assert str(caught.value) == f"standardize: {sentence}"
