"""All benchmarks, as ratios against what one would do otherwise: python benchmarks/run.py."""

from __future__ import annotations

import accounts
import fleet
import idle
import image_size
import images
import incident
import log_absence
import log_latency
import log_search
import log_size
import masking
import observing

if __name__ == "__main__":
    print(idle.measure_loading(), flush=True)
    for benchmark in (
        idle,
        observing,
        incident,
        fleet,
        accounts,
        log_absence,
        log_latency,
        log_search,
        log_size,
        images,
        image_size,
        masking,
    ):
        print(benchmark.measure(), flush=True)
