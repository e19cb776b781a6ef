"""singerprint.losses."""
