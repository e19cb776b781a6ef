"""singerprint.plots."""
