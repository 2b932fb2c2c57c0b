"""The alarms of CloudWatch, and their history."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_deploycheck.sandbox.world.account import Account

AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
"""The states of an alarm."""

HistoryItem = Literal["ConfigurationUpdate", "StateUpdate"]
"""The kinds of items in the history of an alarm."""

UNCHECKED = "Unchecked: Initial alarm creation"
"""The reason of the state of an alarm that was just created."""

ON_5XX: Mapping[str, Any] = {
    "MetricName": "HTTPCode_Target_5XX_Count",
    "Namespace": "AWS/ApplicationELB",
    "Statistic": "Sum",
    "Dimensions": [],
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}
"""The configuration of an alarm where no other is given."""


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """An item of an alarm's history.

    Attributes:
        at: When.
        kind: The kind of the item.
        summary: The summary.
        data: The data, in JSON.
    """

    at: datetime
    kind: HistoryItem
    summary: str
    data: str


@dataclass(slots=True, eq=False)
class SandboxAlarm:
    """An alarm.

    Attributes:
        name: Its name.
        region: The region it is in.
        created_at: When it was created, which is also when its configuration last changed.
        composite: Whether it is a composite alarm; otherwise it is a metric alarm.
        rule: The rule of a composite alarm; it is not evaluated.
        configuration: The configuration of a metric alarm, in the members of the service model's MetricAlarm.
        state: Its state.
        reason: The reason of its state.
        updated_at: When state or reason were last set.
        transitioned_at: When the state last changed.
        history: Its history, oldest item first.
    """

    _account: Account = field(repr=False)
    name: str
    region: str
    created_at: datetime
    composite: bool = False
    rule: str = ""
    configuration: Mapping[str, Any] = field(default_factory=lambda: dict(ON_5XX), repr=False)
    state: AlarmState = "INSUFFICIENT_DATA"
    reason: str = UNCHECKED
    updated_at: datetime = field(init=False)
    transitioned_at: datetime = field(init=False)
    history: list[AlarmEvent] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.updated_at = self.transitioned_at = self.created_at
        data = json.dumps({"version": "1.0", "type": "Create", "createdAlarm": self._written_out()})
        self.history.append(AlarmEvent(self.created_at, "ConfigurationUpdate", f'Alarm "{self.name}" created', data))

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self._account.arn("cloudwatch", self.region, f"alarm:{self.name}")

    @property
    def kind(self) -> str:
        """`CompositeAlarm` or `MetricAlarm`."""
        return "CompositeAlarm" if self.composite else "MetricAlarm"

    def set_state(self, state: AlarmState, reason: str = "", *, at: datetime | None = None) -> None:
        """Set the state of the alarm. A change of the state becomes an item of its history.

        Args:
            state: The state.
            reason: The reason; default: the usual one of CloudWatch.
            at: When; default: now.

        Raises:
            ValueError: If its state was set at a later time already.
        """
        with self._account.lock:
            when = self._account.moment(at)
            if when < self.updated_at:
                raise ValueError(f"{self.name} has changed at {self.updated_at}, after {when}: set its states in order")
            before = {"stateValue": self.state, "stateReason": self.reason}
            reason = reason or self._usual_reason(state, when)
            if state != self.state:
                self.transitioned_at = when
                after = {"stateValue": state, "stateReason": reason}
                data = json.dumps({"version": "1.0", "oldState": before, "newState": after})
                summary = f"Alarm updated from {self.state} to {state}"
                self.history.append(AlarmEvent(when, "StateUpdate", summary, data))
            self.state, self.reason, self.updated_at = state, reason, when

    def _usual_reason(self, state: AlarmState, at: datetime) -> str:
        if self.composite:
            return f"{self.arn} was updated and its alarm rule evaluates to {state}"
        if state == "INSUFFICIENT_DATA":
            return "Insufficient Data: 1 datapoint was unknown."
        threshold = self.configuration.get("Threshold", 1.0)
        value, verb = (threshold, "was") if state == "ALARM" else (0.0, "was not")
        return (
            f"Threshold Crossed: 1 datapoint [{value} ({at:%d/%m/%y %H:%M:00})] {verb} greater than or equal to "
            f"the threshold ({threshold})."
        )

    def _written_out(self) -> Mapping[str, Any]:
        if self.composite:
            return {"alarmName": self.name, "alarmRule": self.rule, "stateValue": "INSUFFICIENT_DATA"}
        written = {key[0].lower() + key[1:]: value for key, value in self.configuration.items()}
        return {"alarmName": self.name, **written, "actionsEnabled": True, "stateValue": "INSUFFICIENT_DATA"}
