"""singerprint.baselines."""
