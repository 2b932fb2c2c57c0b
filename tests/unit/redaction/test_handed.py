"""Secrets in what tests were given are masked wherever they are shown."""

from __future__ import annotations

import json
import time

import pytest

from pytest_deploycheck.redaction.handed import HandedTexts, KnownSecrets
from pytest_deploycheck.redaction.masking import secrets_in

TOKEN = "sk_live_abcdefghijklmnopqrst"
BODY = "MIIEpAIBAAKCAQEA7bq4Vg9TnB2mPz0Yd1xWkJ8sRfL3hQcE5uNoGtXiZaKvCyDw"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"


def shown(text: str, *given: str, own: tuple[str, ...] = ()) -> str:
    """Return a text as a report shows it after some others were given to a test."""
    handed = HandedTexts()
    handed.note(*given)
    return handed.secrets(own).mask(text)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ('{"password": "hunter2222"}', "assert 'hunter2222' == 'x'"),
        ("password=hunter2222", "assert [{'event': 'l...'hunter2222'}] == []"),
        ("password=hunter2222", "assert 'the word is hunt...' == ''"),
        ("password=hunter2222", "assert '...r2222 is it' == ''"),
        ('{"log": "{\\"password\\": \\"hunter2222\\"}"}', "assert 'hunter2222' == ''"),
        ("\x1b[1mpass\0word=hunter2222", "hunter2222"),
        (f"key {TOKEN}", f"assert '{TOKEN[:12]}...' == ''"),
        (f"key {TOKEN}", f"assert '...{TOKEN[-9:]}' == ''"),
        (KEY, f"['{BODY}']"),
        (KEY, f"['{BODY[:20]}...{BODY[-20:]}']"),
        ("DB_PASSWORD='hunter2222'", "KeyError: hunter2222"),
        ('{\'SecretString\': \'{"user":"app","password":"hunter2222"}\'}', "assert 'hunter2222' == ''"),
    ],
)
def test_a_secret_is_masked_without_its_name(given: str, text: str) -> None:
    """A secret of what a test was given is masked where its name is not shown, and where it was shortened."""
    masked = shown(text, given)
    assert "[masked]" in masked
    assert not [part for part in ("hunter", "r2222", TOKEN[:12], TOKEN[-9:], BODY[:12], BODY[-12:]) if part in masked]


@pytest.mark.parametrize("secret", ['a"b\\c\nd2222', "it's 2222 too"])
def test_every_spelling_of_a_secret_is_masked(secret: str) -> None:
    """JSON, Python and the bare text write quotation marks and line breaks each in its own way."""
    for text in (secret, repr(secret), json.dumps(secret)):
        masked = shown(f"assert {text} == ''", json.dumps({"password": secret}))
        assert "2222" not in masked


def test_expressions_of_the_user_count_as_well() -> None:
    """A match of the user's own expressions in a text is masked elsewhere too."""
    assert shown("assert 'C-12...' == ''", "customer C-123456", own=(r"C-\d{6}",)) == "assert '[masked]...' == ''"


def test_short_words_stay() -> None:
    """A word that is too short for a secret is not masked in the whole of a report."""
    assert shown("assert app == 'app'", "password=app") == "assert app == 'app'"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more text than is remembered the latest counts; what was found before stays known."""
    monkeypatch.setattr("pytest_deploycheck.redaction.handed._MOST_CHARACTERS", 100)
    handed = HandedTexts()
    handed.note("password=hunter1111", "x" * 90, "password=hunter2222")
    assert handed.secrets().secrets == ("hunter2222",)
    handed.note("password=hunter3333")
    assert set(handed.secrets().secrets) == {"hunter2222", "hunter3333"}


def test_many_secrets_and_elisions_cost_no_more_than_their_number() -> None:
    """A report of many values that were shortened is masked in a moment, however many secrets are known."""
    known = KnownSecrets(f"{number:04}-hunter-{number:04}" for number in range(2000))
    began = time.process_time()
    masked = known.mask("'0007-hunter...er-0007' " * 10_000)
    assert time.process_time() - began < 10
    assert "hunter" not in masked


def test_what_is_masked_is_what_is_found() -> None:
    """The secrets of a text are those that its masking takes out."""
    assert {one.strip('"') for one in secrets_in('{"password": "hunter2222", "a": 1}')} == {"hunter2222"}


def test_the_number_of_secrets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of many secrets stays quick: of more than are kept, those that were found last are known."""
    monkeypatch.setattr("pytest_deploycheck.redaction.handed._MOST_SECRETS", 2)
    handed = HandedTexts()
    handed.note(*(f"password=hunter{number}" for number in (1111, 2222, 3333)))
    assert set(handed.secrets().secrets) == {"hunter2222", "hunter3333"}
