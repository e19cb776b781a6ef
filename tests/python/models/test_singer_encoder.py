"""SingerEncoder: what an embedding depends on, and what it must not depend on."""

import copy
import math

import numpy as np
import pytest
import soundfile
import torch

from singerprint.data import AudioError
from singerprint.frontend import log_mel, resample
from singerprint.models import EncoderConfig, SingerEncoder

RATE_HZ = 44100
# The promise for an embedding alone, in a batch and with other batch mates, relative to its length.
TOLERANCE = 1e-5


def singing(generator, batch, samples):
    """Tones with vibrato in a little noise: spectra unlike each other and unlike white noise."""
    seconds = torch.arange(samples, dtype=torch.float64) / RATE_HZ
    pitch_hz = 150 + 400 * torch.rand(batch, 1, generator=generator, dtype=torch.float64)
    phase = 2 * math.pi * pitch_hz * seconds + 0.3 * torch.sin(2 * math.pi * 5.5 * seconds)
    tones = sum(torch.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
    return (0.1 * tones + 0.003 * torch.randn(batch, samples, generator=generator)).float()


@pytest.fixture(scope="module")
def trained():
    """An encoder with the running statistics of singing, so that embeddings differ from clip to clip."""
    encoder = SingerEncoder.untrained(seed=0, embedding_dim=32, window_seconds=0.5)
    patch = pytest.MonkeyPatch()
    patch.setattr("singerprint.models.efficientnet.MOMENTUM", 1.0)  # one batch sets them
    with torch.no_grad():
        encoder.train()(singing(torch.Generator().manual_seed(1), batch=8, samples=22_050))
    patch.undo()
    return encoder.eval()


@pytest.fixture
def encoder(trained):
    return copy.deepcopy(trained)


def assert_same_embedding(one, other, tolerance=TOLERANCE):
    assert (one - other).norm() <= tolerance * other.norm()


def test_equals_its_parts_spelled_out(encoder, generator):
    waveforms = singing(generator, batch=3, samples=11_025)
    spectrograms = log_mel(waveforms)
    normalized = torch.stack(
        [(clip - clip.mean()) / (clip.var(correction=0) + 1e-5).sqrt() for clip in spectrograms]
    )
    with torch.no_grad():
        expected = encoder.network(normalized[:, None])
    assert_same_embedding(encoder.embed_batch(waveforms), expected)


def test_clips_are_told_apart(encoder, generator):
    first, second = encoder.embed_batch(singing(generator, batch=2, samples=11_025))
    assert (first - second).norm() > 0.01 * first.norm()  # a thousand times the tolerance of the tests


def test_an_embedding_does_not_depend_on_batch_mates(encoder, generator):
    waveforms = singing(generator, batch=64, samples=6_000)
    others = torch.cat([waveforms[:1], 100 * torch.randn(63, 6_000, generator=generator)])
    together, alone, elsewhere = (
        encoder.embed_batch(batch)[0] for batch in (waveforms, waveforms[:1], others)
    )
    assert_same_embedding(together, alone)
    assert_same_embedding(elsewhere, alone)
    assert_same_embedding(encoder.embed(waveforms[0]), alone)


def test_the_level_of_a_clip_does_not_matter(encoder, generator):
    waveforms = singing(generator, batch=2, samples=11_025)
    # log_offset (1e-8) is 1e-5 of the noise's bins at the lower of the two levels.
    assert_same_embedding(
        encoder.embed_batch(0.5 * waveforms), encoder.embed_batch(waveforms), tolerance=1e-3
    )


@pytest.mark.parametrize(
    "clip", [torch.zeros(11_025), torch.full((11_025,), 1e-30), torch.full((11_025,), 1e6)]
)
def test_silence_and_extreme_levels_are_finite(encoder, clip):
    assert encoder.embed(clip).isfinite().all()


@pytest.mark.parametrize("samples", [4_410, 11_025, 22_050, 22_051, 44_101, 100_000])
def test_a_clip_is_the_mean_over_windows_that_cover_it(encoder, generator, samples):
    waveform = singing(generator, 1, samples)[0]
    window_samples = encoder.config.window_samples
    count = math.ceil(samples / window_samples)
    starts = np.linspace(0, max(samples - window_samples, 0), count).round().astype(int)
    expected = torch.stack(
        [encoder.embed_batch(waveform[None, start : start + window_samples])[0] for start in starts]
    )
    assert_same_embedding(encoder.embed(waveform), expected.mean(dim=0))


@pytest.mark.parametrize("kind", ["tensor", "float64 array", "read-only array", "strided tensor"])
def test_arrays_and_tensors_embed_alike(encoder, generator, kind):
    waveform = singing(generator, 1, 11_025)[0]
    array = waveform.numpy().copy()
    array.flags.writeable = False
    clips = {
        "tensor": waveform.clone().requires_grad_(),
        "float64 array": waveform.double().numpy(),
        "read-only array": array,
        "strided tensor": torch.stack([waveform, waveform], dim=1)[:, 0],
    }
    assert torch.equal(encoder.embed(clips[kind]), encoder.embed(waveform))


def test_a_file_embeds_as_its_samples(encoder, generator, tmp_path):
    waveform = singing(generator, 1, 30_000)[0].numpy()
    soundfile.write(tmp_path / "song.wav", waveform, RATE_HZ, subtype="FLOAT")
    assert_same_embedding(encoder.embed(tmp_path / "song.wav"), encoder.embed(waveform))
    assert_same_embedding(encoder.embed(str(tmp_path / "song.wav")), encoder.embed(waveform))


def test_another_sample_rate_is_resampled(encoder, generator):
    waveform = singing(generator, 1, 22_050)[0].numpy()
    other = resample(torch.from_numpy(waveform)[None], RATE_HZ, 48_000)
    expected = encoder.embed(resample(other, 48_000, RATE_HZ)[0])
    other = other[0].numpy()
    assert_same_embedding(encoder.embed(other, sample_rate_hz=48_000), expected)
    assert torch.equal(encoder.embed(waveform, sample_rate_hz=RATE_HZ), encoder.embed(waveform))


def test_embed_batch_leaves_modes_and_buffers_as_they_were(encoder, generator):
    encoder.train()
    encoder.network.classifier.eval()
    before = copy.deepcopy(encoder.state_dict())
    modes = [part.training for part in encoder.modules()]
    embeddings = encoder.embed_batch(singing(generator, 2, 11_025))
    assert [part.training for part in encoder.modules()] == modes
    assert all(torch.equal(tensor, before[key]) for key, tensor in encoder.state_dict().items())
    assert_same_embedding(
        embeddings, encoder.eval().embed_batch(singing(generator.manual_seed(0), 2, 11_025))
    )


def test_the_mode_comes_back_after_an_error(encoder):
    encoder.train()
    with pytest.raises(TypeError):
        encoder.embed_batch(torch.zeros(1, 11_025, dtype=torch.int16))
    assert encoder.training
    assert encoder.network.training


def test_a_classifier_can_be_trained_on_embeddings(encoder, generator):
    classifier = torch.nn.Linear(encoder.dim, 2)
    classifier(encoder.embed_batch(singing(generator, 2, 11_025))).sum().backward()
    assert classifier.weight.grad is not None


def test_forward_gives_gradients_to_every_parameter(encoder, generator):
    encoder.train()(singing(generator, 4, 22_050)).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())


def test_half_precision_weights_give_float32_embeddings(encoder, generator):
    waveforms = singing(generator, 2, 11_025)
    expected = encoder.embed_batch(waveforms)
    result = encoder.bfloat16().embed_batch(waveforms)
    assert result.dtype == torch.float32
    assert_same_embedding(result, expected, tolerance=0.2)  # 8 bits through 81 layers


def test_compiles_as_one_graph(encoder, generator):
    waveforms = singing(generator, 2, 11_025)
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert_same_embedding(compiled(waveforms), encoder(waveforms))


def test_untrained_is_reproducible_and_in_eval_mode():
    encoder = SingerEncoder.untrained(seed=3, n_mels=128)
    again = SingerEncoder.untrained(seed=3, n_mels=128)
    assert not encoder.training
    assert encoder.config == EncoderConfig(n_mels=128)
    assert (encoder.dim, encoder.sample_rate_hz) == (1000, 44100)
    assert all(
        torch.equal(one, other) for one, other in zip(encoder.parameters(), again.parameters(), strict=True)
    )


BAD_CLIPS = [
    (torch.zeros(2, 5_000), None, ValueError, "embed: clip must have shape (samples,), got [2, 5000]"),
    (np.zeros(0), None, ValueError, "embed: clip must last at least 0.1 s, got 0 s"),
    (torch.zeros(4_409), None, ValueError, "embed: clip must last at least 0.1 s, got 0.0999773 s"),
    (np.zeros(1_500), 16_000, ValueError, "embed: clip must last at least 0.1 s, got 0.0937642 s"),
    (
        torch.tensor([0.0, math.nan] * 5_000),
        None,
        ValueError,
        "embed: clip must be finite in float32, got nan at sample 1",
    ),
    (
        np.array([0.0, 1.0, -np.inf] * 5_000),
        None,
        ValueError,
        "embed: clip must be finite in float32, got -inf at sample 2",
    ),
    (
        np.full(5_000, 1e300),
        None,
        ValueError,
        "embed: clip must be finite in float32, got 1e+300 at sample 0",
    ),
    (
        np.zeros(5_000, dtype=np.int16),
        None,
        TypeError,
        "embed: clip must have a floating point dtype, got int16",
    ),
    (torch.zeros(5_000), 0, ValueError, "embed: sample_rate_hz must be positive and finite, got 0"),
    (
        torch.zeros(5_000),
        -16_000,
        ValueError,
        "embed: sample_rate_hz must be positive and finite, got -16000",
    ),
    (torch.zeros(5_000), math.nan, ValueError, "embed: sample_rate_hz must be positive and finite, got nan"),
    (torch.zeros(5_000), math.inf, ValueError, "embed: sample_rate_hz must be positive and finite, got inf"),
    (torch.zeros(5_000), 16_000.5, ValueError, "embed: sample_rate_hz must be a whole number, got 16000.5"),
    ("song.wav", 44_100, ValueError, "embed: sample_rate_hz must be None for a file, got 44100"),
]


@pytest.mark.parametrize(("clip", "sample_rate_hz", "error", "sentence"), BAD_CLIPS)
def test_bad_clips_are_named(encoder, clip, sample_rate_hz, error, sentence):
    with pytest.raises(error) as caught:
        encoder.embed(clip, sample_rate_hz)
    assert str(caught.value) == sentence


def test_a_missing_file_is_named(encoder, tmp_path):
    path = tmp_path / "missing.wav"
    with pytest.raises(AudioError) as caught:
        encoder.embed(path)
    assert str(caught.value) == f"read_audio: path must name an existing file, got {path}"


def test_a_file_that_is_too_short_is_named(encoder, tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(100), 44_100)
    with pytest.raises(AudioError) as caught:
        encoder.embed(path)
    assert str(caught.value) == f"embed: clip must last at least 0.1 s, got 0.00226757 s in {path}"


def test_bfloat16_samples_are_their_float32(encoder, generator):
    clip = torch.randn(5_000, generator=generator).bfloat16()
    assert torch.equal(encoder.embed(clip), encoder.embed(clip.float()))


@pytest.mark.parametrize(
    ("waveforms", "error", "sentence"),
    [
        (
            torch.zeros(5_000),
            ValueError,
            "embed_batch: waveforms must have shape (batch, samples), got [5000]",
        ),
        (
            torch.zeros(0, 5_000),
            ValueError,
            "embed_batch: waveforms must hold at least one clip, got [0, 5000]",
        ),
        (
            torch.zeros(2, 4_409),
            ValueError,
            "embed_batch: waveforms must hold at least 4410 samples, got [2, 4409]",
        ),
        (
            torch.stack([torch.zeros(5_000), torch.full((5_000,), math.inf)]),
            ValueError,
            "embed_batch: waveforms must be finite, got NaN or infinity in clip 1",
        ),
        (
            torch.zeros(2, 5_000, dtype=torch.float16),
            TypeError,
            "log_mel: waveforms must have dtype Float or Double, got Half",
        ),
        (
            np.zeros((2, 5_000), dtype=np.float32),
            TypeError,
            "embed_batch: waveforms must be a tensor, got ndarray",
        ),
    ],
)
def test_bad_batches_are_named(encoder, waveforms, error, sentence):
    with pytest.raises(error) as caught:
        encoder.embed_batch(waveforms)
    assert str(caught.value) == sentence
