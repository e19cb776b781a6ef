"""Native front end: from waveforms to log-mel spectrograms."""

from singerprint.frontend.log_mel import LogMel, log_mel
from singerprint.frontend.pitch import Pitch, pitch

__all__ = ["LogMel", "Pitch", "log_mel", "pitch"]
