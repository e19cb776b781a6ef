"""singerprint.evaluation."""
