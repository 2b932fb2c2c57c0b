"""The console script, as `python -m pytest_deploycheck`."""

from __future__ import annotations

import sys

from pytest_deploycheck.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
