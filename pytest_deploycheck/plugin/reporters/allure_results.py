"""The results of Allure behind the redaction: Allure takes what failed before a report is made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import allure_commons
import attr
from allure_commons.logger import AllureFileLogger

if TYPE_CHECKING:
    from pytest_deploycheck.plugin.outcomes.redacting import ReportRedaction

_SHOWN = ("name", "value", "message", "trace")
"""The attributes of a result, and of what it consists of, that hold what a test said."""


class RedactedResults:
    """Masks each result before Allure's own writer writes it, in whose place it stands.

    Args:
        writer: The writer of Allure.
        redaction: The redaction of the run.
    """

    def __init__(self, writer: Any, redaction: ReportRedaction) -> None:
        self.writer = writer
        self._redaction = redaction

    @allure_commons.hookimpl
    def report_result(self, result: Any) -> None:
        """Write the result of a test."""
        self._redact(result)
        self.writer.report_result(result)

    @allure_commons.hookimpl
    def report_container(self, container: Any) -> None:
        """Write the results of fixtures."""
        self._redact(container)
        self.writer.report_container(container)

    @allure_commons.hookimpl
    def report_globals(self, globals_item: Any) -> None:
        """Write what belongs to no test."""
        self._redact(globals_item)
        self.writer.report_globals(globals_item)

    @allure_commons.hookimpl
    def report_attached_data(self, body: str | bytes, file_name: str) -> None:
        """Write an attachment."""
        self.writer.report_attached_data(self._redaction.attachment(body) if isinstance(body, str) else body, file_name)

    @allure_commons.hookimpl
    def report_attached_file(self, source: str, file_name: str) -> None:
        """Copy a file that is attached, as it is."""
        self.writer.report_attached_file(source, file_name)

    def _redact(self, held: Any) -> None:
        """Mask a result in place, with its steps, parameters and all else it consists of."""
        if isinstance(held, list):
            for one in held:
                self._redact(one)
        elif attr.has(type(held)):
            for name in attr.fields_dict(type(held)):
                value = getattr(held, name)
                if name in _SHOWN and isinstance(value, str):
                    setattr(held, name, self._redaction.lines(value))
                else:
                    self._redact(value)


def stand_before(redaction: ReportRedaction) -> Iterable[RedactedResults]:
    """Put the redaction before each writer of Allure's results, and return what stands there now."""
    plugins = allure_commons.plugin_manager
    writers = [one for one in plugins.get_plugins() if isinstance(one, AllureFileLogger)]
    redacted = [RedactedResults(writer, redaction) for writer in writers]
    for one in redacted:
        plugins.unregister(one.writer)
        plugins.register(one)
    return redacted


def stand_aside(redacted: Iterable[RedactedResults]) -> None:
    """Put the writers of Allure back, which Allure expects to find when it ends."""
    plugins = allure_commons.plugin_manager
    for one in redacted:
        plugins.unregister(one)
        plugins.register(one.writer)
