"""Native front end: sample rates, log-mel spectrograms and pitch of waveforms."""

from singerprint.frontend.log_mel import LogMel, log_mel
from singerprint.frontend.pitch import Pitch, pitch
from singerprint.frontend.resample import Resample, ResampleStream, resample

__all__ = ["LogMel", "Pitch", "Resample", "ResampleStream", "log_mel", "pitch", "resample"]
