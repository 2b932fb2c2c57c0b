"""The exceptions of the package, in terms that a user can act on."""

from __future__ import annotations

_LONGEST_SHOWN = 20_000
"""Characters of a message that are shown."""


class DeploycheckError(Exception):
    """A problem that keeps a run from answering its question.

    Attributes:
        message: What was expected and what was seen, in one or two sentences.
        remedy: What to do about it, or an empty string.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        from pytest_deploycheck.redaction import clean  # noqa: PLC0415  # its expressions are slow to compile

        # Options and files that cannot be used are quoted in it, whatever they hold.
        return clean(f"{self.message}\n{self.remedy}" if self.remedy else self.message, _LONGEST_SHOWN)


class ConfigurationError(DeploycheckError):
    """An option, a variable or a configuration file that cannot be used as it is."""


class EnvironmentUnusableError(DeploycheckError):
    """The environment cannot be read: credentials, network, or a name that does not exist."""


class RefusedOperationError(DeploycheckError):
    """A call that is not on the list of reads; it was refused and not sent."""


class UnprovenError(Exception):
    """A test asked for evidence that does not exist or could not be read.

    A test that raises it is reported as `unproven`, not as failed: the answer is neither yes nor no. It is not an
    AssertionError, as reporters such as allure take that for a failed test. Its text begins with `unproven`, also where
    another plugin gathers it and keeps no more than the text.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return text if text.startswith("unproven") else f"unproven: {text}"
