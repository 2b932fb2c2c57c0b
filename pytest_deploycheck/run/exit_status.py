"""The exit statuses of a run, in pytest and in the console script."""

from __future__ import annotations

from pytest_deploycheck.judge.verdict import Verdict

REFUTED = 1
"""Exit status where something is refuted."""

INTERRUPTED = 2
"""Exit status of a run that was interrupted."""

USAGE_ERROR = 4
"""Exit status where an input or the environment cannot be used."""

UNPROVEN = 7
"""Exit status where nothing was refuted and not everything was proven."""

OF_VERDICT = {Verdict.VERIFIED: 0, Verdict.REFUTED: REFUTED, Verdict.UNPROVEN: UNPROVEN}
"""The exit statuses of runs that came to their end."""
