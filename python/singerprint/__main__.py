"""``python -m singerprint`` is the command ``singerprint``."""

import sys

from singerprint.cli.main import main

sys.exit(main())
