"""Native front end: from waveforms to log-mel spectrograms."""

from singerprint.frontend.log_mel import LogMel, log_mel

__all__ = ["LogMel", "log_mel"]
