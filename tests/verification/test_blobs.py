"""Blobs from ECR and from other registries, over HTTP."""

from __future__ import annotations

import io
import logging
import threading
import time
import tracemalloc
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from support.log_fakes import FakeClock
from support.v2_registry import SIGNATURE, Answer, Cut, LongBlob, V2Registry, digest_of

from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.facts.image import Reference, Registry
from pytest_deploycheck.observe.registry.blob_cache import BlobCache
from pytest_deploycheck.observe.registry.blobs import Blobs, BlobStore, EcrBlobs
from pytest_deploycheck.observe.registry.client import RegistryClient
from pytest_deploycheck.observe.registry.credentials import Found
from pytest_deploycheck.observe.registry.download import download
from pytest_deploycheck.observe.registry.errors import BlobError, RequestSubject
from pytest_deploycheck.observe.registry.retry import Retries
from pytest_deploycheck.observe.registry.web import Web
from pytest_deploycheck.observe.session import Session
from pytest_deploycheck.oci import reference as oci
from pytest_deploycheck.polling import Overtime, SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_ecr import ECRClient

    from pytest_deploycheck.sandbox import Sandbox, SandboxImage

AT_ONCE = Retries(backoff=0)
DATA = bytes(range(256)) * 2000
IN_ECR = Reference(
    "123456789012.dkr.ecr.us-east-1.amazonaws.com", "team/app", "1", ecr=Registry("123456789012", "us-east-1")
)


class Layers:
    """An ECR that hands out presigned addresses of another server, as ECR does of S3."""

    def __init__(self, storage: V2Registry) -> None:
        self.storage = storage
        self.calls = 0

    def get_download_url_for_layer(self, **asked: str) -> dict[str, str]:
        """Answer GetDownloadUrlForLayer."""
        self.calls += 1
        url = (
            f"http://{self.storage.host}/cdn/{asked['layerDigest']}?X-Amz-Security-Token=x&X-Amz-Signature={SIGNATURE}"
        )
        return {"downloadUrl": url, "layerDigest": asked["layerDigest"]}

    def blobs(self, retries: Retries = AT_ONCE) -> EcrBlobs:
        """The source of what it has."""
        return EcrBlobs(lambda _: cast("ECRClient", self), retries=retries)


@pytest.fixture
def registry() -> Iterator[V2Registry]:
    """A registry without anything in it."""
    with V2Registry().serving() as registry:
        yield registry


@pytest.fixture
def ecr(aws: Sandbox) -> EcrBlobs:
    """The blobs of the sandbox's ECR."""
    assert aws.endpoint_url
    return EcrBlobs(lambda region: boto3.client("ecr", region_name=region), retries=AT_ONCE)


@pytest.fixture(params=["ecr", "registry", "registry with a CDN"])
def source(request: pytest.FixtureRequest, registry: V2Registry) -> Iterator[tuple[BlobStore, Reference, V2Registry]]:
    """A source of blobs, a reference to go with it, and the server that has the bytes."""
    if request.param == "ecr":
        yield Layers(registry).blobs(), IN_ECR, registry
        return
    client = RegistryClient(retries=AT_ONCE, credentials=nobody)
    blobs = Blobs(Layers(registry).blobs(), client)
    if request.param == "registry":
        yield blobs, registry.reference(), registry
        return
    with V2Registry().serving() as front:
        front.cdn = registry
        yield blobs, front.reference(), registry


Source = tuple[BlobStore, Reference, V2Registry]


def nobody(_: str) -> Found:
    """No credentials for any registry."""
    return Found(None, "anonymously, as this is a test")


def read(store: BlobStore, reference: Reference, digest: str, size: int | None = None) -> bytes:
    """The whole of a blob."""
    with store.open(reference, digest, size) as file:
        return file.read()


def error_of(store: BlobStore, reference: Reference, digest: str, size: int | None = None) -> BlobError:
    """The reason why a blob cannot be read to its end."""
    with pytest.raises(BlobError) as caught:
        read(store, reference, digest, size)
    return caught.value


def everything_told(error: BaseException) -> str:
    """The texts that an error, its causes and the local variables on its way could show."""
    told, one = [], error
    while one is not None:
        told += [str(one), repr(one)]
        trace = one.__traceback__
        while trace is not None:
            if "pytest_deploycheck" in trace.tb_frame.f_code.co_filename:
                told += [repr(value) for value in trace.tb_frame.f_locals.values()]
            trace = trace.tb_next
        assert one.__context__ is None or one.__suppress_context__
        one = cast("BaseException", one.__cause__)
    return "\n".join(told)


def in_ecr(image: SandboxImage) -> Reference:
    """The reference of an image in the sandbox."""
    return oci.parse(image.uri)


# ECR, with boto3 as it is installed.


def test_configs_and_layers_come_from_ecr(aws: Sandbox, ecr: EcrBlobs) -> None:
    """Every blob of an image can be read, through the session that refuses all but reads as well."""
    image = aws.push_image("shop:1", {"app/main.py": "print(1)"})
    through_session = EcrBlobs(Session(EnvironmentSettings(name="dev")).ecr)
    for layer in image.layers:
        assert digest_of(read(ecr, in_ecr(image), layer.digest, len(layer.data))) == layer.digest
        assert read(through_session, in_ecr(image), layer.digest) == layer.data
    asked = [call for call in aws.calls if call.operation == "ecr:GetDownloadUrlForLayer"]
    assert {call.parameters["registryId"] for call in asked} == {"123456789012"}


def test_another_accounts_registry_is_asked_in_its_region(aws: Sandbox, ecr: EcrBlobs) -> None:
    """Account and region come from the reference."""
    image = aws.push_image("999999999999.dkr.ecr.eu-central-1.amazonaws.com/shared/shop:7", {"app": "7"})
    assert read(ecr, in_ecr(image), image.layers[0].digest) == image.layers[0].data
    assert aws.calls[0].region == "eu-central-1"
    assert aws.calls[0].parameters["registryId"] == "999999999999"


def test_a_blob_that_ecr_has_no_more(aws: Sandbox, ecr: EcrBlobs) -> None:
    """A blob or a repository that was deleted since is said to be gone, whichever step tells."""
    image = aws.push_image("shop:1", {"app": "1"})
    digest = image.layers[0].digest
    unknown = error_of(ecr, in_ecr(image), digest_of(b"never pushed"))
    assert (unknown.problem.code, unknown.absent) == ("LayersNotFoundException", "digest")
    assert unknown.problem.operation == "ecr:GetDownloadUrlForLayer"
    assert "does not exist" in unknown.problem.message
    assert "lifecycle policy" in unknown.problem.remedy
    nowhere = error_of(ecr, oci.parse(image.uri.replace("/shop", "/nowhere")), digest)
    assert (nowhere.problem.code, nowhere.absent) == ("RepositoryNotFoundException", "repository")
    aws.fail("s3:GetObject", code="NoSuchKey", status=404)
    assert error_of(ecr, in_ecr(image), digest).absent == "digest"
    assert not unknown.problem.passing


def test_a_permission_that_is_missing_is_named(aws: Sandbox, ecr: EcrBlobs) -> None:
    """A denial of the call names the action to allow; one of the download names ECR's bucket."""
    image = aws.push_image("shop:1", {"app": "1"})
    aws.deny("ecr:GetDownloadUrlForLayer")
    denied = error_of(ecr, in_ecr(image), image.layers[0].digest)
    assert denied.problem.code == "AccessDeniedException"
    assert "ecr:GetDownloadUrlForLayer" in denied.problem.remedy
    aws.allow()
    aws.fail("s3:GetObject", code="AccessDenied", status=403)
    aws.calls.clear()
    refused = error_of(ecr, in_ecr(image), image.layers[0].digest)
    assert refused.problem.code == "AccessDenied"
    assert "starport-layer-bucket" in refused.problem.remedy
    assert sum(call.operation == "s3:GetObject" for call in aws.calls) == 1


def test_a_storage_that_is_busy_is_asked_again(aws: Sandbox, ecr: EcrBlobs) -> None:
    """S3's `SlowDown` passes; one that does not is a problem that may pass."""
    image = aws.push_image("shop:1", {"app": "1"})
    aws.fail("s3:GetObject", code="SlowDown", status=503, times=2)
    assert read(ecr, in_ecr(image), image.layers[0].digest) == image.layers[0].data
    aws.fail("s3:GetObject", code="SlowDown", status=503)
    busy = error_of(ecr, in_ecr(image), image.layers[0].digest)
    assert busy.problem.code == "SlowDown"
    assert busy.problem.passing
    assert "5 attempts" in busy.problem.message


def test_a_throttled_call_is_a_problem_that_may_pass(aws: Sandbox) -> None:
    """A request that botocore gives up on is not sent again."""
    image = aws.push_image("shop:1", {"app": "1"})
    aws.fail("ecr:GetDownloadUrlForLayer", code="ThrottlingException", message="Rate exceeded")
    client = boto3.client("ecr", region_name="us-east-1", config=_once())
    store = EcrBlobs(lambda _: client, retries=AT_ONCE)
    throttled = error_of(store, in_ecr(image), image.layers[0].digest)
    assert throttled.problem.code == "ThrottlingException"
    assert throttled.problem.passing
    assert sum(call.operation == "ecr:GetDownloadUrlForLayer" for call in aws.calls) == 1


def _once() -> Any:
    from botocore.config import Config  # noqa: PLC0415

    return Config(retries={"total_max_attempts": 1})


def test_an_answer_without_an_address(aws: Sandbox) -> None:
    """ECR that cannot be reached, or says nothing, is a problem with botocore's own name."""
    client = boto3.client("ecr", region_name="us-east-1", endpoint_url="http://127.0.0.1:9", config=_once())
    unreachable = error_of(EcrBlobs(lambda _: client, retries=AT_ONCE), IN_ECR, digest_of(b""))
    assert unreachable.problem.code == "EndpointConnectionError"
    silent = EcrBlobs(lambda _: cast("ECRClient", _Silent()), retries=AT_ONCE)
    assert error_of(silent, IN_ECR, digest_of(b"")).problem.code == "IncompleteAnswerError"
    odd = EcrBlobs(lambda _: cast("ECRClient", _Silent("http://[x/?X-Amz-Signature=1")), retries=AT_ONCE)
    told = error_of(odd, IN_ECR, digest_of(b""))
    assert not told.problem.passing
    assert "X-Amz" not in everything_told(told)
    assert aws.calls == []


class _Silent:
    """An ECR that answers with an address of no use, or with none."""

    def __init__(self, url: str = "") -> None:
        self._answer = {"downloadUrl": url} if url else {}

    def get_download_url_for_layer(self, **_: str) -> dict[str, str]:
        """Answer GetDownloadUrlForLayer."""
        return self._answer


def test_no_presigned_address_is_logged_by_the_calls_of_a_session(
    aws: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A session calls in another thread, where botocore logs the answer of ECR, the address in it."""
    caplog.set_level(logging.DEBUG, logger="")
    image = aws.push_image("shop:1", {"app": "1"})
    read(EcrBlobs(Session(EnvironmentSettings(name="dev")).ecr), in_ecr(image), image.layers[0].digest)
    assert "downloadUrl" in caplog.text
    assert "X-Amz-Signature" not in caplog.text
    assert aws._world.signature not in caplog.text


def test_no_presigned_address_is_ever_shown(
    aws: Sandbox, ecr: EcrBlobs, caplog: pytest.LogCaptureFixture, registry: V2Registry
) -> None:
    """Neither errors, their tracebacks nor logs of any level hold what opens a layer."""
    caplog.set_level(logging.DEBUG, logger="")
    image = aws.push_image("shop:1", {"app": "1"})
    read(ecr, in_ecr(image), image.layers[0].digest)
    told = []
    for status in (403, 404, 418, 429, 503):
        aws.fail("s3:GetObject", code="Odd", status=status)
        told.append(everything_told(error_of(ecr, in_ecr(image), image.layers[0].digest)))
        aws.allow()
    digest = registry.add_blob(DATA)
    store = Layers(registry).blobs()
    registry.plan("/cdn/", *[Cut(10)] * 5)
    told.append(everything_told(error_of(store, IN_ECR, digest, len(DATA))))
    registry.blobs[digest] = b"else"
    told.append(everything_told(error_of(store, IN_ECR, digest)))
    registry.plan("/cdn/", Answer(302, headers={"Location": f"ftp://x/?X-Amz-Signature={SIGNATURE}"}))
    told.append(everything_told(error_of(store, IN_ECR, digest)))
    store = Layers(cast("V2Registry", _NoServer)).blobs()
    told.append(everything_told(error_of(store, IN_ECR, digest)))
    everything = "\n".join((*told, caplog.text))
    assert "GET /layers/" in caplog.text
    assert SIGNATURE not in everything
    assert "X-Amz-Signature" not in everything
    assert aws._world.signature not in everything


class _NoServer:
    """A server that cannot be reached: nothing listens on the discard port."""

    host = "127.0.0.1:9"


def test_logs_of_others_are_left_alone(registry: V2Registry, caplog: pytest.LogCaptureFixture) -> None:
    """Only what is logged on our own behalf is masked."""
    caplog.set_level(logging.DEBUG, logger="")
    read(Layers(registry).blobs(), IN_ECR, registry.add_blob(DATA))
    logging.getLogger("urllib3.connectionpool").debug("GET %s", "/own?name=value")
    assert "GET /own?name=value" in caplog.text


# Every source.


def test_a_blob_streams_and_is_proven(source: Source) -> None:
    """It can be read in pieces of any size, with its size known or not."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    for size in (None, len(DATA)):
        with store.open(reference, digest, size) as file:
            pieces = [file.read(1), file.read(100_000), file.read()]
            assert file.read() == b""
        assert b"".join(pieces) == DATA


def test_an_empty_blob_is_a_blob(source: Source) -> None:
    """Nothing at all has a digest too."""
    store, reference, server = source
    assert read(store, reference, server.add_blob(b""), 0) == b""


@pytest.mark.parametrize("length", [len(DATA), len(DATA) - 1, 10])
def test_other_bytes_are_never_taken_for_the_blob(source: Source, length: int) -> None:
    """Whoever reads to the end, by count or until nothing comes, gets an error instead of the last bytes."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    server.blobs[digest] = bytes(length)
    assert error_of(store, reference, digest).problem.code == "DigestMismatch"
    with store.open(reference, digest) as file:
        with pytest.raises(BlobError):
            file.read(length)
        with pytest.raises(BlobError):
            file.read(1)


@pytest.mark.parametrize("more", [-1, 1])
def test_another_size_is_noticed_at_once(source: Source, more: int) -> None:
    """A blob that is announced to be longer or shorter than promised is not read at all."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    mismatch = error_of(store, reference, digest, len(DATA) + more)
    assert mismatch.problem.code == "SizeMismatch"
    assert not mismatch.problem.passing


def test_more_than_was_promised_is_not_read(source: Source) -> None:
    """A server that does not say how much it sends is not read for ever."""
    store, reference, server = source
    server.announces_length = False
    digest = server.add_blob(DATA)
    assert error_of(store, reference, digest, len(DATA) - 1).problem.code == "SizeMismatch"


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_an_interrupted_download_goes_on(source: Source, takes_ranges: bool) -> None:  # noqa: FBT001
    """It continues from the byte reached; a server without ranges is read again without anything coming twice."""
    store, reference, server = source
    server.takes_ranges = takes_ranges
    digest = server.add_blob(DATA)
    server.plan(digest, Cut(300_000), Cut(20_000 if takes_ranges else 320_000))
    assert read(store, reference, digest, len(DATA)) == DATA
    ranges = [got.headers.get("Range") for got in server.asked(digest)]
    assert ranges == [None, "bytes=300000-", "bytes=320000-"]


def test_a_download_that_is_always_cut_short_fails(source: Source) -> None:
    """In the end it says how far it came."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    server.plan(digest, *[Cut(1000)] * 5)
    cut = error_of(store, reference, digest, len(DATA))
    assert cut.problem.passing
    assert len(server.asked(digest)) == 5
    assert "5 attempts" in cut.problem.message


def test_a_blob_without_a_length_that_ends_early(source: Source) -> None:
    """If the server does not say how long it is, the manifest's size or the digest tells."""
    store, reference, server = source
    server.announces_length = False
    digest = server.add_blob(DATA)
    assert read(store, reference, digest, len(DATA)) == DATA
    server.plan(digest, Cut(5000))
    assert read(store, reference, digest, len(DATA)) == DATA
    server.plan(digest, Cut(5000))
    assert error_of(store, reference, digest).problem.code == "DigestMismatch"


def test_a_refused_range_is_not_the_end(source: Source) -> None:
    """A server that refuses a range, or gives another one, is asked for the whole again."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    for answer in (
        Answer(416),
        Answer(206, b"xyz", {"Content-Range": f"bytes 400000-400002/{len(DATA)}"}),
        Answer(206, b"xyz"),
    ):
        server.plan(digest, Cut(300_000), answer)
        assert read(store, reference, digest, len(DATA)) == DATA


def test_a_range_may_begin_before_what_was_asked(source: Source) -> None:
    """The bytes that were there already are passed over, and a shorter range than requested is only a part."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    part = Answer(206, DATA[200_000:350_000], {"Content-Range": f"bytes 200000-349999/{len(DATA)}"})
    server.plan(digest, Cut(300_000), part)
    assert read(store, reference, digest, len(DATA)) == DATA


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_what_passes_is_asked_again(source: Source, status: int) -> None:
    """Errors of servers and throttling are waited for."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    server.plan(digest, *[Answer(status)] * 2)
    assert read(store, reference, digest, len(DATA)) == DATA
    server.plan(digest, *[Answer(status)] * 5)
    failure = error_of(store, reference, digest)
    assert failure.problem.code == f"HTTP{status}"
    assert failure.problem.passing


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204])
def test_what_does_not_pass_is_asked_once(source: Source, status: int) -> None:
    """A refusal stands."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    server.plan(digest, *[Answer(status)] * 5)
    failure = error_of(store, reference, digest)
    assert not failure.problem.passing
    assert len(server.asked(digest)) <= (2 if status == 401 else 1)
    assert (failure.absent == "digest") == (status == 404)


def test_no_more_is_waited_than_is_sensible(registry: V2Registry) -> None:
    """A server's `Retry-After` is honoured up to a bound; beyond it, the message says how long it would have been."""
    slept: list[float] = []
    store = Layers(registry).blobs(Retries(backoff=0, sleep=slept.append))
    digest = registry.add_blob(DATA)
    registry.plan("/cdn/", Answer(429, headers={"Retry-After": "7"}))
    registry.plan("/cdn/", Answer(503, headers={"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}))
    registry.plan("/cdn/", Answer(503, headers={"Retry-After": "soon"}))
    assert read(store, IN_ECR, digest) == DATA
    assert slept == [7, 0, 0]
    registry.plan("/cdn/", Answer(429, headers={"Retry-After": "3600"}))
    throttled = error_of(store, IN_ECR, digest)
    assert slept == [7, 0, 0]
    assert "3600 s" in throttled.problem.message
    assert throttled.problem.passing


@pytest.mark.timeout(8)  # the server closes a connection that is not used after 10 s
def test_one_attempt_may_be_all(registry: V2Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is waited for, and a refusal whose words cannot be read is a refusal all the same."""
    monkeypatch.setattr("pytest_deploycheck.observe.registry.web._READ_SECONDS", 0.3)
    store = Layers(registry).blobs(Retries(attempts=1, sleep=_never))
    registry.plan("/cdn/", Answer(503, b"<Error><Co", {"Content-Length": "x", "Transfer-Encoding": "chunked"}))
    failure = error_of(store, IN_ECR, digest_of(b""))
    assert failure.problem.code == "HTTP503"
    assert "attempts" not in failure.problem.message


class _Dripping(LongBlob):
    """A blob that arrives byte by byte, for as long as anybody reads."""

    def __init__(self) -> None:
        super().__init__(blocks=1)
        self.is_over = threading.Event()

    def pieces(self) -> Iterator[bytes]:
        while not self.is_over.wait(0.02):
            yield b"x"


def test_a_blob_that_arrives_byte_by_byte_is_given_up(registry: V2Registry) -> None:
    """The limit of each read never ends it; the time of the run does, and retries share it."""
    blob = _Dripping()
    registry.blobs[blob.digest] = blob
    store = EcrBlobs(lambda _: cast("ECRClient", Layers(registry)), overtime=Overtime(SystemClock(), 0.5))
    began = time.monotonic()
    try:
        failure = error_of(store, IN_ECR, blob.digest)
    finally:
        blob.is_over.set()
    assert time.monotonic() - began < 3
    assert failure.problem.passing
    again = error_of(store, IN_ECR, blob.digest)
    assert "was not fetched, because the time for it was over" in again.problem.message


def test_a_download_in_progress_uses_up_no_time() -> None:
    """A large blob may take minutes: only what arrives more slowly than 64 KiB a second counts."""
    clock = FakeClock()
    overtime = Overtime(clock, 10)
    subject = RequestSubject("registry:GetBlob", "The blob", "digest", "")

    @contextmanager
    def ask(_: int) -> Iterator[Any]:
        yield _Slow(clock)

    assert sum(map(len, download(ask, subject=subject, size=None, retries=AT_ONCE, overtime=overtime))) == 100 * 65536
    with overtime.step():
        assert overtime.time_left() == 10


class _Slow:
    """A response of 100 chunks, of which one arrives each second."""

    status = 200
    length = None

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def chunks(self) -> Iterator[bytes]:
        for _ in range(100):
            self._clock.seconds += 1
            yield bytes(65536)


def _never(_: float) -> None:
    raise AssertionError("nothing is to be waited for")


def test_connections_are_kept_until_they_are_closed(registry: V2Registry) -> None:
    """A way can be closed, and opens itself again."""
    web, digest = Web(), registry.add_blob(DATA)
    store = EcrBlobs(lambda _: cast("ECRClient", Layers(registry)), web=web)
    for _ in range(2):
        assert read(store, IN_ECR, digest) == DATA
        web.close()


def test_pauses_grow_up_to_a_bound() -> None:
    """The second attempt comes soon, the later ones less so."""
    slept: list[float] = []
    retries = Retries(attempts=8, backoff=1, longest=10, sleep=slept.append)
    error_of(Layers(cast("V2Registry", _NoServer)).blobs(retries), IN_ECR, digest_of(b""))
    assert len(slept) == 7
    for pause, most in zip(slept, (1, 2, 4, 8, 10, 10, 10), strict=True):
        assert most / 2 <= pause <= most


def test_a_reader_may_stop_early(source: Source) -> None:
    """A blob that is not needed is not fetched, and the next blob can be had."""
    store, reference, server = source
    digest = server.add_blob(DATA)
    for _ in range(12):
        with store.open(reference, digest, len(DATA)) as file:
            assert file.read(10) == DATA[:10]
    assert read(store, reference, digest) == DATA


def test_a_digest_that_cannot_be_checked_is_not_asked_for(source: Source) -> None:
    """Only sha256 is a proof, and nothing else gets into an address."""
    store, reference, server = source
    for digest in ("sha512:" + "0" * 128, "../../x", "sha256:12"):
        assert error_of(store, reference, digest).problem.code == "UnsupportedDigest"
    assert server.got == []


def test_memory_stays_flat(source: Source, tmp_path: Path) -> None:
    """A blob of 32 MB goes through without being in memory, kept in the cache on its way."""
    store, reference, server = source
    blob = LongBlob(512)
    server.blobs[blob.digest] = blob
    cache = BlobCache(tmp_path)
    tracemalloc.start()
    try:
        with cache.open(blob.digest, blob.size, lambda: store.open(reference, blob.digest, blob.size)) as file:
            came = sum(len(chunk) for chunk in iter(lambda: file.read(1024 * 1024), b""))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert came == blob.size == 512 * 65536
    assert peak < 8 * 1024 * 1024
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [blob.size]


def test_a_shared_blob_is_fetched_once(registry: V2Registry, tmp_path: Path) -> None:
    """The layers that two images share, in whichever registry, are fetched for the first of them only."""
    digest = registry.add_blob(DATA)
    client = RegistryClient(retries=AT_ONCE, credentials=nobody)
    blobs = Blobs(Layers(registry).blobs(), client, BlobCache(tmp_path))
    assert read(blobs, registry.reference("1"), digest, len(DATA)) == DATA
    assert read(blobs, registry.reference("2"), digest, len(DATA)) == DATA
    assert read(blobs, IN_ECR, digest, len(DATA)) == DATA
    assert len(registry.got) == 1


def test_several_blobs_are_read_side_by_side(registry: V2Registry) -> None:
    """Two open blobs do not get in each other's way."""
    store = Layers(registry).blobs()
    digests = [registry.add_blob(DATA), registry.add_blob(DATA[1:])]
    with ExitStack() as stack:
        one, other = (stack.enter_context(store.open(IN_ECR, digest)) for digest in digests)
        mixed = [(one.read(100_000), other.read(100_000)) for _ in range(6)]
    assert b"".join(pair[0] for pair in mixed) == DATA
    assert b"".join(pair[1] for pair in mixed) == DATA[1:]


def test_a_proxy_of_the_environment_is_asked(registry: V2Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out is that of botocore: HTTP_PROXY and NO_PROXY hold for blobs too."""
    digest = registry.add_blob(DATA)
    monkeypatch.setenv("HTTP_PROXY", "http://user:pw-of-proxy@127.0.0.1:9")
    failure = error_of(Layers(registry).blobs(), IN_ECR, digest)
    assert "proxy" in failure.problem.message
    assert "pw-of-proxy" not in everything_told(failure)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert read(Layers(registry).blobs(), IN_ECR, digest) == DATA


def test_a_proxy_passes_blobs_on(registry: V2Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy gets the whole address and its own credentials."""
    digest = registry.add_blob(DATA)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:pw@{registry.host}")
    elsewhere = cast("V2Registry", type("Elsewhere", (), {"host": "layers.invalid"}))
    assert read(Layers(elsewhere).blobs(), IN_ECR, digest) == DATA
    assert "Proxy-Authorization" in registry.got[0].headers


def test_a_reference_in_no_ecr_is_a_mistake(registry: V2Registry) -> None:
    """ECR is not asked for what is elsewhere."""
    with (
        pytest.raises(ValueError, match="is not in an ECR registry"),
        Layers(registry).blobs().open(registry.reference(), digest_of(b"")) as file,
    ):
        assert isinstance(file, io.BufferedReader)
