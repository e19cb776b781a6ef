"""singerprint.cli."""
