"""singerprint.training."""
