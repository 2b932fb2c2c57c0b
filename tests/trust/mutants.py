"""Mutation testing of the judge and of the results of tests: how many of a sample of mutants the unit tests kill.

Run by `make mutants`. The sample depends on the seed and on the mutants' names only, so that it stays nearly the same
while the code changes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping

KILLED = frozenset({"killed", "timeout", "suspicious", "segfault"})
"""The states of mutants that a test noticed."""

ENOUGH = 0.9
"""The part of a sample that tests must kill."""

NONE_AT_ALL = "no such mutant*"


def main() -> int:
    """Run the sample; return 0 if enough of it was killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=500, help="number of mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--of", default="", help="only mutants whose names begin so")
    options = parser.parse_args()
    # Without a mutant to run, mutmut writes them all and ends.
    _mutmut("run", NONE_AT_ALL)
    names = [name for name in _states() if name.startswith(options.of)]
    sample = sorted(names, key=lambda name: _rank(name, options.seed))[: options.sample]
    _mutmut("run", "--max-children", str(os.cpu_count() or 1), *sample)
    states = _states()
    return _tell({name: states[name] for name in sample}, len(names))


def _tell(states: Mapping[str, str], total: int) -> int:
    survivors = sorted(name for name, state in states.items() if state not in KILLED)
    for name in survivors:
        print(f"\n{_mutmut('show', name).strip()}")
    print(f"\n{_counts(states.values())}")
    share = 1 - len(survivors) / len(states)
    print(f"{share:.1%} of {len(states)} mutants, a sample of {total}, were killed; {ENOUGH:.0%} are wanted.")
    return 0 if share >= ENOUGH else 1


def _counts(states: Iterable[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(Counter(states).items()))


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def _states() -> dict[str, str]:
    """Return the state of each mutant, by its name."""
    lines = (line.strip().rpartition(": ") for line in _mutmut("results", "--all", "true").splitlines())
    return {name: state for name, _, state in lines if "__mutmut_" in name}


def _mutmut(*arguments: str) -> str:
    """Run mutmut and return its output; what it says while mutants run is shown as it comes."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    if arguments[0] == "run" and NONE_AT_ALL not in arguments:
        if subprocess.run(command, check=False).returncode:
            sys.exit("mutmut ended early: its output shows which test fails without any mutant.")
        return ""
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
