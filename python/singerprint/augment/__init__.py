"""Native augmentations: batched, each clip with its own parameters, deterministic by draw key."""

from singerprint.augment.band_pass import RandomBandPass, band_pass
from singerprint.augment.bandwidth import RandomBandwidth, bandwidth
from singerprint.augment.biquad_cascade import biquad_cascade
from singerprint.augment.chain_config import from_config, read_config, to_config
from singerprint.augment.compose import Compose
from singerprint.augment.convolve import convolve
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.draw_uniform import draw_uniform
from singerprint.augment.gain import RandomGain, gain
from singerprint.augment.gaussian_noise import RandomGaussianNoise, gaussian_noise
from singerprint.augment.high_pass import RandomHighPass, high_pass
from singerprint.augment.low_pass import RandomLowPass, low_pass
from singerprint.augment.noise_gain_mask import noise_gain_mask
from singerprint.augment.parametric_eq import RandomParametricEq, parametric_eq
from singerprint.augment.pitch_shift import RandomPitchShift, formant_shift, pitch_shift
from singerprint.augment.presets import preset, preset_or_file
from singerprint.augment.random_transform import NativeCall, RandomTransform
from singerprint.augment.reverb import RandomReverb, reverb_impulse_response
from singerprint.augment.shift import RandomShift, shift
from singerprint.augment.tanh_distortion import RandomTanhDistortion, tanh_distortion
from singerprint.augment.time_mask import RandomTimeMask, time_mask
from singerprint.augment.time_stretch import RandomTimeStretch, time_stretch

__all__ = [
    "Compose",
    "DrawKey",
    "NativeCall",
    "RandomBandPass",
    "RandomBandwidth",
    "RandomGain",
    "RandomGaussianNoise",
    "RandomHighPass",
    "RandomLowPass",
    "RandomParametricEq",
    "RandomPitchShift",
    "RandomReverb",
    "RandomShift",
    "RandomTanhDistortion",
    "RandomTimeMask",
    "RandomTimeStretch",
    "RandomTransform",
    "band_pass",
    "bandwidth",
    "biquad_cascade",
    "convolve",
    "draw_uniform",
    "formant_shift",
    "from_config",
    "gain",
    "gaussian_noise",
    "high_pass",
    "low_pass",
    "noise_gain_mask",
    "parametric_eq",
    "pitch_shift",
    "preset",
    "preset_or_file",
    "read_config",
    "reverb_impulse_response",
    "shift",
    "tanh_distortion",
    "time_mask",
    "time_stretch",
    "to_config",
]
