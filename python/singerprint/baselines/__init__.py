"""What an encoder is measured against: embedders with the encoder's own call."""

from singerprint.baselines.mfcc import MfccStatistics

__all__ = ["MfccStatistics"]
