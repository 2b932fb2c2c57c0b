"""The choice of one cluster and of services: by options, or by asking."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pytest_deploycheck.config.suggestions import did_you_mean
from pytest_deploycheck.errors import ConfigurationError


class Chooser:
    """Chooses by what was given, by what there is, and else by asking on a terminal.

    Args:
        yes: Whether to take everything without asking.
        asks: Whether a person can be asked; default: both ends are a terminal.
    """

    def __init__(self, *, yes: bool, asks: bool | None = None) -> None:
        self._yes = yes
        self._asks = sys.stdin.isatty() and sys.stdout.isatty() if asks is None else asks

    def one(self, what: str, given: str | None, names: Sequence[str]) -> str:
        """Return one of `names`.

        Args:
            what: What they are, such as `cluster`, which is also the name of the option.
            given: The one that was given, or None.
            names: What there is.

        Raises:
            ConfigurationError: There is none, the given one is unknown, or there are several and nobody to ask.
        """
        if given is not None:
            return self._known(what, given, names)
        if len(names) == 1:
            return names[0]
        self._require(what, names)
        self._list(what, names)
        return names[self._numbers(f"Which {what}? [1-{len(names)}] ", len(names))[0]]

    def some(self, what: str, given: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
        """Return some of `names`, one at least; all of them where nothing has to be asked.

        Raises:
            ConfigurationError: As `one`.
        """
        if given:
            return tuple(dict.fromkeys(self._known(what, name, names) for name in given))
        if names and (self._yes or len(names) == 1):
            return tuple(names)
        self._require(what, names)
        self._list(what, names)
        chosen = self._numbers(
            f"Which {what}s? Numbers, separated by blanks, or nothing for all: ", len(names), many=True
        )
        return tuple(names[number] for number in chosen)

    def _known(self, what: str, name: str, names: Sequence[str]) -> str:
        if name not in names:
            raise ConfigurationError(
                f"--{what}: found {name!r}, which does not exist{did_you_mean(name, names)}", _there_are(names)
            )
        return name

    def _require(self, what: str, names: Sequence[str]) -> None:
        if not names:
            raise ConfigurationError(f"There is no {what} to configure.", "Check the credentials, account and region.")
        if not self._asks or (self._yes and what == "cluster"):
            raise ConfigurationError(f"There are several {what}s: name one with --{what}.", _there_are(names))

    @staticmethod
    def _list(what: str, names: Sequence[str]) -> None:
        print(f"{what}s:")
        for number, name in enumerate(names, start=1):
            print(f"  {number:>2}  {name}")

    @staticmethod
    def _numbers(question: str, most: int, *, many: bool = False) -> list[int]:
        """Ask until the answer is a number of the list, or several of them."""
        while True:
            try:
                words = input(question).replace(",", " ").split()
            except EOFError:
                raise KeyboardInterrupt from None
            if many and not words:
                return list(range(most))
            if (
                words
                and all(word.isdecimal() and 1 <= int(word) <= most for word in words)
                and (many or len(words) == 1)
            ):
                return [int(word) - 1 for word in dict.fromkeys(words)]


def _there_are(names: Sequence[str]) -> str:
    return f"There are: {', '.join(names)}." if names else "There are none."
