"""The protocols of AWS's APIs, for the services that botocore calls with more than one.

Older versions of botocore call CloudWatch in XML, newer ones in CBOR or JSON; load balancers are called in XML.
What an operation is asked and answers is the same in all of them: the members of botocore's model, with aware
datetimes for times.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

import cbor2
from botocore.utils import parse_timestamp
from moto.core.parse import JSONParser, QueryParser
from moto.core.serialize import QuerySerializer
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from pytest_deploycheck.sandbox.api.responses import seconds
from pytest_deploycheck.sandbox.world.errors import AwsError, DeniedError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from pytest_deploycheck.sandbox.api.responses import Json

_MODELS = {"cloudwatch": "cloudwatch", "elasticloadbalancing": "elbv2"}
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Spoken(ABC):
    """A call in one protocol.

    Attributes:
        service: The service, in IAM's words.
        operation: The operation.
    """

    service: str
    operation: str

    @abstractmethod
    def read(self, body: bytes) -> Json:
        """Return what is asked."""

    @abstractmethod
    def write(self, answer: Json) -> Response:
        """Return the response that tells an answer."""

    @abstractmethod
    def refuse(self, error: AwsError) -> Response:
        """Return the response that tells an error."""

    def _model(self) -> Any | None:
        """Return botocore's model of the operation, where it is needed to read and write it."""
        if self.service not in _MODELS:
            return None
        model = _service_model(self.service)
        return model.operation_model(self.operation) if self.operation in model.operation_names else None

    def _named(self, error: AwsError) -> Json:
        name = _shape_names(self.service).get(error.code, error.code)
        return {"__type": name, "message": error.message, **error.details}

    def _with_query_error(self, response: Response, error: AwsError) -> Response:
        # A service that used to speak XML only tells the code it had there as well, which botocore goes by.
        if error.code in _shape_names(self.service):
            response.headers["x-amzn-query-error"] = f"{error.code};{_fault(error)}"
        return response


@dataclass(frozen=True, slots=True)
class _Json(Spoken):
    """AwsJson, in the version the request is of."""

    content_type: str

    def read(self, body: bytes) -> Json:
        model = self._model()
        if model is None:
            asked: Json = json.loads(body or b"{}")
            return asked
        request: Any = {"body": body}
        return dict(JSONParser(model, timestamp_parser=_moment).parse(request))

    def write(self, answer: Json) -> Response:
        return Response(json.dumps(answer, default=seconds), content_type=self.content_type)

    def refuse(self, error: AwsError) -> Response:
        response = Response(json.dumps(self._named(error)), error.status, content_type=self.content_type)
        return self._with_query_error(response, error)


class _Cbor(Spoken):
    """Smithy's RPC v2 in CBOR."""

    def read(self, body: bytes) -> Json:
        asked: Json = cbor2.loads(body) if body else {}
        return asked

    def write(self, answer: Json) -> Response:
        return _cbor_response(answer, 200)

    def refuse(self, error: AwsError) -> Response:
        return self._with_query_error(_cbor_response(self._named(error), error.status), error)


class _Query(Spoken):
    """The query protocol: forms that are answered in XML."""

    def read(self, body: bytes) -> Json:
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        model = self._model()
        if model is None or form.get("Version") != model.service_model.api_version:
            return form
        request: Any = {"values": form}
        return dict(QueryParser(model, timestamp_parser=_moment).parse(request))

    def write(self, answer: Json) -> Response:
        model: Any = self._model()
        return Response(QuerySerializer(model).serialize(answer)["body"], content_type="text/xml")

    def refuse(self, error: AwsError) -> Response:
        denied = isinstance(error, DeniedError)
        code, status = ("AccessDenied", 403) if denied else (error.code, error.status)
        text = (
            f"<ErrorResponse><Error><Type>{_fault(error)}</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error>"
            f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
        )
        return Response(text, status, content_type="text/xml")


def spoken(request: Request, body: bytes, service: str) -> Spoken:
    """Return the call that a request makes of a service, in the protocol it is made in."""
    target = request.headers.get("X-Amz-Target", "")
    if target:
        content_type = request.headers.get("Content-Type", "application/x-amz-json-1.1")
        return _Json(service, target.rpartition(".")[2], content_type)
    cbor = _CBOR_PATH.fullmatch(request.path)
    if cbor:
        return _Cbor(service, cbor["operation"])
    return _Query(service, dict(parse_qsl(body.decode(errors="replace"))).get("Action", request.method))


def _cbor_response(answer: Json, status: int) -> Response:
    response = Response(cbor2.dumps(answer, datetime_as_timestamp=True), status, content_type="application/cbor")
    response.headers["smithy-protocol"] = "rpc-v2-cbor"
    return response


@cache
def _service_model(service: str) -> Any:
    return get_service_model(_MODELS[service])


@cache
def _shape_names(service: str) -> dict[str, str]:
    shapes = _service_model(service).error_shapes if service in _MODELS else ()
    return {shape.error_code: shape.name for shape in shapes}


def _moment(value: str) -> datetime:
    return parse_timestamp(value).astimezone(UTC)


def _fault(error: AwsError) -> str:
    return "Receiver" if error.status >= _SERVER_ERRORS else "Sender"
