"""Native front end: sample rates, log-mel spectrograms and pitch of waveforms."""

from singerprint.frontend.log_mel import LogMel, log_mel
from singerprint.frontend.log_mel_presets import LOG_MEL_PRESETS
from singerprint.frontend.log_mel_stream import LogMelStream
from singerprint.frontend.pitch import Pitch, pitch
from singerprint.frontend.portable_log_mel import PortableLogMel
from singerprint.frontend.resample import Resample, ResampleStream, resample
from singerprint.frontend.standardize import standardize

__all__ = [
    "LOG_MEL_PRESETS",
    "LogMel",
    "LogMelStream",
    "Pitch",
    "PortableLogMel",
    "Resample",
    "ResampleStream",
    "log_mel",
    "pitch",
    "resample",
    "standardize",
]
