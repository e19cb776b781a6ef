"""GE2E (Wan et al. 2018) with Resemblyzer's published weights, called like every embedder of this package.

Needs `pip install resemblyzer webrtcvad-wheels`; the package carries the weights of the speech model.
"""

import torch
from resemblyzer import VoiceEncoder, preprocess_wav

from singerprint.data import read_audio

SAMPLE_RATE_HZ = 16_000


class Ge2e:
    """A speech model: 16 kHz, 256 numbers a file."""

    dim = 256

    def __init__(self):
        self._encoder = VoiceEncoder("cpu", verbose=False)

    def embed(self, path):
        return self.embed_waveform(read_audio(path, SAMPLE_RATE_HZ))

    def embed_waveform(self, waveform):
        """(samples,) float32 at 16 kHz."""
        return torch.from_numpy(self._encoder.embed_utterance(preprocess_wav(waveform, SAMPLE_RATE_HZ)))
