from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.redaction import clean, clean_lines, mask

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJVadQssw5c"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAsecretsecret\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("key ASIAIOSFODNN7EXAMPLE used", "ASIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("aws_session_token: FwoGZXIvYXdzEXAMPLE//////////", "FwoGZXIvYXdzEXAMPLE"),
        (f"got {JWT} from login", JWT),
        (f"Authorization: Bearer {JWT}", JWT),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("cloning with ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("cloning with github_pat_11ABCDEFG0abcdefghijkl_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijkl_abcdef"),
        ("OpenAI said no to sk-proj-abcdefghijklmnopqrstuvwxyz", "sk-proj-abcdefghijklmnopqrstuvwxyz"),
        ("slack xoxb-123456789012-1234567890123-abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx"),
        (PRIVATE_KEY, "MIIEowIBAAKCAQEAsecretsecret"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIDEXAMPLE%2F20251126&X-Amz-Signature=deadbeefdeadbeef",
            "deadbeefdeadbeef",
        ),
        ("https://b.s3.amazonaws.com/k?x=1&X-Amz-Security-Token=IQoJb3JpZ2luX2VjE", "IQoJb3JpZ2luX2VjE"),
        ("postgres://app:s3cr3tpw@db.internal:5432/shop", "s3cr3tpw"),
        ("redis://:s3cr3tpw@cache:6379", "s3cr3tpw"),
        ("password=hunter2222", "hunter2222"),
        ("DB_PASSWORD: hunter2222", "hunter2222"),
        ('{"password": "hunter2222", "user": "app"}', "hunter2222"),
        ("{'api_key': 'hunter2222'}", "hunter2222"),
        (r'{"log": "{\"password\": \"hunter2222\"}"}', "hunter2222"),
        ('password="correct horse battery staple"', "battery staple"),
        ("X-Api-Key: hunter2222", "hunter2222"),
        ("client_secret=hunter2222&grant_type=x", "hunter2222"),
        ("PASSWORD = hunter2222", "hunter2222"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, secret: str) -> None:
    """Keys, tokens, passwords and signed URLs of the usual kinds are never shown."""
    assert secret not in clean(text)
    assert secret not in mask(text)
    assert "masked" in clean(text)


def test_what_is_around_a_credential_stays() -> None:
    """Only the secret is taken out: its name and the rest of the line stay readable."""
    text = clean(
        "2025-11-26 connect postgres://app:s3cr3tpw@db.internal:5432/shop as app, password=hunter2222, retry 3"
    )
    for word in ("2025-11-26", "postgres://app:", "db.internal:5432/shop", "as app", "password=", "retry 3"):
        assert word in text


def test_several_credentials_in_one_text() -> None:
    """Each of several secrets is masked, on every line."""
    text = clean("password=hunter1111 token=hunter2222\nAKIAIOSFODNN7EXAMPLE")
    for secret in ("hunter1111", "hunter2222", "AKIAIOSFODNN7EXAMPLE"):
        assert secret not in text


@pytest.mark.parametrize(
    "text",
    [
        "Found 3 platform sections",
        "Requested platforms: ['linkedin', 'twitter', 'pitch_deck']",
        "token_count=5 tokens",
        "used 5 tokens of 4096",
        "GET /reset-password 200 12ms",
        "user forgot the password, mail sent",
        "basic auth is off",
        "bearer of bad news",
        "see https://example.com/docs?a=1&b=2#top",
        f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:{'ab' * 32}",
        "arn:aws:ecs:us-east-1:123456789012:task/shop/0123456789abcdef0123456789abcdef",
        "ecs-svc/1686340282716459104",
        "tab\tand\nnewline",
        "naïve café 日本語 🚀",
        "",
        "a\\b 'quoted' \"double\" <b>&amp;</b>",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """A text without credentials and control characters is shown as it came."""
    assert clean(text) == text


@pytest.mark.parametrize("code", [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)])
def test_control_characters_never_reach_a_terminal(code: int) -> None:
    """Each C0 and C1 control character but tab and newline is shown as its code."""
    shown = clean(f"a{chr(code)}b")
    assert chr(code) not in shown
    assert shown.startswith("a")
    assert shown.endswith("b")
    assert shown != "ab"


@pytest.mark.parametrize(
    "code", [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], ids=lambda code: f"U+{code:04X}"
)
def test_marks_that_turn_the_direction_of_writing_are_shown(code: int) -> None:
    """A character that makes text read otherwise than it is stored is shown as its code."""
    assert chr(code) not in clean(f"a{chr(code)}b")


@pytest.mark.parametrize(
    "text",
    [
        "##[error]x",
        "the end ##[command]x",
        "###[error]x",
        "##vso[task.setvariable]x",
        "##teamcity[buildProblem]",
        "##VSO[task.setvariable]x",
        "##TeamCity[buildProblem]",
        "\ufeff::error::x",
        "\u200b \u2060::error::x",
        "\u00a0::error::x",
        "\x1b[0m::error::x",
        "#\x1b[0m#[error]x",
        "\x1b]0;title\x07::error::x",
        "#\x08##[error]x",
        "::error::x",
        "  ::error::x",
        "\t\u3000::set-output name=a::x",
        "first\n  ::stop-commands::x",
    ],
)
def test_no_text_is_a_command_to_ci(text: str) -> None:
    """No line of a shown text is a command of GitHub, Azure DevOps or TeamCity, whatever blanks come before it."""
    shown = clean(text)
    assert "##[" not in shown
    assert "##vso[" not in shown.lower()
    assert "##teamcity[" not in shown.lower()
    assert not any(line.strip("\ufeff\u200b\u2060 \t\u3000\xa0").startswith("::") for line in shown.split("\n"))


@pytest.mark.parametrize("separator", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_other_line_break_starts_a_command(separator: str) -> None:
    """Characters that some programs take for a line break are shown as their codes."""
    assert len(clean(f"a{separator}::error::x").splitlines()) == 1


@pytest.mark.parametrize("text", ["std::string", "deploycheck::backend::logs-1", "# [link] ## heading"])
def test_colons_and_hashes_within_a_line_stay(text: str) -> None:
    """A text that no CI takes for a command is shown as it came."""
    assert clean(text) == text


def test_an_error_shows_no_secret_of_what_it_quotes() -> None:
    """An option or a variable that cannot be used may hold a secret, or a command to a CI."""
    error = ConfigurationError("DEPLOYCHECK_REPORT: 'password=hunter2222' is unknown\n::error::x", "Name a file.")
    assert "hunter2222" not in str(error)
    assert "\n::" not in str(error)
    assert str(error).endswith("\nName a file.")


def test_lines_that_belong_together_are_masked_as_one_text() -> None:
    """A key over several entries is masked in each; the entries stay as many, and an entry of two lines stays one."""
    lines = [*PRIVATE_KEY.split("\n"), "two\nlines", "x" * 3000]

    shown = clean_lines(lines)

    assert len(shown) == len(lines)
    assert shown[1] == "[masked]"
    assert shown[3] == "two\nlines"
    assert shown[4].endswith("… (1000 more characters)")
    assert clean_lines(lines, limit=None)[4] == lines[4]


def test_a_long_text_is_read_no_further_than_it_is_shown() -> None:
    """Of a text of megabytes only what is shown is read, and a secret at the cut is masked whole."""
    shown = clean(f"{'x' * 1990} AKIAIOSFODNN7EXAMPLE {'y' * 5_000_000}")

    assert "AKIA" not in shown
    assert len(shown) < 2100


@given(st.text())
def test_what_is_shown_is_fit_to_be_shown(text: str) -> None:
    """Whatever others wrote: no control character but tab and newline is left, it is bounded and can be encoded."""
    shown = clean(text, 100)
    assert all(unicodedata.category(one) != "Cc" or one in "\t\n" for one in shown)
    assert len(shown) <= 1200
    shown.encode("utf-8")


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """A text that is fit to be shown stays as it is when it is cleaned again on its way."""
    once = clean(text)
    assert clean(once) == once


@pytest.mark.parametrize("suffix", ["shop/db-AbCdEf", "rds!db-a57bd929", "password"])
def test_the_arn_of_a_secret_is_shown(suffix: str) -> None:
    """The name of the secret that could not be read is shown; its ARN is not a secret, and what follows it may be."""
    arn = f"arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:{suffix}"
    assert (
        mask(f"failed to fetch secret {arn} from secrets manager")
        == f"failed to fetch secret {arn} from secrets manager"
    )
    assert mask(f"{arn} password=hunter2222") == f"{arn} password=[masked]"
    assert mask("123456789012:secret:hunter2222") == "123456789012:secret:[masked]"
