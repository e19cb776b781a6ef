"""singerprint.frontend."""
