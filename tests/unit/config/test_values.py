from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.config import values
from pytest_deploycheck.config.build_log import read_build_log
from pytest_deploycheck.config.settings import EnvironmentSettings, ServiceSettings, When
from pytest_deploycheck.errors import ConfigurationError

COMMITTED = datetime(2025, 11, 26, 10, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - hypothesis adds the zones
NOW = datetime(2025, 11, 26, 11, 17, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("1h", 3600),
        ("2d", 172800),
        ("366d", 31622400),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.5m", 90),
        (" 5m ", 300),
        ("0s", 0),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    """Seconds by default; s, m, h and d; fractions of each."""
    assert values.duration(text, "--deploy-wait") == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "-5m",
        "+5",
        "nan",
        "inf",
        "-inf",
        "1e3",
        "5 m",
        "5min",
        "5M",
        "m",
        "1h30m",
        "1_000",
        "٣",
        "9" * 400,
        "366.1d",
        "8785h",
        "1732619860",
    ],
)
def test_duration_refused(text: str) -> None:
    """A value that is not a duration: the option, the value, what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        values.duration(text, "--deploy-wait")
    assert caught.value.message.startswith(f"--deploy-wait: found {text!r}; allowed: a duration of 0 or more")
    assert "90s, 5m, 1h" in caught.value.message


@given(
    st.integers(min_value=0, max_value=366),
    st.sampled_from([("", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]),
)
def test_whole_durations_are_exact(number: int, unit: tuple[str, int]) -> None:
    """A whole number of any unit is that many seconds, exactly."""
    assert values.duration(f"{number}{unit[0]}", "x") == number * unit[1]


@given(st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False, allow_infinity=False))
def test_fractions_are_seconds(number: object) -> None:
    """A fraction means the same with and without its unit."""
    assert values.duration(f"{number}", "x") == values.duration(f"{number}s", "x") == float(str(number))


@given(st.text())
def test_duration_of_any_text_is_finite_or_refused(text: str) -> None:
    """Whatever is written, a duration is a number of 0 or more, or one clear error."""
    try:
        seconds = values.duration(text, "--deploy-wait")
    except ConfigurationError as error:
        assert error.message.startswith("--deploy-wait: found ")  # noqa: PT017 - most texts are refused
    else:
        assert 0 <= seconds < float("inf")


def _when(text: str) -> When:
    return values.when(text, "--deploy-pushed-after", commit_time=lambda: COMMITTED)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-26T11:17:40Z", NOW),
        ("2025-11-26T12:17:40+01:00", NOW),
        ("2025-11-26T11:17:40", NOW),
        ("2025-11-26 11:17:40", NOW),
        ("2025-11-26", datetime(2025, 11, 26, tzinfo=UTC)),
        (" 2025-11-26 ", datetime(2025, 11, 26, tzinfo=UTC)),
        (f"{NOW.timestamp():.0f}", NOW),
        (f"{NOW.timestamp():.0f}500", NOW + timedelta(seconds=0.5)),
        ("commit", COMMITTED),
    ],
)
def test_when_is_a_moment(text: str, moment: datetime) -> None:
    """ISO times with and without a zone (then UTC), dates, times since 1970 and the commit's time are fixed moments."""
    found = _when(text)
    assert found == When(text, at=moment)
    assert found.resolve(NOW + timedelta(days=9)) == moment


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", 90),
        ("2h", 7200),
        ("90", 90),
        ("0", 0),
        ("1.5m", 90),
        ("1d", 86400),
        ("12345678", 12345678),
        ("12345678s", 12345678),
    ],
)
def test_when_is_a_duration_back(text: str, ago: float) -> None:
    """A duration, or a number of seconds, counts back from now."""
    found = _when(text)
    assert found == When(text, ago=timedelta(seconds=ago))
    assert found.resolve(NOW) == NOW - timedelta(seconds=ago)


def test_when_is_today() -> None:
    """`today` is the start of the current day."""
    assert _when("today") == When("today", today=True)
    assert _when("today").resolve(NOW) == datetime(2025, 11, 26, tzinfo=UTC)


def test_commit_is_not_asked_for_other_words() -> None:
    """Git is asked only where `commit` is written."""

    def never() -> datetime:
        raise AssertionError

    assert values.when("today", "x", commit_time=never).today


@pytest.mark.parametrize("text", ["", "-5m", "yesterday", "2025-13-01", "26.11.2025", "nan", "0001-01-01T00:00+14:00"])
def test_when_refused(text: str) -> None:
    """A value that is not a moment: the option, the value, what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        _when(text)
    message = caught.value.message
    assert message.startswith(f"--deploy-pushed-after: found {text!r}")
    for allowed in ("an ISO time", "a duration back", "today", "commit"):
        assert allowed in message


def test_when_names_the_nearest_word() -> None:
    """A misspelt word gets the nearest."""
    with pytest.raises(ConfigurationError, match="found 'comit'; did you mean 'commit'"):
        _when("comit")


def test_commit_only_where_it_is_allowed() -> None:
    """If `commit` means nothing it is refused and not offered."""
    with pytest.raises(ConfigurationError) as caught:
        values.when("commit", "--deploy-since", commit_time=None)
    assert caught.value.message.startswith("--deploy-since: found 'commit'")
    assert caught.value.message.endswith("today")


def test_digits_that_could_be_a_date_are_refused() -> None:
    """20251126 could be a date or 234 days of seconds: a wrong guess would prove the wrong thing."""
    with pytest.raises(ConfigurationError) as caught:
        _when("20251126")
    assert "'2025-11-26'" in caught.value.message
    assert "'20251126s'" in caught.value.message
    assert _when("20251126s").ago == timedelta(seconds=20251126)


@pytest.mark.parametrize("text", ["367d", "173261986", "9" * 300])
def test_when_too_far_back(text: str) -> None:
    """A duration that leads more than 366 days back is refused: it is a time that lacks a digit, or a wrong unit."""
    with pytest.raises(ConfigurationError, match="a duration back of at most 366d"):
        _when(text)


@given(
    st.datetimes(
        min_value=EPOCH,
        max_value=EPOCH + timedelta(days=80000),
        # Zones are told in minutes; Python itself does not read back one that is a microsecond off.
        timezones=st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1380, 1380)),
    )
)
def test_iso_times_round_trip(moment: datetime) -> None:
    """Any moment written in ISO is that moment, in any zone."""
    assert _when(moment.isoformat()).at == moment


@given(st.integers(min_value=0, max_value=8784), st.sampled_from("smh"))
def test_durations_back_agree_with_durations(number: int, unit: str) -> None:
    """A duration back is as long as the same duration elsewhere."""
    text = f"{number}{unit}"
    assert _when(text).ago == timedelta(seconds=values.duration(text, "x"))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh git checkout without a commit, whatever the machine's git is set to."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    directory = tmp_path / "checkout"
    directory.mkdir()
    return directory


def _git(directory: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(directory), *who, *arguments], check=True, capture_output=True)  # noqa: S607


def test_commit_time(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The committer's time of HEAD, not the author's, also from below the top of the checkout."""
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2020-01-01T00:00:00+00:00")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2025-11-26T12:00:00+02:00")
    _git(checkout, "init")
    _git(checkout, "commit", "--allow-empty", "-m", "x")
    below = checkout / "below"
    below.mkdir()
    assert values.commit_time(checkout) == COMMITTED
    assert values.commit_time(below) == COMMITTED


def test_commit_time_without_a_checkout(checkout: Path) -> None:
    """If there is no checkout: the directory, git's words, and what to do."""
    with pytest.raises(ConfigurationError) as caught:
        values.commit_time(checkout)
    assert str(checkout) in caught.value.message
    assert "not a git repository" in caught.value.message
    assert "instead of `commit`" in caught.value.remedy


def test_commit_time_without_a_commit(checkout: Path) -> None:
    """If nothing is committed yet: git's words."""
    _git(checkout, "init")
    with pytest.raises(ConfigurationError, match="does not have any commits yet"):
        values.commit_time(checkout)


def test_commit_time_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If git is not installed it says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="needs git, which is not on the PATH"):
        values.commit_time(tmp_path)


@pytest.mark.parametrize(
    ("given_values", "expected"),
    [
        ([], {}),
        (["1.0"], {"web": "1.0", "api": "1.0"}),
        (["web=1.0"], {"web": "1.0"}),
        (["web=1.0", "2.0"], {"web": "1.0", "api": "2.0"}),
        (["2.0", "api=sha256:ab"], {"web": "2.0", "api": "sha256:ab"}),
        (["api=h:5000/r:t@sha256:ab"], {"api": "h:5000/r:t@sha256:ab"}),
        (["web=1", "api=2", "3"], {"web": "1", "api": "2"}),
    ],
)
def test_images(given_values: Sequence[str], expected: dict[str, str]) -> None:
    """A reference is for its service, or for every service without one of its own, and stays as written."""
    found = values.images(given_values, ["web", "api"], "--deploy-image")
    assert found == expected
    assert list(found) == [name for name in ("web", "api") if name in expected]


@pytest.mark.parametrize(
    ("given_values", "words"),
    [
        ([""], ["found ''", "without an image"]),
        (["web="], ["found 'web='", "without an image"]),
        (["web= "], ["found 'web= '", "without an image"]),
        (["=1.0"], ["found '=1.0'", "unknown service", "web, api"]),
        (["wbe=1.0"], ["found 'wbe=1.0'", "unknown service; did you mean 'web'?", "Selected are: web, api"]),
        (["web=1", "web=2"], ["two images for the service 'web'", "'1' and '2'", "allowed: one"]),
        (["web=1", "web=1"], ["two images for the service 'web'"]),
        (["1", "2"], ["two images for no service in particular", "'1' and '2'"]),
        (["@"], ["found '@'", "without an image", "allowed: a tag, a digest"]),
        (["@build.json"], ["the file build.json cannot be read"]),
        (["web=@build.json"], ["the file build.json cannot be read"]),
        (["@a=b.json"], ["the file a=b.json cannot be read"]),
    ],
)
def test_images_refused(given_values: Sequence[str], words: Sequence[str]) -> None:
    """A value that cannot be expected: the option, the value, what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        values.images(given_values, ["web", "api"], "--deploy-image")
    assert caught.value.message.startswith("--deploy-image: ")
    for word in words:
        assert word in caught.value.message


def test_images_without_any_service() -> None:
    """A service named where none is selected is refused in a whole sentence."""
    with pytest.raises(ConfigurationError, match=r"unknown service\. None is selected"):
        values.images(["web=1"], [], "--deploy-image")


ENVIRONMENT = EnvironmentSettings(
    name="dev",
    services={
        name: ServiceSettings(name, ecs)
        for name, ecs in {"web": "dev-web", "api": "dev-api", "app": "shared", "side": "shared", "dev-web": "x"}.items()
    },
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ("web", "api", "app", "side", "dev-web")),
        (["api"], ("api",)),
        (["dev-api"], ("api",)),
        (["api", "web"], ("web", "api")),
        (["api", "dev-api", "api"], ("api",)),
        (["dev-web"], ("dev-web",)),
    ],
)
def test_services(names: Sequence[str], expected: tuple[str, ...]) -> None:
    """Configured names, then ECS names; the configuration's order; each once; all when none is named."""
    assert values.services(names, ENVIRONMENT, "--deploy-service") == expected


def test_two_services_match() -> None:
    """An ECS service that two configured services share is ambiguous: both are named."""
    with pytest.raises(ConfigurationError) as caught:
        values.services(["shared"], ENVIRONMENT, "--deploy-service")
    assert caught.value.message == (
        "--deploy-service: found 'shared', and two services match: app, side; allowed: one of these names"
    )


@pytest.mark.parametrize(("name", "nearest"), [("wbe", "web"), ("dev-ap", "dev-api")])
def test_unknown_service(name: str, nearest: str) -> None:
    """An unknown service: the environment, the nearest name, and the names there are."""
    with pytest.raises(ConfigurationError) as caught:
        values.services([name], ENVIRONMENT, "--deploy-service")
    assert caught.value.message == (
        f"--deploy-service: found {name!r}, no service of the environment 'dev'; did you mean {nearest!r}?"
        " There are: web, api, app, side, dev-web"
    )


def test_unknown_service_of_an_empty_environment() -> None:
    """If there is no service at all, it says so."""
    with pytest.raises(ConfigurationError, match="It has none"):
        values.services(["web"], EnvironmentSettings(name="dev"), "--deploy-service")


@pytest.mark.parametrize(
    ("text", "items"),
    [("", []), ("a", ["a"]), ("a, b ,c", ["a", "b", "c"]), (" , a,,", ["a"]), ("web=1,api=2", ["web=1", "api=2"])],
)
def test_comma_list(text: str, items: list[str]) -> None:
    """Items between commas, without blanks, without empty ones."""
    assert values.comma_list(text) == items


DIGEST = "sha256:" + "4" * 64


@pytest.mark.parametrize(
    ("document", "reference"),
    [
        (
            {"containerimage.digest": DIGEST, "image.name": "ghcr.io/shop:1, host/shop:latest"},
            f"ghcr.io/shop:1@{DIGEST},host/shop:latest@{DIGEST}",
        ),
        ({"containerimage.digest": DIGEST}, DIGEST),
        ({"backend": {"containerimage.digest": DIGEST, "image.name": "shop:1"}}, f"shop:1@{DIGEST}"),
    ],
)
def test_the_image_of_a_builds_metadata(tmp_path: Path, document: dict[str, object], reference: str) -> None:
    """The digest that CI built is expected, by each of its names; a bake file with one target too."""
    (tmp_path / "a=b.json").write_text(json.dumps(document), encoding="utf-8")
    assert values.images(["@a=b.json"], ["web"], "--deploy-image", folder=tmp_path) == {"web": reference}
    assert values.images(["web=@a=b.json"], ["web"], "--deploy-image", folder=tmp_path) == {"web": reference}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[1]", "found no containerimage.digest"),
        ('{"image.name": "shop:1"}', "found no containerimage.digest"),
        (json.dumps({name: {"containerimage.digest": f"sha256:{name * 64}"} for name in "ab"}), "found 2 targets"),
    ],
)
def test_a_metadata_file_that_names_no_image(tmp_path: Path, text: str, words: str) -> None:
    """The file, what is wrong with it, and how such a file is made."""
    (tmp_path / "build.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=words) as caught:
        values.images(["@build.json"], ["web"], "--deploy-image", folder=tmp_path)
    assert "build.json" in str(caught.value)
    assert "--metadata-file" in str(caught.value) or "@FILE#a" in str(caught.value)


BAKED = {
    "app": {"containerimage.digest": DIGEST, "image.name": "host/app:2"},
    "worker": {"containerimage.digest": f"sha256:{'5' * 64}", "image.name": "host/worker:2"},
    "buildx.build.provenance/app": {"buildType": "https://mobyproject.org/buildkit@v1"},
}


@pytest.mark.parametrize(
    ("file", "reference"),
    [
        ("bake.json", f"host/app:2@{DIGEST},host/worker:2@sha256:{'5' * 64}"),
        ("bake.json#worker", f"host/worker:2@sha256:{'5' * 64}"),
        ("odd#name.json", f"host/app:2@{DIGEST},host/worker:2@sha256:{'5' * 64}"),
        ("odd#name.json#app", f"host/app:2@{DIGEST}"),
    ],
)
def test_the_targets_of_a_bake(tmp_path: Path, file: str, reference: str) -> None:
    """Every target of `docker buildx bake` is read, or the one that is named behind a `#`."""
    for name in ("bake.json", "odd#name.json"):
        (tmp_path / name).write_text(json.dumps(BAKED), encoding="utf-8")
    assert values.images([f"@{file}"], ["web"], "--deploy-image", folder=tmp_path) == {"web": reference}
    assert values.images([f"web=@{file}"], ["web"], "--deploy-image", folder=tmp_path) == {"web": reference}


def test_an_unknown_target_of_a_bake(tmp_path: Path) -> None:
    """The nearest target is proposed, and the targets of the file are listed."""
    (tmp_path / "bake.json").write_text(json.dumps(BAKED), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"no target 'wroker'.*'worker'.*Its targets: app, worker"):
        values.images(["@bake.json#wroker"], ["web"], "--deploy-image", folder=tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_of_a_build_log_does_not_matter(tmp_path: Path, encoding: str) -> None:
    """A log is read as Unix tools write it, and as PowerShell does."""
    (tmp_path / "build.log").write_bytes("#6 [2/2] COPY app/ ./app/\n#6 CACHED\n".encode(encoding))
    (step,) = read_build_log(tmp_path / "build.log", "--deploy-build-log").steps
    assert step.is_cached
