"""singerprint.data."""
