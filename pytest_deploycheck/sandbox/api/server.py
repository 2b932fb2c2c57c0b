"""The endpoint: an HTTP server in this process which answers for AWS."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

try:
    from moto.moto_api._internal.models import moto_api_backend
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server
    from werkzeug.wrappers import Request, Response

    from pytest_deploycheck.sandbox.api.protocols import Exchange, exchange
except ImportError as error:
    raise ImportError("The sandbox needs moto, flask and cbor2: pip install 'pytest-deploycheck[sandbox]'") from error

from pytest_deploycheck.sandbox.api import cloudwatch_alarms, cloudwatch_metrics, ecr, elbv2
from pytest_deploycheck.sandbox.api.ecs import instances, service_deployments, services, task_definitions, tasks
from pytest_deploycheck.sandbox.api.faults import Call, Effect, Faults
from pytest_deploycheck.sandbox.api.logs import event_stream, filter_events, groups, insights
from pytest_deploycheck.sandbox.api.logs.live_tail import TailSessions, start_live_tail
from pytest_deploycheck.sandbox.api.rates import RateLimits
from pytest_deploycheck.sandbox.world.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.serving import BaseWSGIServer

    from pytest_deploycheck.sandbox.api.policy import EnforcedPolicy
    from pytest_deploycheck.sandbox.api.responses import Json, Operation
    from pytest_deploycheck.sandbox.world.world import World

_MODULES = {
    "cloudwatch": (cloudwatch_alarms, cloudwatch_metrics),
    "ecr": (ecr,),
    "ecs": (task_definitions, tasks, services, service_deployments, instances),
    "logs": (groups, filter_events, insights),
}
OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    service: {name: operation for module in modules for name, operation in module.OPERATIONS.items()}
    for service, modules in _MODULES.items()
}
"""The operations that the sandbox answers itself and alone, by service."""

_ANSWERS: Mapping[str, Mapping[str, Callable[[World, str, Json], Json | None]]] = {
    **OPERATIONS,
    "elasticloadbalancing": elbv2.OPERATIONS,
}

_SCOPE = re.compile(r"Credential=[^/]*/\d*/(?P<region>[^/]*)/(?P<service>[^/]*)/")
_IAM_NAMES = {"monitoring": "cloudwatch"}
_POLL_SECONDS = 0.02


class Application:
    """A WSGI application: the sandbox's own answers in front of moto's.

    Attributes:
        world: The state that the answers are made of.
        faults: The faults in force.
        limits: The rates in force.
        latency: Returns the seconds that every call takes.
        policy: The policy that is enforced; None allows every call.
        refused: The calls that it has refused, oldest first.
        calls: The calls that arrived, oldest first.
        tails: The live tails that are open.
    """

    def __init__(self, world: World, faults: Faults, limits: RateLimits, latency: Callable[[], float]) -> None:
        self.world = world
        self.faults = faults
        self.limits = limits
        self.latency = latency
        self.policy: EnforcedPolicy | None = None
        self.refused: list[Call] = []
        self.calls: list[Call] = []
        self.tails = TailSessions()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        body = request.get_data()
        exchanged, call = _call(request, body)
        self.calls.append(call)
        # moto reads the body from the stream as well.
        environ["wsgi.input"] = io.BytesIO(body)
        closing = self.tails.closing
        closing.wait(self.latency())
        effects = self.faults.take(call)
        try:
            self.limits.check(call.operation, call.region)
            self._enforce(call)
            for effect in effects:
                effect.wait(closing)
                effect.refuse(call, self.world.account.id)
            response = self._respond(request, exchanged, call, effects)
            for effect in effects:
                response = effect.damage(response, closing)
        except AwsError as error:
            response = exchanged.refuse(error)
        response.headers["x-amzn-RequestId"] = str(uuid4())
        return response(environ, start_response)

    def _enforce(self, call: Call) -> None:
        """See that the policy allows a call, and keep those that it does not."""
        try:
            if self.policy:
                self.policy.check(call, self.world.account.id)
        except AwsError:
            self.refused.append(call)
            raise

    def _respond(self, request: Request, exchanged: Exchange, call: Call, effects: Iterable[Effect]) -> Response:
        if call.operation == "s3:GetObject":
            return self._blob(request)
        if call.operation == "logs:StartLiveTail":
            return self._live_tail(request, call)
        for effect in effects:
            call = call._replace(parameters=effect.ask(call.parameters))
        answer = self._answer(call)
        if answer is None:
            return self._by_moto(call, request.environ)
        for effect in effects:
            answer = effect.amend(answer)
        return exchanged.write(answer)

    def _answer(self, call: Call) -> Json | None:
        """Return the sandbox's own answer; None where moto answers."""
        service, _, operation = call.operation.partition(":")
        is_hidden = not self.world.service_deployments and _is_about_service_deployments(operation)
        answer = None if is_hidden else _ANSWERS.get(service, {}).get(operation)
        if answer is None:
            if service in OPERATIONS:
                raise _unknown(call)
            return None
        with self.world.account.lock:
            return answer(self.world, call.region, call.parameters)

    def _live_tail(self, request: Request, call: Call) -> Response:
        with self.world.account.lock:
            tail = start_live_tail(self.world, call.region, call.parameters)
        stream = self.tails.stream(tail, request.environ["werkzeug.socket"])
        return Response(stream, content_type=event_stream.CONTENT_TYPE)

    def _by_moto(self, call: Call, environ: WSGIEnvironment) -> Response:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.world.account.id
        try:
            return Response.from_app(self._moto, environ)
        except NotImplementedError as error:
            raise _unknown(call) from error

    def _blob(self, request: Request) -> Response:
        if request.args.get("X-Amz-Signature") != self.world.signature:
            raise AwsError("AccessDenied", "Access Denied", 403)
        _, account, region, *name, digest = request.path.strip("/").split("/")
        with self.world.account.lock:
            repository = self.world.registries.find(account, region, "/".join(name))
            data = repository.blobs.get(digest) if repository else None
        if data is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return Response(data, content_type="application/octet-stream")


class Server:
    """Serves an application on the loopback interface, in a thread.

    Args:
        application: The application.
        port: The port; 0 is a free one.

    Raises:
        OSError: If the port is in use.
    """

    def __init__(self, application: Application, port: int) -> None:
        # moto keeps its state for the whole process: that of an earlier sandbox must not show in this one.
        moto_api_backend.reset()
        self._tails = application.tails
        # werkzeug ends the process where a port is in use, so it is given the socket.
        with socket.create_server(("127.0.0.1", port)) as bound:
            host, free = bound.getsockname()
            self._server: BaseWSGIServer = make_server(
                host, free, application, threaded=True, request_handler=_RequestHandler, fd=bound.fileno()
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        """Begin to serve."""
        self._tails.open()
        self._thread.start()

    def stop(self) -> None:
        """Close the port, end the open streams, and wait until the threads have ended."""
        self._tails.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        moto_api_backend.reset()


class _RequestHandler(MotoRequestHandler):
    """Sends the sandbox's time as the date of each response, and logs no requests."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        application = self.server.app
        ahead = application.world.account.clock_offset if isinstance(application, Application) else timedelta(0)
        return super().date_time_string((timestamp or time.time()) + ahead.total_seconds())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def _call(request: Request, body: bytes) -> tuple[Exchange, Call]:
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    region, signed = (scope["region"], scope["service"]) if scope else ("", "")
    exchanged = exchange(request, body, _IAM_NAMES.get(signed, signed))
    if request.method == "GET" and request.path.startswith("/layers/"):
        _, _, region, *_, digest = request.path.strip("/").split("/")
        return exchanged, Call("s3:GetObject", region, {"Key": digest})
    return exchanged, Call(f"{exchanged.service}:{exchanged.operation}", region, exchanged.read(body))


def _unknown(call: Call) -> AwsError:
    return AwsError("UnknownOperationException", f"The sandbox does not answer {call.operation}")


def _is_about_service_deployments(operation: str) -> bool:
    return "ServiceDeployment" in operation or "ServiceRevision" in operation
