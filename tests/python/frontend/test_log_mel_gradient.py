import pytest
import torch

from singerprint.frontend import LogMel, log_mel

OTHERWISE = {
    "window": "hamming",
    "window_length": 50,
    "periodic": False,
    "padding": "zeros",
    "power": 1,
    "log": "db",
    "log_floor": 0.3,
}


@pytest.mark.parametrize("n_fft", [60, 64])
@pytest.mark.parametrize("options", [{}, {"centred": False}, OTHERWISE])
def test_gradients_are_the_slopes(n_fft, options, device, generator):
    waveforms = torch.randn(2, 150, generator=generator, dtype=torch.float64).to(device).requires_grad_()
    spectrogram = LogMel(n_fft=n_fft, hop_length=25, n_mels=2, log_offset=1e-3, **options)
    torch.autograd.gradcheck(spectrogram, waveforms)


def test_the_float32_gradient_is_the_float64_one(device, generator):
    waveforms = torch.randn(2, 20_000, generator=generator).to(device)
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaf = waveforms.detach().to(dtype, copy=True).requires_grad_()
        log_mel(leaf).square().sum().backward()
        gradients.append(leaf.grad.double())
    # Of the largest: each sample's is a sum over some thousand rounded bins.
    assert (gradients[0] - gradients[1]).abs().max() < 1e-5 * gradients[1].abs().max()


def test_a_second_derivative_is_refused_not_wrong(device):
    waveforms = torch.randn(1, 4096, device=device, requires_grad=True)
    (gradient,) = torch.autograd.grad(log_mel(waveforms).sum(), waveforms, create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::log_mel_backward is not implemented"):
        gradient.sum().backward()


def test_a_gradient_of_another_shape_is_an_error():
    options = (44100.0, 1024, 256, 40, 0.0, 22050.0, "slaney", "slaney", 1e-8)
    options += ("hann", 1024, True, True, "reflect", 2, "ln", 0.0)
    with pytest.raises(ValueError, match="log_mel_backward") as caught:
        torch.ops.singerprint.log_mel_backward(torch.zeros(2, 40, 5), torch.zeros(2, 2048), *options)
    sentence = "gradient must have shape (batch, mels, frames) = [2, 40, 9], got [2, 40, 5]"
    assert str(caught.value) == f"log_mel_backward: {sentence}"
