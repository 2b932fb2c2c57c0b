"""The event stream of StartLiveTail, in the binary format of AWS."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core.eventstream import EventStream, EventStreamEncoder
from moto.core.serialize import EventStreamJSONSerializer
from moto.core.utils import get_service_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_deploycheck.sandbox.api.responses import Json

CONTENT_TYPE = "application/vnd.amazon.eventstream"
"""The content type of an event stream."""


def live_tail_stream(events: Iterable[Json]) -> Iterator[bytes]:
    """Return the messages of a live tail, given its events, each a mapping from its type to its members."""
    model = _model()
    stream = EventStream({"responseStream": events}, model.output_shape, EventStreamJSONSerializer(model))
    return (EventStreamEncoder().encode_event(event) for event in stream)


def exception(name: str, message: str) -> bytes:
    """Return the message of an error that ends a stream."""
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    model = _model()
    shape = model.service_model.shape_for(name)
    payload, _ = EventStreamJSONSerializer(model).serialize_event_payload(
        {"message": message}, shape, list(shape.members.items())
    )
    return EventStreamEncoder().encode_message(headers, payload)


@cache
def _model() -> Any:
    return get_service_model("logs").operation_model("StartLiveTail")
