"""The names that later versions may add to but never rename, with the arguments that callers rely on."""

import inspect
from functools import reduce

import numpy as np
import pytest
import soundfile
import torch

import singerprint as sp

SIGNATURES = {
    "load_model": "path, source=None, *, input_sr=44100, torchscript=False, reference=False",
    "compat.singer_identity.load_model": (
        "model, source='BernardoTorres/singer-identity', torchscript=False, savedir=None, input_sr=44100"
    ),
    "SingerEncoder.untrained": "seed=0, **options",
    "SingerEncoder.embed": "self, clip, sample_rate_hz=None",
    "SingerEncoder.embed_batch": "self, waveforms",
    "augment.gain": "waveforms, gain_db",
    "augment.gaussian_noise": "waveforms, amplitude, key, stream=2",
    "augment.biquad_cascade": "waveforms, coefficients",
    "augment.parametric_eq": "waveforms, sample_rate_hz, center_hz, gain_db, q",
    "augment.low_pass": "waveforms, sample_rate_hz, cutoff_hz, order=2",
    "augment.high_pass": "waveforms, sample_rate_hz, cutoff_hz, order=2",
    "augment.band_pass": "waveforms, sample_rate_hz, low_hz, high_hz, order=2",
    "augment.tanh_distortion": "waveforms, amount",
    "augment.shift": "waveforms, shift_samples, fade_samples=0",
    "augment.pitch_shift": (
        "waveforms, sample_rate_hz, pitch_ratio, pitch_range_ratio=1.0, formant_ratio=1.0, "
        "praat_compatible=False"
    ),
    "augment.formant_shift": "waveforms, sample_rate_hz, formant_ratio",
    "augment.convolve": "waveforms, impulse_responses",
    "augment.bandwidth": "waveforms, sample_rate_hz, cutoff_hz, transition_hz=300.0",
    "augment.time_mask": "waveforms, start_samples, length_samples",
    "augment.time_stretch": "waveforms, sample_rate_hz, rate, samples=None",
    "augment.RandomTimeStretch": "sample_rate_hz=44100, min_rate=0.8, max_rate=1.25, probability=0.5",
    "augment.RandomGain": "min_gain_db=-6.0, max_gain_db=0.0, probability=0.5",
    "augment.RandomGaussianNoise": "min_amplitude=0.001, max_amplitude=0.05, probability=0.5",
    "augment.RandomTimeMask": "max_length_ratio=0.125, probability=0.5",
    "augment.noise_gain_mask": (
        "waveforms, amplitude, gain_db, start_samples, length_samples, key, stream=2"
    ),
    "augment.Compose": "transforms",
    "augment.preset": "name, sample_rate_hz=44100",
    "augment.preset_or_file": "name, sample_rate_hz=44100",
    "augment.from_config": "config, sample_rate_hz=44100",
    "augment.to_config": "chain",
    "augment.read_config": "path",
    "augment.RandomPitchShift": (
        "sample_rate_hz=44100, max_pitch_ratio=1.3, max_pitch_range_ratio=1.5, max_formant_ratio=1.0, "
        "praat_compatible=False, probability=0.5"
    ),
    "distributed.all_gather_rows": "rows",
    "distributed.average_over_ranks": "tensors",
    "distributed.process_group": "device='cpu', timeout_seconds=1800.0",
    "distributed.synchronise_batch_norm": "module",
    "frontend.pitch": "waveforms, sample_rate_hz=44100, hop_length=512, min_hz=60.0, max_hz=1500.0",
    "frontend.log_mel": (
        "waveforms, sample_rate_hz=44100, n_fft=2048, hop_length=512, n_mels=80, fmin_hz=0.0, fmax_hz=None, "
        "mel_scale='slaney', mel_norm='slaney', log_offset=1e-08, *, window='hann', window_length=None, "
        "periodic=True, centred=True, padding='reflect', power=2, log='ln', log_floor=0.0"
    ),
    "frontend.LogMel": (
        "sample_rate_hz=44100, n_fft=2048, hop_length=512, n_mels=80, fmin_hz=0.0, fmax_hz=None, "
        "mel_scale='slaney', mel_norm='slaney', log_offset=1e-08, *, window='hann', window_length=None, "
        "periodic=True, centred=True, padding='reflect', power=2, log='ln', log_floor=0.0"
    ),
    "frontend.resample": "waveforms, from_hz, to_hz",
    "losses.alignment": "first, second, alpha=2.0",
    "losses.Alignment": "alpha=2.0",
    "losses.am_softmax": "embeddings, weights, singers, scale=30.0, margin=0.2",
    "losses.AMSoftmax": "dim, singers, scale=30.0, margin=0.2, seed=0",
    "losses.cross_decoupled": "first, second, temperature",
    "losses.CrossDecoupled": "temperature=0.2",
    "losses.decoupled": "first, second, temperature",
    "losses.Decoupled": "temperature=0.1",
    "losses.nt_xent": "first, second, temperature",
    "losses.NTXent": "temperature=0.2",
    "losses.supervised_nt_xent": "embeddings, singers, temperature",
    "losses.SupervisedNTXent": "temperature=0.2",
    "losses.uniformity": "embeddings, t=2.0",
    "losses.Uniformity": "t=2.0",
    "losses.byol": "prediction, target",
    "losses.BYOL": "",
    "losses.invariance": "first, second",
    "losses.variance": "embeddings, gamma=1.0, eps=0.0001",
    "losses.covariance": "embeddings",
    "losses.vicreg": (
        "first, second, invariance_weight=25.0, variance_weight=25.0, covariance_weight=1.0, gamma=1.0, "
        "eps=0.0001"
    ),
    "losses.VICReg": "invariance_weight=25.0, variance_weight=25.0, covariance_weight=1.0, gamma=1.0",
    "SingerEncoder.frames": "self, clip, sample_rate_hz=None",
    "models.attentive_statistics": "frames, scores, eps=1e-06",
    "models.efficientnet_b0": (
        "in_channels=1, embedding_dim=1000, *, aggregation='mean', dropout=0.0, stochastic_depth=0.0, seed=0"
    ),
    "models.efficientnet_b4": (
        "in_channels=1, embedding_dim=1000, *, aggregation='mean', dropout=0.0, stochastic_depth=0.0, seed=0"
    ),
    "evaluation.equal_error_rate": "positive_scores, negative_scores",
    "evaluation.mean_normalized_rank": (
        "embeddings, singers, positive_pairs=None, *, max_trials=1000, max_others=512, seed=0"
    ),
}


def public(name):
    """What ``sp.<name>`` is."""
    return reduce(getattr, name.split("."), sp)


def arguments(function):
    """The arguments with their defaults, without types."""
    signature = inspect.signature(function)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()
    ]
    return str(inspect.Signature(bare)).strip("()")


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_public_name_keeps_its_arguments(name):
    # BYOL is a plain nn.Module: PyTorch's own (*args, **kwargs) stand for no arguments.
    assert arguments(public(name)).replace("*args, **kwargs", "") == SIGNATURES[name]


@pytest.mark.parametrize(
    "package", ["augment", "data", "distributed", "evaluation", "frontend", "losses", "models"]
)
def test_every_listed_name_exists(package):
    module = public(package)
    assert package in sp.__all__
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_same_functions_are_reached_from_the_top():
    assert sp.load_model is sp.models.load_model
    assert sp.SingerEncoder is sp.models.SingerEncoder


def test_a_clip_may_be_a_path_an_array_or_a_tensor(tmp_path):
    encoder = sp.SingerEncoder.untrained(seed=0)
    clip = np.sin(np.arange(22_050) / 20).astype(np.float32) / 2
    soundfile.write(tmp_path / "clip.wav", clip, 44_100, subtype="FLOAT")
    expected = encoder.embed(clip, sample_rate_hz=44_100)
    assert expected.shape == (encoder.dim,)
    for same in (tmp_path / "clip.wav", str(tmp_path / "clip.wav"), torch.from_numpy(clip)):
        assert torch.equal(encoder.embed(same), expected)
    assert encoder.embed_batch(torch.from_numpy(clip)[None]).shape == (1, encoder.dim)
