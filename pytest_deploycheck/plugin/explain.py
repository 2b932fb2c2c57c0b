"""The explanation of a comparison with a fixture's value that came out false."""

from __future__ import annotations

import re

from pytest_deploycheck.handles.health import States
from pytest_deploycheck.handles.image import KnownDigests
from pytest_deploycheck.handles.logs.tail import LogTail
from pytest_deploycheck.judge.log_wording import shown
from pytest_deploycheck.judge.wording import plural


def explain_comparison(op: str, left: object, right: object) -> list[str] | None:
    """The lines to show instead of pytest's own; None for what is not ours.

    pytest cuts them to eight, so the most telling come first.
    """
    if isinstance(right, LogTail) and isinstance(left, str | re.Pattern) and op == "not in":
        said = right.seen(left)
        head = f"{left!r} {op} {right!r}: it was logged {plural(len(said), 'time')}"
        return [head, *map(shown, said[:2]), *right.account().splitlines()[1:]]
    if isinstance(right, LogTail) and op == "in":
        return [f"{left!r} {op} {right!r}", *right.account().splitlines()[1:]]
    if op == "in" and isinstance(right, KnownDigests):
        return [f"{left} is not among {right!r}", *right.describe()]
    if op in {"==", "<="} and isinstance(left, States) and isinstance(right, frozenset | set):
        lacking = [f"no target is {state}" for state in sorted(right - left)] if op == "==" else []
        return [f"{left!r} {op} {right!r}", *left.describe(right), *lacking]
    if op in {"==", "<="} and (isinstance(left, KnownDigests) or isinstance(right, KnownDigests)):
        return _explain_sets(op, left, right)
    return None


def _explain_sets(op: str, left: object, right: object) -> list[str] | None:
    if not isinstance(left, frozenset | set) or not isinstance(right, frozenset | set):
        return None
    lines = [f"{_name(left)} {op} {_name(right)}"]
    lines += [f"only in {_owner(left, 'the left')}: {_known(digest, left)}" for digest in sorted(left - right)]
    if op == "==":
        lines += [f"only in {_owner(right, 'the right')}: {_known(digest, right)}" for digest in sorted(right - left)]
    else:
        lines += [f"allowed by {_owner(right, 'the right')}: {_known(digest, right)}" for digest in sorted(right)]
    return lines


def _name(digests: object) -> str:
    return f"{digests.owner}.digests" if isinstance(digests, KnownDigests) else repr(digests)


def _owner(digests: object, otherwise: str) -> str:
    return digests.owner if isinstance(digests, KnownDigests) else otherwise


def _known(digest: str, digests: object) -> str:
    return f"{digest}{digests.known.get(digest, '') if isinstance(digests, KnownDigests) else ''}"
