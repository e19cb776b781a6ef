import pytest
import torch
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.augment import (
    Compose,
    DrawKey,
    RandomGain,
    RandomGaussianNoise,
    RandomPitchShift,
    RandomReverb,
    RandomShift,
    RandomTimeMask,
    preset,
)
from singerprint.augment.chain import chain
from singerprint.augment.random_transform import NativeCall
from singerprint.frontend import LogMel


def voices(batch, samples=30_000):
    """(batch, samples): a sung tone each, and a rest."""
    seconds = torch.arange(samples, dtype=torch.float64) / 44_100
    hz = 110.0 * torch.arange(1, batch + 1, dtype=torch.float64)[:, None]
    tones = sum(torch.cos(2 * torch.pi * k * hz * seconds) / k for k in range(1, 9))
    tones[:, samples // 2 : samples // 2 + 4000] = 0
    return (0.2 * tones).float()


def one_by_one(transforms, waveforms, key):
    seen = {}
    for transform in transforms:
        occurrence = seen.get(transform.op_id, 0)
        seen[transform.op_id] = occurrence + 1
        drawn = transform.draw(key, waveforms.shape[1], occurrence)
        waveforms = transform.apply(waveforms, drawn, key, occurrence)
    return waveforms


ALWAYS = {"probability": 1.0}
CHAINS = {
    "native": [RandomPitchShift(**ALWAYS), RandomShift(**ALWAYS), RandomGain(**ALWAYS)],
    "fused": [RandomPitchShift(), RandomGaussianNoise(), RandomGain(), RandomTimeMask(), RandomGain()],
    "interrupted": [RandomGain(), RandomShift(), RandomReverb(**ALWAYS), RandomGain(), RandomTimeMask()],
    "paper": list(preset("paper").transforms),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_its_transforms_one_after_the_other(name, device):
    waveforms, key = voices(5).to(device), DrawKey.of(3, range(5), epoch=2, device=device)
    assert torch.equal(Compose(CHAINS[name])(waveforms, key), one_by_one(CHAINS[name], waveforms, key))


@pytest.mark.parametrize("name", CHAINS)
def test_with_a_spectrogram_behind_it_it_is_the_spectrogram_of_the_chain(name, device):
    waveforms, key = voices(5).to(device), DrawKey.of(3, range(5), device=device)
    chain, spectrogram = Compose(CHAINS[name]), LogMel.preset("deezer", n_mels=40, sample_rate_hz=44_100)
    expected = spectrogram(chain(waveforms, key))
    assert torch.equal(chain(waveforms, key, then=spectrogram), expected)


@pytest.mark.parametrize("batch", [0, 1, 2, 7])
def test_threads_and_batches_change_no_bit(batch):
    waveforms, key = voices(batch), DrawKey.of(3, range(batch))
    chain = Compose(CHAINS["native"])
    results = results_of_threads(lambda: chain(waveforms, key, then=LogMel()))
    assert results[0].shape == (batch, 80, 59)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_a_subclass_that_does_something_else_does_it():
    class Louder(RandomGain):
        def augment(self, waveforms, parameters, key, stream):
            return 2 * waveforms

    class Silent(RandomGain):
        def apply(self, waveforms, parameters, key, occurrence=0):
            return 0 * waveforms

    waveforms, key = voices(2), DrawKey.of(0, range(2))
    assert torch.equal(Compose([Louder(), Louder()])(waveforms, key), 4 * waveforms)
    assert not Compose([RandomShift(), Silent()])(waveforms, key).any()


def test_what_ends_a_chain_is_native():
    with pytest.raises(TypeError, match="Compose") as caught:
        Compose([])(voices(2), DrawKey.of(0, range(2)), then=torch.nn.Linear(2, 2))
    assert str(caught.value) == "Compose: then must be a native module such as LogMel, got Linear"


def test_non_contiguous_waveforms_give_the_same(generator):
    waveforms, key = torch.randn(30_000, 3, generator=generator).t(), DrawKey.of(0, range(3))
    composed = Compose(CHAINS["native"])
    assert torch.equal(composed(waveforms, key), composed(waveforms.contiguous(), key))


def test_compiles_as_one_graph():
    waveforms, key = voices(3), DrawKey.of(0, range(3))
    composed = Compose(CHAINS["native"])
    parameters = composed.draw(key, waveforms.shape[1])

    def augmented(waveforms):
        return composed.apply(waveforms, parameters, key, then=LogMel())

    compiled = torch.compile(augmented, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(waveforms), augmented(waveforms))


def test_no_gradient_flows():
    calls = [NativeCall("gain", (torch.zeros(2),))] * 2
    with pytest.raises(RuntimeError, match="derivative for singerprint::chain is not implemented"):
        chain(voices(2).requires_grad_(), calls).sum().backward()


def test_no_call_is_the_identity():
    waveforms = voices(2)
    assert chain(waveforms, []) is waveforms


@pytest.mark.parametrize(
    ("calls", "error", "sentence"),
    [
        (
            [NativeCall("gain", (torch.zeros(3),)), NativeCall("gain", (torch.zeros(3),))],
            ValueError,
            "gain: gain_db must have shape (batch,) with batch = 2, got [3]",
        ),
        (
            [NativeCall("gain", ()), NativeCall("gain", ())],
            ValueError,
            "chain: tensors must be as many as the ops take, got 0",
        ),
        (
            [NativeCall("gain", (torch.zeros(2),)), NativeCall("louder", ())],
            ValueError,
            "chain: ops must be ops of singerprint, got louder",
        ),
        (
            [NativeCall("gain", (torch.zeros(2),)), NativeCall("nt_xent", (torch.zeros(2), 0.1))],
            ValueError,
            "chain: ops must take waveforms and return one tensor, got nt_xent",
        ),
        (
            [NativeCall("gain", (torch.zeros(2),)), NativeCall("shift", (torch.zeros(2).long(), 0.5))],
            ValueError,
            "chain: numbers must be whole where an op takes integers, got 0.5",
        ),
    ],
)
def test_errors_name_what_is_wrong(calls, error, sentence):
    with pytest.raises(error) as caught:
        chain(voices(2), calls)
    assert str(caught.value) == sentence


def test_an_error_of_one_clip_is_its_sentence():
    calls = [
        NativeCall("gain", (torch.zeros(2),)),
        NativeCall("tanh_distortion", (torch.tensor([0.1, 2.0]),)),
    ]
    with pytest.raises(ValueError, match="tanh_distortion: amount must"):
        chain(voices(2), calls)


def test_opcheck(device):
    numbers = [44_100.0, 1024.0, 256.0, 40.0, 0.0, 22_050.0, 1e-8, 1024.0, 1.0, 1.0, 2.0, 0.0]
    words = ["slaney", "slaney", "hann", "reflect", "ln"]
    gain_db = torch.zeros(2, device=device)
    arguments = (voices(2, 4000).to(device), ["gain", "log_mel"], [gain_db], numbers, words)
    opcheck(torch.ops.singerprint.chain.default, arguments)
