"""The protocols of AWS's APIs.

Older versions of botocore call CloudWatch in XML, newer ones in CBOR or JSON; load balancers are called in XML.
The parameters and the answers of an operation are the same in all of them: the members of botocore's model, with
aware datetimes for times.
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

import cbor2
from botocore.utils import parse_timestamp
from moto.core.model import ServiceModel
from moto.core.parse import JSONParser, QueryParser
from moto.core.serialize import JSONSerializer, QuerySerializer, SerializationContext
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from pytest_deploycheck.sandbox.world.errors import AwsError, DeniedError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from pytest_deploycheck.sandbox.api.responses import Json

_MODELS = {"cloudwatch": "cloudwatch", "ecr": "ecr", "ecs": "ecs", "elasticloadbalancing": "elbv2", "logs": "logs"}
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")
_SERVER_ERRORS = 500
# moto's serializer takes ten times as long as json for a page of 10,000 events or rows, which contain no times.
_LARGE_ANSWERS = {"FilterLogEvents", "GetQueryResults"}


@dataclass(frozen=True, slots=True)
class Exchange(ABC):
    """The request for an operation and its response, in one protocol.

    Attributes:
        service: The service, by its name in IAM.
        operation: The operation.
    """

    service: str
    operation: str

    @abstractmethod
    def read(self, body: bytes) -> Json:
        """Return the parameters."""

    @abstractmethod
    def write(self, answer: Json) -> Response:
        """Return the response for an answer."""

    @abstractmethod
    def refuse(self, error: AwsError) -> Response:
        """Return the response for an error."""

    def _model(self) -> Any | None:
        """Return botocore's model of the operation, if it is one of a service that the sandbox answers for."""
        if self.service not in _MODELS:
            return None
        model = _service_model(self.service)
        return model.operation_model(self.operation) if self.operation in model.operation_names else None

    def _named(self, error: AwsError) -> Json:
        name = _shape_names(self.service).get(error.code, error.code)
        return {"__type": name, "message": error.message, **error.details}

    def _with_query_error(self, response: Response, error: AwsError) -> Response:
        # A service that was called in XML before also sends the code that it had there, which botocore prefers.
        is_compatible = self.service in _MODELS and "awsQueryCompatible" in _service_model(self.service).metadata
        if is_compatible and error.code in _shape_names(self.service):
            fault = "Receiver" if error.status >= _SERVER_ERRORS else "Sender"
            response.headers["x-amzn-query-error"] = f"{error.code};{fault}"
        return response


@dataclass(frozen=True, slots=True)
class _Json(Exchange):
    """AwsJson, in the version of the request."""

    content_type: str

    def read(self, body: bytes) -> Json:
        model = self._model()
        if model is None:
            parameters: Json = json.loads(body or b"{}")
            return parameters
        request: Any = {"body": body}
        return dict(JSONParser(model, timestamp_parser=_moment).parse(request))

    def write(self, answer: Json) -> Response:
        if self.operation in _LARGE_ANSWERS:
            return Response(json.dumps(answer), content_type=self.content_type)
        model: Any = self._model()
        return Response(JSONSerializer(model).serialize(answer)["body"], content_type=self.content_type)

    def refuse(self, error: AwsError) -> Response:
        response = Response(json.dumps(self._named(error)), error.status, content_type=self.content_type)
        return self._with_query_error(response, error)


class _Cbor(Exchange):
    """Smithy's RPC v2 in CBOR."""

    def read(self, body: bytes) -> Json:
        parameters: Json = cbor2.loads(body) if body else {}
        return parameters

    def write(self, answer: Json) -> Response:
        return _cbor_response(answer, 200)

    def refuse(self, error: AwsError) -> Response:
        return self._with_query_error(_cbor_response(self._named(error), error.status), error)


class _Query(Exchange):
    """The query protocol: forms that are answered in XML."""

    def read(self, body: bytes) -> Json:
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        model = self._model()
        if model is None or form.get("Version") != model.service_model.api_version:
            return form
        request: Any = {"values": form}
        return dict(QueryParser(model, timestamp_parser=_moment).parse(request))

    def write(self, answer: Json) -> Response:
        return _xml_response(self._model(), answer)

    def refuse(self, error: AwsError) -> Response:
        if isinstance(error, DeniedError):
            error = AwsError("AccessDenied", error.message, 403)
        return _xml_response(_failing_operation(self.operation, error), error)


def exchange(request: Request, body: bytes, service: str) -> Exchange:
    """Return the exchange that a request to a service begins, in the protocol of the request."""
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


def _xml_response(model: Any, answer: Json | AwsError) -> Response:
    written = QuerySerializer(model, SerializationContext(str(uuid4()))).serialize(answer)
    return Response(written["body"], written["status_code"], content_type="text/xml")


def _failing_operation(operation: str, error: AwsError) -> Any:
    """Return the model of an operation that has this error and nothing else.

    The models of services lack the errors that all services share and those that faults make up.
    """
    shape = {
        "type": "structure",
        "members": {},
        "exception": True,
        "fault": error.status >= _SERVER_ERRORS,
        "error": {"code": error.code, "httpStatusCode": error.status},
    }
    model = {"metadata": {}, "operations": {operation: {"name": operation}}, "shapes": {error.code: shape}}
    return ServiceModel(model).operation_model(operation)


@cache
def _service_model(service: str) -> Any:
    return get_service_model(_MODELS[service])


@cache
def _shape_names(service: str) -> dict[str, str]:
    shapes = _service_model(service).error_shapes if service in _MODELS else ()
    return {shape.error_code: shape.name for shape in shapes}


def _moment(value: str) -> datetime:
    return parse_timestamp(value).astimezone(UTC)
