"""Native front end: from waveforms to log-mel spectrograms."""

from singerprint.frontend.log_mel import LogMel, log_mel
from singerprint.frontend.log_mel_presets import LOG_MEL_PRESETS
from singerprint.frontend.log_mel_stream import LogMelStream
from singerprint.frontend.pitch import Pitch, pitch

__all__ = ["LOG_MEL_PRESETS", "LogMel", "LogMelStream", "Pitch", "log_mel", "pitch"]
