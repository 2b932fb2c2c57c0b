"""The endpoint: an HTTP server in this process which answers for AWS."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

try:
    from moto.moto_api._internal.models import moto_api_backend
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server
    from werkzeug.wrappers import Request, Response
except ImportError as error:
    raise ImportError("The sandbox needs moto and flask: pip install 'pytest-deploycheck[sandbox]'") from error

from pytest_deploycheck.sandbox import ecr, ecs_services, ecs_tasks, eventstream, logs, logs_filter, logs_queries
from pytest_deploycheck.sandbox.faults import AwsError, Call, Faults
from pytest_deploycheck.sandbox.logs_tail import LiveTails, start_live_tail
from pytest_deploycheck.sandbox.targets import describe_target_health

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.serving import BaseWSGIServer

    from pytest_deploycheck.sandbox.answers import Answer, Json
    from pytest_deploycheck.sandbox.world import World

_ANSWERS: Mapping[str, Mapping[str, Answer]] = {
    "ecr": ecr.OPERATIONS,
    "ecs": {**ecs_tasks.OPERATIONS, **ecs_services.OPERATIONS},
    "logs": {**logs.OPERATIONS, **logs_filter.OPERATIONS, **logs_queries.OPERATIONS},
}
_SCOPE = re.compile(r"Credential=[^/]*/\d*/(?P<region>[^/]*)/(?P<service>[^/]*)/")
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")
_IAM_NAMES = {"monitoring": "cloudwatch"}
_JSON = "application/x-amz-json-1.1"
_POLL_SECONDS = 0.02


class Application:
    """A WSGI application: the sandbox's own answers in front of moto's.

    Attributes:
        world: What the answers are made of.
        faults: What goes wrong on purpose.
        calls: The calls that arrived, oldest first.
        tails: The live tails that are open.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.calls: list[Call] = []
        self.tails = LiveTails()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        body = request.get_data()
        call = _call(request, body)
        self.calls.append(call)
        # Reading the body has used the stream up.
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            self.faults.check(call)
            if call.operation == "s3:GetObject":
                response = self._blob(request)
            elif call.operation == "logs:StartLiveTail":
                response = self._live_tail(request, call)
            elif call.operation.partition(":")[0] in _ANSWERS:
                response = Response(json.dumps(self._answer(call)), content_type=_JSON)
            else:
                return self._by_others(call, environ, start_response)
        except AwsError as error:
            response = _error_response(request, error)
        response.headers["x-amzn-RequestId"] = str(uuid4())
        return response(environ, start_response)

    def _answer(self, call: Call) -> Json:
        service, _, operation = call.operation.partition(":")
        answer = _ANSWERS[service].get(operation)
        if answer is None or (not self.world.service_deployments and _is_about_service_deployments(operation)):
            raise _unknown(call)
        with self.world.lock:
            return answer(self.world, call.region, call.parameters)

    def _live_tail(self, request: Request, call: Call) -> Response:
        with self.world.lock:
            tail = start_live_tail(self.world, call.region, call.parameters)
        stream = self.tails.stream(tail, request.environ["werkzeug.socket"])
        return Response(stream, content_type=eventstream.CONTENT_TYPE)

    def _by_others(self, call: Call, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if call.operation == "elasticloadbalancing:DescribeTargetHealth":
            text = describe_target_health(self.world, call.parameters)
            if text is not None:
                return Response(text, content_type="text/xml")(environ, start_response)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.world.account
        try:
            answer: Iterable[bytes] = self._moto(environ, start_response)
        except NotImplementedError as error:
            raise _unknown(call) from error
        return answer

    def _blob(self, request: Request) -> Response:
        if request.args.get("X-Amz-Signature") != self.world.signature:
            raise AwsError("AccessDenied", "Access Denied", 403)
        _, account, region, *name, digest = request.path.strip("/").split("/")
        with self.world.lock:
            repository = self.world.registries.find(account, region, "/".join(name))
            data = repository.blobs.get(digest) if repository else None
        if data is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return Response(data, content_type="application/octet-stream")


class Server:
    """Serves an application on a free port of the loopback interface, in a thread."""

    def __init__(self, application: Application) -> None:
        # What an earlier sandbox of this process left in moto must not be seen in this one.
        moto_api_backend.reset()
        self._tails = application.tails
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, application, threaded=True, request_handler=_RequestHandler
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it can be reached."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        """Begin to serve."""
        self._tails.open()
        self._thread.start()

    def stop(self) -> None:
        """Close the port, end what is streamed, and wait until the threads have ended."""
        self._tails.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        moto_api_backend.reset()


class _RequestHandler(MotoRequestHandler):
    """Tells the world's time in each answer, and keeps quiet about requests."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        application = self.server.app
        ahead = application.world.clock_offset if isinstance(application, Application) else timedelta(0)
        return super().date_time_string((timestamp or time.time()) + ahead.total_seconds())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _call(request: Request, body: bytes) -> Call:
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    region, service = (scope["region"], scope["service"]) if scope else ("", "")
    if request.method == "GET" and request.path.startswith("/layers/"):
        _, _, region, *_, digest = request.path.strip("/").split("/")
        return Call("s3:GetObject", region, {"Key": digest})
    target = request.headers.get("X-Amz-Target", "")
    cbor = _CBOR_PATH.fullmatch(request.path)
    parameters: dict[str, Any] = {}
    if target:
        operation = target.rpartition(".")[2]
        parameters = json.loads(body or b"{}")
    elif cbor:
        operation = cbor["operation"]
    else:
        parameters = dict(parse_qsl(body.decode(errors="replace")))
        operation = parameters.get("Action", request.method)
    return Call(f"{_IAM_NAMES.get(service, service)}:{operation}", region, parameters)


def _unknown(call: Call) -> AwsError:
    return AwsError("UnknownOperationException", f"The sandbox does not answer {call.operation}")


def _is_about_service_deployments(operation: str) -> bool:
    return "ServiceDeployment" in operation or "ServiceRevision" in operation


def _error_response(request: Request, error: AwsError) -> Response:
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        response = Response(_cbor_map({"__type": error.code, "message": error.message}), error.status)
        response.headers.update({"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})
        return response
    if "X-Amz-Target" in request.headers:
        text = json.dumps({"__type": error.code, "message": error.message, **error.details})
        return Response(text, error.status, content_type=_JSON)
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )
    return Response(text, error.status, content_type="text/xml")


def _cbor_map(texts: Mapping[str, str]) -> bytes:
    """Write a map of texts in CBOR, as CloudWatch speaks it (RFC 8949: map 0xa0, text with 16-bit length 0x79)."""
    encoded = bytes([0xA0 + len(texts)])
    for text in (part for pair in texts.items() for part in pair):
        data = text.encode()
        encoded += b"\x79" + len(data).to_bytes(2, "big") + data
    return encoded
