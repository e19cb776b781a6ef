"""singerprint.models."""
