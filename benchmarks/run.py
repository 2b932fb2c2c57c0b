"""All benchmarks, as ratios against what one would do otherwise: python benchmarks/run.py."""

from __future__ import annotations

import idle
import observing

if __name__ == "__main__":
    print(idle.measure())
    print(observing.measure())
