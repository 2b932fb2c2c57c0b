"""Registries that are not ECR, over HTTP."""

from __future__ import annotations

import io
import json
import logging
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.v2_registry import ANONYMOUS, TOKEN, Answer, Cut, V2Registry, digest_of
from urllib3.response import HTTPResponse

from pytest_deploycheck.facts.image import Image, Reference
from pytest_deploycheck.observe.registry.client import RegistryClient
from pytest_deploycheck.observe.registry.credentials import Credentials, Found
from pytest_deploycheck.observe.registry.errors import BlobError, RequestSubject
from pytest_deploycheck.observe.registry.http import Reply, Request
from pytest_deploycheck.observe.registry.secrets import Secret
from pytest_deploycheck.observe.registry.web import Web
from pytest_deploycheck.oci import manifest as oci
from pytest_deploycheck.oci import reference as references
from verification.test_blobs import AT_ONCE, DATA, everything_told, nobody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "pass-of-ann-0815"
ANN = Credentials("ann", Secret(PASSWORD))


@pytest.fixture
def registry() -> Iterator[V2Registry]:
    """A registry with the user ann and one image."""
    with V2Registry().serving() as registry:
        registry.users["ann"] = PASSWORD
        registry.add_image()
        yield registry


def client(credentials: Credentials | None = None) -> RegistryClient:
    """A client with credentials for every registry, or with none."""
    found = Found(credentials, "with the credentials of a test") if credentials else nobody("")
    return RegistryClient(retries=AT_ONCE, credentials=lambda _: found)


def refused(client: RegistryClient, reference: Reference, wanted: str = "1") -> BlobError:
    """The reason why a manifest cannot be had."""
    with pytest.raises(BlobError) as caught:
        client.manifest(reference, wanted)
    return caught.value


@pytest.mark.parametrize("media_type", [oci.DOCKER_MANIFEST, oci.OCI_MANIFEST])
def test_a_tag_is_resolved_to_its_digest(registry: V2Registry, media_type: str) -> None:
    """The digest is that of the bytes, all four kinds of manifest being asked for."""
    digest = registry.add_image("2", media_type)
    manifest = client().manifest(registry.reference(), "2")
    assert manifest.digest == digest == digest_of(registry.manifests["2"])
    assert set(registry.got[0].headers["Accept"].split(", ")) == set(oci.MEDIA_TYPES)
    assert client().manifest(registry.reference(), digest) == manifest


def test_an_image_is_looked_up(registry: V2Registry) -> None:
    """The facts of an image in a registry are its digest, its kind and its manifest."""
    digest = registry.add_image("2")
    reference = registry.reference("2")
    manifest = oci.parse(registry.manifests["2"])
    found = client().look_up(reference)
    assert found.image == Image(reference, digest, oci.OCI_MANIFEST, manifest=manifest)
    assert (found.absent, found.problem) == (None, None)
    assert client().look_up(registry.reference(None, digest)).digest == digest


def test_a_tag_that_is_gone_beside_a_digest(registry: V2Registry) -> None:
    """A reference with both is found by its digest; that its tag is gone is told, but not what could not be asked."""
    digest = registry.add_image("2")
    found = client().look_up(registry.reference("9", digest))
    assert (found.digest, found.absent) == (digest, "tag")
    assert client().look_up(registry.reference("2", digest)).absent is None
    registry.plan("/manifests/9", Answer(403))
    assert client().look_up(registry.reference("9", digest)).absent is None


def test_missing_images(registry: V2Registry) -> None:
    """A tag, a digest or a whole repository that is not there is no problem of looking, and not asked for again."""
    assert client().look_up(registry.reference("9")).absent == "tag"
    assert client().look_up(registry.reference(None, digest_of(b""))).absent == "digest"
    assert len(registry.got) == 2
    body = json.dumps({"errors": [{"code": "NAME_UNKNOWN", "message": "repository not known"}]}).encode()
    registry.plan("/manifests/", Answer(404, body))
    lookup = client().look_up(registry.reference())
    assert (lookup.absent, lookup.problem) == ("repository", None)


@pytest.mark.parametrize("wanted", ["1", "digest"])
def test_a_manifest_with_another_digest(registry: V2Registry, wanted: str) -> None:
    """Neither the digest asked for nor the one in the header may be another."""
    digest = registry.add_image("1")
    name = digest if wanted == "digest" else wanted
    headers = {} if wanted == "digest" else {"Docker-Content-Digest": digest}
    registry.plan("/manifests/", Answer(200, registry.manifests["1"] + b" ", headers))
    failure = refused(client(), registry.reference(), name)
    assert failure.problem.code == "DigestMismatch"
    assert failure.problem.operation == "registry:GetManifest"
    assert digest in failure.problem.message


def test_a_manifest_without_a_digest_header(registry: V2Registry) -> None:
    """If the registry does not say, the digest is reckoned."""
    registry.plan("/manifests/", Answer(200, registry.manifests["1"]))
    assert client().manifest(registry.reference(), "1").digest == digest_of(registry.manifests["1"])


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"{}", b"[" * 100_000, b"", b"\xff\xfe", b'"x"'])
def test_other_content_than_a_manifest_is_not_an_image(registry: V2Registry, body: bytes) -> None:
    """A page to log in, or whatever else answers with 200, is not taken for an image."""
    registry.plan("/manifests/", Answer(200, body))
    lookup = client().look_up(registry.reference())
    assert lookup.image is None
    assert lookup.problem is not None
    assert lookup.problem.code == "NotAManifest"


def test_a_manifest_without_end(registry: V2Registry) -> None:
    """No more is read than a manifest may have."""
    registry.plan("/manifests/", Answer(200, b" " * (4 * 1024**2 + 1)))
    assert refused(client(), registry.reference()).problem.code == "SizeMismatch"


def test_a_manifest_that_is_cut_short_is_asked_for_again(registry: V2Registry) -> None:
    """A connection that breaks is no answer."""
    web = _Broken()
    failure = refused(RegistryClient(credentials=nobody, retries=AT_ONCE, web=web), registry.reference())
    assert failure.problem.passing
    assert web.asked == AT_ONCE.attempts


class _Broken(Web):
    """A way on which only the beginning arrives."""

    asked = 0

    @contextmanager
    def ask(self, request: Request, subject: RequestSubject) -> Iterator[Reply]:
        """Answer with less than is announced."""
        self.asked += 1
        assert request.url.endswith("/manifests/1")
        yield Reply(subject, HTTPResponse(io.BytesIO(b"{"), {"Content-Length": "1000"}, 200, preload_content=False))


# Who asks.


def test_an_anonymous_token_opens_what_is_public(registry: V2Registry) -> None:
    """The challenge is answered with a token, which serves for the repository until it expires."""
    registry.auth = "Bearer"
    asking = client()
    digest = registry.add_blob(DATA)
    asking.manifest(registry.reference(), "1")
    with asking.open_blob(registry.reference(), digest, len(DATA)) as file:
        assert file.read() == DATA
    assert len(registry.asked("/token")) == 1
    assert registry.got[-1].headers["Authorization"] == f"Bearer {ANONYMOUS}"


def test_a_token_that_expired_is_replaced(registry: V2Registry) -> None:
    """By its time, and where the registry refuses it before."""
    registry.auth = "Bearer"
    now = 0.0
    asking = RegistryClient(retries=AT_ONCE, credentials=nobody, monotonic=lambda: now)
    asking.manifest(registry.reference(), "1")
    now = 289.0
    asking.manifest(registry.reference(), "1")
    assert len(registry.asked("/token")) == 1
    now = 291.0
    asking.manifest(registry.reference(), "1")
    assert len(registry.asked("/token")) == 2
    challenge = f'Bearer realm="http://{registry.host}/token",service="test",scope="repository:team/app:pull"'
    registry.plan("/manifests/", Answer(401, headers={"WWW-Authenticate": challenge}))
    asking.manifest(registry.reference(), "1")
    assert len(registry.asked("/token")) == 3


@pytest.mark.parametrize("auth", ["Bearer", "Basic"])
def test_credentials_open_what_is_private(registry: V2Registry, auth: str) -> None:
    """They are sent only where the registry asks who it is: to its token server, or to itself."""
    registry.auth, registry.anonymous_may_pull = auth, False
    client(ANN).manifest(registry.reference(), "1")
    assert "Authorization" not in registry.got[0].headers
    last = registry.got[-1].headers["Authorization"]
    assert last == (f"Bearer {TOKEN}" if auth == "Bearer" else ANN.basic)


def test_an_identity_token_is_exchanged(registry: V2Registry) -> None:
    """It is sent in a form, as it would be logged in an address."""
    registry.auth, registry.anonymous_may_pull = "Bearer", False
    client(Credentials(identity_token=Secret("identity-token-9"))).manifest(registry.reference(), "1")
    (exchange,) = registry.asked("/token")
    assert (exchange.method, exchange.query) == ("POST", {})
    assert "grant_type=refresh_token" in exchange.body
    assert registry.got[-1].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("auth", ["Bearer", "Basic", "Negotiate"])
def test_a_denial_names_the_credentials(registry: V2Registry, auth: str) -> None:
    """Without credentials, or without the right ones, the remedy says as whom it was asked for and how to log in."""
    registry.auth, registry.anonymous_may_pull = auth, False
    anonymous = refused(client(), registry.reference())
    assert anonymous.problem.code == "UNAUTHORIZED"
    assert "denied" in anonymous.problem.message
    assert "anonymously, as this is a test" in anonymous.problem.remedy
    assert f"docker login {registry.host}" in anonymous.problem.remedy
    assert len(registry.got) <= 3
    if auth != "Negotiate":
        wrong = refused(client(Credentials("ann", Secret("wrong-password"))), registry.reference())
        assert "with the credentials of a test" in wrong.problem.remedy
        assert "wrong-password" not in everything_told(wrong)
    lookup = client().look_up(registry.reference())
    assert (lookup.image, lookup.absent) == (None, None)
    assert lookup.problem is not None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"{}"),
        Answer(200, b"[" * 100_000),
        Answer(200, b'{"token": "two\\r\\nX-Evil: lines"}'),
        Answer(200, b'{"token": "ok", "expires_in": "soon"}'),
        Answer(404),
        Answer(400),
        Answer(302, headers={"Location": ""}),
    ],
)
def test_a_token_server_without_a_token(registry: V2Registry, answer: Answer) -> None:
    """Another answer is never taken for a token, nor for a manifest of the image."""
    registry.auth = "Bearer"
    registry.plan("/token", *[answer] * 9)
    lookup = client().look_up(registry.reference())
    assert (lookup.image, lookup.absent) == (None, None)
    assert lookup.problem is not None


def test_a_token_server_that_is_busy(registry: V2Registry) -> None:
    """It is asked again like a registry."""
    registry.auth = "Bearer"
    registry.plan("/token", Answer(429), Answer(503))
    assert client().look_up(registry.reference()).image
    registry.plan("/token", *[Answer(429, headers={"Retry-After": "900"})] * 2)
    problem = client().look_up(registry.reference()).problem
    assert problem is not None
    assert problem.passing
    assert "900 s" in problem.message


def test_a_cdn_gets_no_credentials(registry: V2Registry) -> None:
    """Neither the header nor, where it asks who it is, the password of the registry goes to another host."""
    registry.auth = "Basic"
    digest = digest_of(DATA)
    with V2Registry().serving() as cdn:
        registry.cdn = cdn
        cdn.add_blob(DATA)
        with client(ANN).open_blob(registry.reference(), digest) as file:
            assert file.read() == DATA
        challenge = f'Basic realm="x", Bearer realm="http://{cdn.host}/token"'
        cdn.plan("/cdn/", Answer(401, headers={"WWW-Authenticate": challenge}))
        with pytest.raises(BlobError) as caught, client(ANN).open_blob(registry.reference(), digest) as file:
            file.read()
        assert caught.value.problem.operation == "registry:GetBlob"
        assert [got.path.startswith("/cdn/") for got in cdn.got] == [True, True]
        assert not any("Authorization" in got.headers for got in cdn.got)


def test_a_redirect_goes_on_with_the_range_and_the_rights(registry: V2Registry) -> None:
    """On the same host a redirect keeps the credentials, and a resumed download goes through it again."""
    registry.auth = "Basic"
    digest = registry.add_blob(DATA)
    target = f"/v2/team/app/blobs/{digest}"
    redirect = Answer(302, headers={"Location": target})
    asking = client(ANN)
    asking.manifest(registry.reference(), "1")
    registry.plan("/blobs/", redirect, Cut(1000), redirect)
    with asking.open_blob(registry.reference(), digest) as file:
        assert file.read() == DATA
    assert len(registry.asked("/blobs/")) == 4
    assert registry.got[-1].headers["Range"] == "bytes=1000-"
    assert registry.got[-1].headers["Authorization"] == ANN.basic


def test_redirects_come_to_an_end(registry: V2Registry) -> None:
    """A registry that sends in circles is left."""
    digest = registry.add_blob(DATA)
    registry.plan("/blobs/", *[Answer(307, headers={"Location": f"/v2/team/app/blobs/{digest}"})] * 20)
    with pytest.raises(BlobError) as caught, client().open_blob(registry.reference(), digest) as file:
        file.read()
    assert caught.value.problem.code == "Redirect"
    assert len(registry.got) == 6


def test_secrets_are_never_shown(registry: V2Registry, caplog: pytest.LogCaptureFixture) -> None:
    """Neither passwords nor tokens get into messages, local variables of tracebacks or logs."""
    caplog.set_level(logging.DEBUG, logger="")
    registry.auth = "Bearer"
    asking = client(ANN)
    asking.manifest(registry.reference(), "1")
    told = [repr(ANN)]
    for status in (400, 403, 404, 500):
        registry.plan("/manifests/", *[Answer(status)] * 5)
        told.append(everything_told(refused(asking, registry.reference())))
    registry.plan("/token", Answer(200, json.dumps({"token": f"{TOKEN}\n"}).encode()))
    told.append(everything_told(refused(client(ANN), registry.reference())))
    registry.plan("/token", Answer(403, json.dumps({"errors": [{"code": f"Bearer {TOKEN}"}]}).encode()))
    told.append(everything_told(refused(client(ANN), registry.reference())))
    everything = "\n".join((*told, caplog.text))
    for secret in (PASSWORD, TOKEN, ANN.basic):
        assert secret not in everything


# Where a reference leads.


class Noting(Web):
    """A way that leads nowhere, and notes where it was to lead."""

    def __init__(self, challenge: str = "") -> None:
        super().__init__()
        self.requests: list[Request] = []
        self._challenge = challenge

    @contextmanager
    def ask(self, request: Request, subject: RequestSubject) -> Iterator[Reply]:
        """Answer that it is not known who asks."""
        self.requests.append(request)
        yield Reply(subject, HTTPResponse(b"", {"WWW-Authenticate": self._challenge}, 401, preload_content=False))


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("nginx", "https://registry-1.docker.io/v2/library/nginx/manifests/latest"),
        ("docker.io/team/app:1", "https://registry-1.docker.io/v2/team/app/manifests/1"),
        ("index.docker.io/nginx:1", "https://registry-1.docker.io/v2/library/nginx/manifests/1"),
        ("ghcr.io/owner/app:1", "https://ghcr.io/v2/owner/app/manifests/1"),
        ("registry.example.com:5000/app:1", "https://registry.example.com:5000/v2/app/manifests/1"),
        ("localhost:5000/app:1", "http://localhost:5000/v2/app/manifests/1"),
        ("localhost/app:1", "http://localhost/v2/app/manifests/1"),
        ("127.0.0.1:5000/app:1", "http://127.0.0.1:5000/v2/app/manifests/1"),
        ("[::1]:5000/app:1", "http://[::1]:5000/v2/app/manifests/1"),
        ("localhost.example.com/app:1", "https://localhost.example.com/v2/app/manifests/1"),
        (f"ghcr.io/app@{digest_of(b'')}", f"https://ghcr.io/v2/app/manifests/{digest_of(b'')}"),
    ],
)
def test_where_a_reference_leads(reference: str, url: str) -> None:
    """Docker Hub has a host and a folder of its own; only this machine is called without TLS."""
    web = Noting()
    RegistryClient(web=web, retries=AT_ONCE, credentials=nobody).look_up(references.parse(reference))
    assert web.requests[0].url == url


@pytest.mark.parametrize(
    "host", ["unknown registry", "", "evil.com/x", "user@evil.com", "evil.com?x", "evil.com#", "a..b:123456", "[::1"]
)
def test_an_invalid_host_is_not_requested(host: str) -> None:
    """A reference that nobody could take apart leads nowhere."""
    web = Noting()
    lookup = RegistryClient(web=web, credentials=nobody).look_up(Reference(host, "app", "1"))
    assert lookup.problem is not None
    assert lookup.problem.code == "InvalidReference"
    assert web.requests == []


@pytest.mark.parametrize("wanted", ["../../x", "a b", "", "?x", "sha512:00"])
def test_an_invalid_tag_is_not_requested(wanted: str) -> None:
    """Nothing but a tag or a digest gets into an address."""
    web = Noting()
    asking = RegistryClient(web=web, credentials=nobody)
    assert refused(asking, Reference("ghcr.io", "app"), wanted).problem.code == "InvalidReference"
    assert web.requests == []


def test_a_name_cannot_lead_elsewhere() -> None:
    """The name of a repository is quoted in the address."""
    web = Noting()
    RegistryClient(web=web, credentials=nobody).look_up(Reference("ghcr.io", "app?x#y%2f z", "1"))
    assert web.requests[0].url == "https://ghcr.io/v2/app%3Fx%23y%252f%20z/manifests/1"


@pytest.mark.parametrize(
    "realm", ["http://evil.example/token", "file:///etc/passwd", "", "https:///token", "token", "https://[x"]
)
def test_credentials_go_to_no_token_server_without_tls(realm: str) -> None:
    """A registry that is called with TLS cannot send the password elsewhere without it."""
    web = Noting(f'Bearer realm="{realm}"')
    asking = RegistryClient(web=web, retries=AT_ONCE, credentials=lambda _: Found(ANN, "with those of ann"))
    assert refused(asking, Reference("ghcr.io", "app")).problem.code == "UnsafeRealm"
    assert len(web.requests) == 1


def test_a_challenge_without_a_scope_is_answered_with_the_usual_one() -> None:
    """The scope is the right to pull; a token server's own query is kept."""
    web = Noting('Basic realm="x", Bearer realm="https://auth.example/token?a=b",service="s s"')
    refused(RegistryClient(web=web, retries=AT_ONCE, credentials=nobody), Reference("ghcr.io", "team/app"))
    assert web.requests[1].url == "https://auth.example/token?a=b&scope=repository%3Ateam%2Fapp%3Apull&service=s+s"


def test_tls_is_not_left_on_the_way() -> None:
    """A redirect to where there is no TLS is not followed; credentials stay with the host."""
    request = Request("https://ghcr.io/v2/x", {"Authorization": "Bearer x", "Range": "bytes=1-"})
    assert request.redirected("http://ghcr.io/v2/y") is None
    assert request.redirected("file:///etc/passwd") is None
    assert request.redirected("https://[x") is None
    same, other = request.redirected("/v2/y"), request.redirected("https://cdn.example/y")
    assert same is not None
    assert other is not None
    assert same.headers == request.headers
    assert dict(other.headers) == {"Range": "bytes=1-"}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "registry.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + signed.public_bytes(encoding))
    return file


def test_only_trusted_certificates_are_taken(
    registry: V2Registry, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that is not trusted is not tried again; AWS_CA_BUNDLE is used, and a missing one is a problem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    digest = digest_of(DATA)

    def read() -> bytes:
        with client().open_blob(registry.reference(), digest, len(DATA)) as file:
            return file.read()

    with V2Registry(tls=context).serving() as cdn:
        registry.cdn = cdn
        cdn.add_blob(DATA)
        for bundle in ("", str(certificate.with_name("missing.pem"))):
            registry.got.clear()
            monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
            with pytest.raises(BlobError) as caught:
                read()
            assert "AWS_CA_BUNDLE" in caught.value.problem.remedy
            assert not caught.value.problem.passing
            assert len(registry.got) == 1
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        assert read() == DATA
