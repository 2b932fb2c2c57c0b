from __future__ import annotations

import re
import string
import time

import pytest

from pytest_deploycheck.redaction import clean, mask
from pytest_deploycheck.redaction.assignments import ASSIGNMENT
from pytest_deploycheck.redaction.masking import secrets_in
from pytest_deploycheck.redaction.terminal import legible
from pytest_deploycheck.redaction.tokens import TOKEN

LETTERS = string.ascii_letters + string.digits
SECRET = "hunter2222"
BODY = "MIIEpAIBAAKCAQEA7bq4Vg9TnB2mPz0Yd1xWkJ8sRfL3hQcE5uNoGtXiZaKvCyDw"
LAST = "q9Zk0Pz7Rw=="
KEY = ("-----BEGIN RSA PRIVATE KEY-----", BODY, BODY[::-1], LAST, "-----END RSA PRIVATE KEY-----")


@pytest.mark.parametrize(
    "token",
    [
        f"sk_live_{LETTERS[:24]}",
        f"rk_test_{LETTERS[:24]}",
        f"whsec_{LETTERS[:32]}",
        f"glpat-{LETTERS[:20]}",
        f"gldt-{LETTERS[:20]}",
        f"npm_{LETTERS[:36]}",
        f"rubygems_{'0123456789abcdef' * 3}",
        f"AIza{LETTERS[:35]}",
        f"ya29.{LETTERS[:40]}",
        f"xapp-1-A0123ABCDEF-1234567890-{LETTERS[:32]}",
        f"xoxe.xoxp-1-{LETTERS[:40]}",
        f"hvs.{LETTERS[:24]}",
        f"hvb.{LETTERS[:40]}",
        f"SG.{LETTERS[:22]}.{LETTERS[:43]}",
        f"key-{'0123456789abcdef' * 2}",
        f"pypi-AgEIcHlwaS5vcmc{LETTERS[:40]}",
        f"dckr_pat_{LETTERS[:27]}",
        f"https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/{LETTERS[:24]}",
        f"https://discord.com/api/webhooks/123456789012345678/{LETTERS[:60]}",
        f"sk-ant-api03-{LETTERS[:60]}",
        f"hf_{LETTERS[:34]}",
        f"dapi{'0123456789abcdef' * 2}",
        f"dop_v1_{'0123456789abcdef' * 4}",
        f"shpat_{'0123456789abcdef' * 2}",
        f"123456789:AA{LETTERS[:33]}",
        f"AC{'0123456789abcdef' * 2}",
        "eyJrIjoiVGhpcyBpcyBub3QgYSByZWFsIHRva2VuIn0",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "failed with {} twice", "\x1b[33m{}\x1b[0m", r"x\u001b[33m{}\u001b[0m", r"a\n{}\n"]
)
def test_a_token_is_masked_for_its_shape(token: str, around: str) -> None:
    """A token with a vendor's prefix is masked without any name, in colour and after escapes of JSON as well."""
    tail = token.rpartition("/")[2][-12:]
    assert tail in around.format(token)
    assert tail not in mask(around.format(token))


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[36mpassword\x1b[0m=\x1b[31mhunter2222\x1b[0m",
        r"password\u001b[0m=\u001b[35mhunter2222",
        '{"pass": "hunter2222"}',
        '{"pwd":"hunter2222"}',
        "{'pass': 'hunter2222'}",
        '{"name":"DB_PASSWORD","value":"hunter2222"}',
        '{"Name": "API_TOKEN", "Value": "hunter2222"}',
        '{"value": "hunter2222", "name": "DB_PASSWORD"}',
        r"{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2222\"}",
        '[{\n  "name": "DB_SECRET",\n  "value": "hunter2222"\n}]',
        r'{"password": "a\"hunter2222"}',
        "db_pass: hunter2222",
        "dbPassword: hunter2222",
        "- name: DB_PASSWORD\n  value: hunter2222",
        "password: |\n  hunter2222",
        "pass: hunter2222",
        "<password>hunter2222</password>",
        '<db:password type="text">hunter2222</db:password>',
        "<password><![CDATA[hunter2222]]></password>",
        '<add key="DbPassword" value="hunter2222"/>',
        '<property name="password">hunter2222</property>',
        "export PGPASSWORD=hunter2222",
        "password=hunter2222",
        "psql --password hunter2222 -h db",
        'psql --password="hunter2222"',
        "passwd => 'hunter2222'",
        "Server=db;User Id=app;Password=hunter2222;",
        "DefaultEndpointsProtocol=https;AccountKey=hunter2222==;EndpointSuffix=core.windows.net",
        "Set-Cookie: session=hunter2222; Path=/",
        "https://hunter2222hunter2222@github.com/shop/app",
        "https://shop.blob.core.windows.net/a?sv=2024&sig=hunter2222%3D",
        r"https://b.s3.amazonaws.com/k?x=1\u0026X-Amz-Signature=hunter2222",
        "https://storage.googleapis.com/b/k?x=1&X-Goog-Signature=hunter2222",
        "$.password: 'hunter2222' is not of type 'integer'",
        'assert record["password"] == "hunter2222"',
        "ENV DB_PASSWORD hunter2222",
        "machine github.com login app password hunter2222",
        "the password is 'hunter2222'",
        "Password [hunter2222]",
        "password -> hunter2222",
        "vault_password: !vault hunter2222",
        "password[]=hunter2222",
        "secret[0]=hunter2222",
        "SECRET_KEY_BASE=hunter2222",
        "PHPSESSID=hunter2222",
        "sessionId: hunter2222",
        "otp=hunter2222",
        "creds=hunter2222",
        "_auth=hunter2222",
        "PRIVATE KEY: hunter2222",
        "contraseña=hunter2222",
        "headers=[('x-api-key', 'hunter2222')]",
        '[["Authorization", "hunter2222"]]',
        "Authorization: hunter2222abcdef",
        "Cookie: theme=dark; session=hunter2222; Path=/",
        '"cookie": ["session=hunter2222"]',
        "curl -u app:hunter2222 https://shop.example",
        "curl --user=app:hunter2222 https://shop.example",
        "sshpass -p hunter2222 ssh app@shop",
        "mysql -h db -phunter2222 shop",
        "redis-cli -h cache -a hunter2222 ping",
        "docker login -u app -p hunter2222 shop.example",
        "https://hunter2222@github.com/shop/app",
        "https://shop.example/callback?code=hunter2222&state=1",
        "jdbc:oracle:thin:app/hunter2222@db:1521/shop",
        "?password%3Dhunter2222",
        "%7B%22password%22%3A%22hunter2222%22%7D",
        "{&quot;password&quot;: &quot;hunter2222&quot;}",
        "{&#34;password&#34;:&#x22;hunter2222&#x22;}",
        r"{\u0022password\u0022:\u0022hunter2222\u0022}",
        r"password\u003dhunter2222",
        "$['db-password']: 'hunter2222' is too short",
    ],
)
def test_a_value_is_masked_for_its_name(text: str) -> None:
    """A value assigned to the name of a secret is masked, in each notation that logs and files use."""
    masked = mask(text)
    assert SECRET not in masked
    assert "[masked]" in masked
    assert masked.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        '{"pass": true, "fail": false}',
        "pass: 12, fail: 0",
        "password: none",
        "Token expired for the user",
        "basic authentication failed",
        "--token must be given",
        "DB_PASSWORD: 'arn:aws:ssm:us-east-1:123456789012:parameter/db'",
        "<a href='/reset'>reset your password</a>",
        f"sha256:{'0123456789abcdef' * 4}",
        "0123456789abcdef0123456789abcdef",
        "compassing: everything",
        "the password must be changed within 90 days",
        "password reset for user 17",
        "missing fields: ('password', 'of the user')",
        "('InvalidNextToken', 'the token is not valid')",
        "mysql -h db -P 3306 -p 3306 shop",
        "https://shop.example/?q=100%25&page=2",
        "Authorization: required for every request",
        "GET /items?code=&page=2",
        "a &quot;quoted&quot; word, 5 &lt; 7",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Words that secrets are named by are common words too: text that assigns nothing secret stays as it is."""
    assert mask(text) == text


@pytest.mark.parametrize(
    ("first", "last"), [(0, 5), (0, 4), (1, 5), (3, 5), (0, 2)], ids=["whole", "no end", "no start", "tail", "head"]
)
@pytest.mark.parametrize("before", ["", "  11:17:02 0123456789abcdef app "])
def test_a_private_key_is_masked_over_several_events(first: int, last: int, before: str) -> None:
    """A key that is logged a line per event is masked, also where only a part of it is shown; what follows is not."""
    lines = [f"{before}{line}" for line in (*KEY[first:last], "Found 3 platform sections", "and another line")]

    masked = mask("\n".join(lines)).split("\n")

    assert len(masked) == len(lines)
    assert masked[-2:] == lines[-2:]
    assert mask("\n".join(masked)) == "\n".join(masked)
    text = "\n".join(masked)
    assert not [part for part in (BODY, BODY[::-1]) if part[:20] in text or part[-20:] in text]
    if last == len(KEY):
        assert LAST not in text


@pytest.mark.parametrize("joined", ["\\n", "\n", " "])
def test_a_private_key_is_masked_within_one_event(joined: str) -> None:
    """A key in one event is masked, and what is around it stays."""
    masked = mask(f"loaded {joined.join(KEY)} from disk")

    assert BODY[:20] not in masked
    assert masked.startswith("loaded ")
    assert masked.endswith(" from disk")


def test_the_beginning_of_a_key_hides_nothing_else() -> None:
    """A line that looks like the beginning of a key does not blank the report that follows it."""
    text = f"{KEY[0]}\nlikely cause: the tasks were never restarted\nwhat to do: restart them"
    assert mask(text) == text


def test_expressions_of_the_user_are_masked_too() -> None:
    """Matches of the user's own expressions are masked beside the built-in ones; an empty match changes nothing."""
    assert mask("customer C-123456 password=hunter2222", [r"C-\d{6}"]) == "customer [masked] password=[masked]"
    assert mask("customer", ["x*"]) == "customer"
    assert mask("a\nb\nc", [r"a\nb"]) == "\n[masked]\nc"


def test_where_an_expression_of_the_user_backtracks_without_end_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The secret may be anywhere in the text; the number of lines stays, and other texts are masked as ever."""
    monkeypatch.setattr("pytest_deploycheck.redaction.masking._SECONDS", 0.2)
    expression = "(a|a)*$"
    withheld = mask(f"{'a' * 60} secret\nline", [expression])
    assert [line.startswith("[masked] (withheld") for line in withheld.split("\n")] == [True, True]
    assert "secret" not in withheld
    assert mask("customer aaa", [expression]) == "customer [masked]"


@pytest.mark.parametrize("pattern", [TOKEN, ASSIGNMENT], ids=["token", "assignment"])
def test_no_repetition_holds_another_that_is_unbounded(pattern: re.Pattern[str]) -> None:
    """The work of a pattern is bounded by its construction: no group that repeats without limit is built of such."""
    assert not re.search(r"[+*]\)[+*]|[+*]\)\{\d+,\}", pattern.pattern)


@pytest.mark.parametrize(
    "part",
    [
        "-eyJaaaaaaaa",
        "password",
        "<password ",
        "--password ",
        "SG.aaaaaaaaaa",
        "://aaa:",
        "\x1b[",
        '"value":"',
        KEY[0],
        "mysql ",
        "A_B_",
        "%22",
        "&quot;",
        "x\b",
        "Cookie: a=b;",
        "password ",
        "['token','",
        "authorization: ",
    ],
)
def test_a_hostile_text_is_masked_to_its_end(part: str) -> None:
    """A long text that nearly matches again and again is read to its end, where the secret is masked."""
    assert SECRET not in mask(f"{part * (20_000 // len(part))} \npassword={SECRET}")


@pytest.mark.parametrize(
    "unseen",
    [
        "\0", "\x01", "\x07", "\x0e", "\x1f", "\x7f", "\x80", "\x84", "\xad", "\u200b", "\u200d", "\u2060", "\ufeff",
        "\ufe0f", "\u202e", "\U000e0041", "\r", "\x0b", "\u2028", "x\b", "\x1b=", "\x1b7", "\x1bP1;2q\x1b\\", "\x1b[0m",
        "\x1b]8;;file:a\x1b\\", "\x9b1m", "\x9d0;a\x07", "\x1b[1m\0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["password=hunter2222", "key AKIAIOSFODNN7EXAMPLE", '{"pass": "hunter2222"}'])
def test_a_secret_is_masked_through_what_is_not_seen(text: str, unseen: str) -> None:
    """A secret that a reader sees whole is masked, whatever stands between its characters; the lines stay as many."""
    shown = clean(f"a\x00b\n{unseen.join(text)}\nc\x00d")

    assert "[masked]" in shown
    assert not [part for part in ("hunt", "2222", "IOSF") if part in legible(shown)]
    assert shown.startswith("a\\x00b\n")
    assert shown.endswith("\nc\\x00d")
    assert "C-123456" not in legible(mask(unseen.join("C-123456"), [r"C-\d{6}"]))


def test_characters_that_hide_no_secret_are_shown() -> None:
    """A line without a secret keeps the characters that are not seen, as their codes show what was logged."""
    assert mask("a\x00b\u200bc") == "a\x00b\u200bc"


def test_an_expression_that_took_too_long_too_often_is_not_searched_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All texts together have a time limit too: after it nothing of any text is shown, without a further search."""
    monkeypatch.setattr("pytest_deploycheck.redaction.masking._SECONDS", 0.1)
    monkeypatch.setattr("pytest_deploycheck.redaction.masking._SECONDS_IN_ALL", 0.05)
    expression = "(b|b)*$"
    assert mask(f"{'b' * 60} secret", [expression]).startswith("[masked] (withheld")
    began = time.process_time()
    assert [mask(f"a short line, {number}", [expression])[:18] for number in range(50)] == ["[masked] (withheld"] * 50
    assert list(secrets_in(f"{'b' * 60} secret", [expression])) == []
    assert time.process_time() - began < 5


@pytest.mark.filterwarnings("ignore:Possible nested set")
def test_an_expression_that_only_re_understands_is_searched_for_by_it() -> None:
    """The configuration takes what `re` takes, so that nothing it takes may end a run, or mask nothing."""
    assert mask("pin :] for C-123456", [r"[[:pin:]]", r"C-\d{6}"]) == "pin [masked] for [masked]"


def test_a_brace_in_an_expression_of_the_user_is_a_character() -> None:
    """A route's template is masked as it is written, and nothing that only looks much like it."""
    assert mask("GET /items/{id} for user{i}", ["/items/{id}", "user{i}"]) == "GET [masked] for [masked]"
    assert mask("GET /items/7 for user", ["/items/{id}", "user{i}"]) == "GET /items/7 for user"
