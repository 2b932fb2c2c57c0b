from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pytest_deploycheck.config import loading, validation
from pytest_deploycheck.config.settings import EnvironmentSettings
from pytest_deploycheck.errors import ConfigurationError

Load: TypeAlias = Callable[..., EnvironmentSettings]
Refuse: TypeAlias = Callable[..., list[str]]

LOGS = "[[env.dev.services.backend.logs]]\n"
LOGS_PATH = "deploycheck.toml: env.dev.services.backend.logs"


def test_misspelt_key_names_the_nearest(refuse: Refuse) -> None:
    """A misspelt key: the file, its path, the nearest valid name and all that is allowed there."""
    (line,) = refuse('[env.dev.services.backend]\ncontaner = "app"')
    assert line == (
        "deploycheck.toml: env.dev.services.backend.contaner: unknown key; did you mean 'container'?"
        " Allowed here: alarms, container, error_rate, image, log_group, log_stream, logs, pushed_after, service,"
        " source, source_exclude"
    )


def test_key_like_no_other_is_refused_without_a_guess(refuse: Refuse) -> None:
    """An unknown key that is like none is not guessed at."""
    (line,) = refuse("[env.dev]\nzzzzzz = 1")
    assert line.startswith("deploycheck.toml: env.dev.zzzzzz: unknown key. Allowed here: base_url, cluster,")


def test_unknown_table_at_the_top(refuse: Refuse) -> None:
    """An unknown key at the top of the file is refused too."""
    (line,) = refuse("[default]\n[env.dev]")
    assert line == ("deploycheck.toml: default: unknown key; did you mean 'defaults'? Allowed here: defaults, env")


@pytest.mark.parametrize("key", ["alarms", "error_rate"])
@pytest.mark.parametrize("table", ["env.dev", "defaults"])
def test_keys_that_are_not_known(refuse: Refuse, table: str, key: str) -> None:
    """A key without a meaning is refused wherever it stands: nobody believes in a check that is not made."""
    (line,) = refuse(f"[{table}]\n{key} = 'x'")
    assert line.startswith(f"deploycheck.toml: {table}.{key}: unknown key")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("env.dev.services.backend", "live_tail"),
        ("env.dev", "log_group"),
        ("env.dev", "log_stream"),
        ("env.dev", "source"),
        ("env.dev.services.backend", "strict_tags"),
    ],
)
def test_keys_in_the_wrong_table(refuse: Refuse, table: str, key: str) -> None:
    """A key that another table knows is refused where it means nothing."""
    (line,) = refuse(f"[{table}]\n{key} = 'x'")
    assert line.startswith(f"deploycheck.toml: {table}.{key}: unknown key")


def test_live_tail_is_true_or_false(refuse: Refuse) -> None:
    """A switch takes nothing but true and false."""
    (line,) = refuse('[env.dev]\nlive_tail = "yes"')
    assert line == "deploycheck.toml: env.dev.live_tail: found 'yes'; allowed: true or false"


@pytest.mark.parametrize("place", ["app", "./app", "/app/../etc"])
def test_a_source_needs_an_absolute_place(refuse: Refuse, place: str) -> None:
    """A place in the image is absolute, and does not climb."""
    (line,) = refuse(f'[env.dev.services.backend]\nsource = {{ "backend/app" = "{place}" }}')
    assert line.startswith("deploycheck.toml: env.dev.services.backend.source.")
    assert f"found {place!r}; allowed: an absolute path in the image" in line


def test_bounds_are_positive(refuse: Refuse) -> None:
    """A bound of nothing would refuse every image."""
    (line,) = refuse("[env.dev]\nmax_unpacked_bytes = 0")
    assert line.startswith("deploycheck.toml: env.dev.max_unpacked_bytes: found 0; allowed: 1 or more")


@pytest.mark.parametrize("name", ["app-firelens", "{container}-{id}", "{task"])
def test_a_log_stream_that_names_no_task(refuse: Refuse, name: str) -> None:
    """The streams of two tasks must be told apart, with placeholders that are known."""
    (line,) = refuse(f'[env.dev.services.backend]\nlog_group = "/ecs/x"\nlog_stream = "{name}"')
    assert line.startswith(
        f"deploycheck.toml: env.dev.services.backend.log_stream: found {name!r}; allowed: a name with"
    )
    assert "'{task}'" in line


@pytest.mark.parametrize("table", ["env.dev", "defaults"])
def test_a_log_stream_without_its_group(refuse: Refuse, table: str) -> None:
    """A stream is looked for in the group beside it; without one it would be read by nobody."""
    (line,) = refuse(f'[env.dev]\n[{table}.services.backend]\nlog_stream = "app-firelens-{{task}}"')
    assert line.startswith(f"deploycheck.toml: {table}.services.backend.log_stream: found without log_group")


def test_all_violations_are_reported_at_once(refuse: Refuse) -> None:
    """Every violation of the file has a line of its own in one error, other environments' too."""
    lines = refuse(
        """
        [defaults]
        clutser = "x"
        [env.dev]
        region = 3
        external_id = "x"
        [env.prod]
        profile = ""
        cluster = "{name}"
        [[env.prod.services.backend.logs]]
        expect_regex = "("
        """
    )
    assert len(lines) == 6
    for path in (
        "defaults.clutser",
        "env.dev.region",
        "env.dev.external_id",
        "env.prod.profile",
        "env.prod.cluster",
        "env.prod.services.backend.logs[0].expect_regex (logs-1)",
    ):
        assert sum(line.startswith(f"deploycheck.toml: {path}: ") for line in lines) == 1


def test_remedy_says_where_the_schema_is(load: Load) -> None:
    """The error ends with where all keys are described."""
    with pytest.raises(ConfigurationError) as caught:
        load("[env.dev]\nx = 1")
    assert "python -m pytest_deploycheck.schemas config" in caught.value.remedy


@pytest.mark.parametrize(
    ("toml", "found", "allowed"),
    [
        ("region = 3", "3", "a string"),
        ("region = true", "true", "a string"),
        ("region = 1.5", "1.5", "a string"),
        ("region = ['us-east-1']", "an array", "a string"),
        ("region = {}", "a table", "a string"),
        ("region = 2025-11-26", "the date or time 2025-11-26", "a string"),
        ("region = ''", "an empty string", "a string that is not empty"),
        ("require = 'logs'", "'logs'", "an array"),
        ("require = []", "an array of 0", "at least 1"),
        ("require = ['logs', 'logs']", "'logs' more than once", "each at most once"),
        ("services = 'backend'", "'backend'", "a table"),
    ],
)
def test_wrong_value_says_found_and_allowed(refuse: Refuse, toml: str, found: str, allowed: str) -> None:
    """A value of the wrong kind: what was found and what is allowed."""
    (line,) = refuse(f"[env.dev]\n{toml}")
    key = toml.split(" ", maxsplit=1)[0]
    assert line == f"deploycheck.toml: env.dev.{key}: found {found}; allowed: {allowed}"


def test_unknown_link(refuse: Refuse) -> None:
    """A link that does not exist: its place in the array, the nearest, and all links."""
    (line,) = refuse('[env.dev]\nrequire = ["image", "rolout"]')
    assert line == (
        "deploycheck.toml: env.dev.require[1]: found 'rolout'; did you mean 'rollout'?"
        " Allowed: 'image', 'rollout', 'tasks', 'logs', 'health'"
    )


def test_log_entry_with_two_kinds(refuse: Refuse) -> None:
    """An entry with two kinds says which kinds there are and which were found, with its check id."""
    (line,) = refuse(f"{LOGS}expect = 'a'\n{LOGS}expect = 'a'\nforbid = 'b'")
    assert line == (
        f"{LOGS_PATH}[1] (logs-2): needs exactly one of expect, expect_regex, forbid, forbid_regex or sequence;"
        " found expect and forbid"
    )


@pytest.mark.parametrize("entry", ["", "count = 2", "tasks = 'all'"])
def test_log_entry_without_a_kind(refuse: Refuse, entry: str) -> None:
    """An entry without a kind is one violation, whatever else it has."""
    (line,) = refuse(f"{LOGS}{entry}")
    assert line.startswith(f"{LOGS_PATH}[0] (logs-1): needs exactly one of expect")
    assert line.endswith("found none of them")


def test_log_entry_that_is_not_a_table(refuse: Refuse) -> None:
    """An entry that is a bare string is one violation too."""
    (line,) = refuse("[env.dev.services.backend]\nlogs = ['ready']")
    assert line == (f"{LOGS_PATH}[0] (logs-1): found 'ready'; allowed: a table")


def test_logs_as_one_table(refuse: Refuse) -> None:
    """Single brackets, where TOML wants double ones for an array, are explained."""
    (line,) = refuse("[env.dev.services.backend.logs]\nexpect = 'ready'")
    assert line.startswith(f"{LOGS_PATH}: found a table; allowed: an array")
    assert "[[" in line


@pytest.mark.parametrize(
    ("entry", "key", "beside", "allowed"),
    [
        ("forbid = 'x'\ncount = 2", "count", "forbid", "expect or expect_regex"),
        ("forbid_regex = 'x'\ncount = 2", "count", "forbid_regex", "expect or expect_regex"),
        ("sequence = ['x', 'y']\ncount = 2", "count", "sequence", "expect or expect_regex"),
        ("forbid = 'x'\ntasks = 'all'", "tasks", "forbid", "expect, expect_regex or sequence"),
        ("forbid_regex = 'x'\ntasks = 'any'", "tasks", "forbid_regex", "expect, expect_regex or sequence"),
        ("expect = 'x'\nwithin = 'task'", "within", "expect", "sequence"),
        ("expect_regex = 'x'\nwithin = 'task'", "within", "expect_regex", "sequence"),
        ("forbid = 'x'\nwithin = 'service'", "within", "forbid", "sequence"),
    ],
)
def test_keys_that_do_not_go_together(refuse: Refuse, entry: str, key: str, beside: str, allowed: str) -> None:
    """A key of a log entry that means nothing beside its kind is refused, with the kinds it goes with."""
    (line,) = refuse(LOGS + entry)
    assert line == (f"{LOGS_PATH}[0].{key} (logs-1): found beside {beside}; allowed only with {allowed}")


@pytest.mark.parametrize(
    ("entry", "key", "found"),
    [
        ("expect = 'x'\ncount = 0", "count", "found 0; allowed: 1 or more"),
        ("expect = 'x'\ncount = -1", "count", "found -1; allowed: 1 or more"),
        ("expect = 'x'\ncount = 1.5", "count", "found 1.5; allowed: an integer"),
        ("expect = 'x'\ncount = true", "count", "found true; allowed: an integer"),
        ("expect = 'x'\ntasks = 'al'", "tasks", "found 'al'; did you mean 'all'? Allowed: 'any', 'all'"),
        ("sequence = ['a', 'b']\nwithin = 3", "within", "found 3. Allowed: 'task', 'service'"),
        ("sequence = ['a']", "sequence", "found an array of 1; allowed: at least 2"),
        ("sequence = ['a', '']", "sequence[1]", "found an empty string; allowed: a string that is not empty"),
        ("expect = ''", "expect", "found an empty string; allowed: a string that is not empty"),
        ("forbid_regex = ''", "forbid_regex", "found an empty string; allowed: a string that is not empty"),
    ],
)
def test_wrong_values_in_log_entries(refuse: Refuse, entry: str, key: str, found: str) -> None:
    """A wrong value in a log entry: path, check id, found, allowed."""
    assert refuse(f"{LOGS}expect = 'a'\n{LOGS}{entry}") == [f"{LOGS_PATH}[1].{key} (logs-2): {found}"]


@pytest.mark.parametrize("key", ["expect_regex", "forbid_regex"])
@pytest.mark.parametrize(
    ("regex", "words"),
    [
        ("a(b", "missing ), unterminated subpattern at position 1"),
        ("*", "nothing to repeat at position 0"),
        ("a{99999999999999999999}", "the repetition number is too large"),
    ],
)
def test_bad_regex(refuse: Refuse, key: str, regex: str, words: str) -> None:
    """A regular expression that does not compile: what `re` says about it, and where in it."""
    (line,) = refuse(f"{LOGS}{key} = '{regex}'")
    assert line == (f"{LOGS_PATH}[0].{key} (logs-1): found '{regex}', not a regular expression: {words}")


@pytest.mark.parametrize("key", ["cluster", "region", "profile", "role_arn", "endpoint_url", "base_url", "external_id"])
def test_unknown_placeholder_in_an_environment(refuse: Refuse, key: str) -> None:
    """An unknown placeholder is named, with the one that is allowed."""
    role = "" if key == "role_arn" else "role_arn = 'r'\n"
    (line,) = refuse(f"[env.dev]\n{role}{key} = 'a-{{name}}-{{env}}'")
    assert line == (f"deploycheck.toml: env.dev.{key}: found the unknown placeholder '{{name}}'; allowed: '{{env}}'")


@pytest.mark.parametrize("key", ["service", "container", "image"])
@pytest.mark.parametrize("placeholder", ["{name}", "{}", "{ENV}", "{env", "}"])
def test_unknown_placeholder_in_a_service(refuse: Refuse, key: str, placeholder: str) -> None:
    """Other words, empty braces and braces left open are all refused, in defaults too."""
    (line,) = refuse(f"[env.dev]\n[defaults.services.backend]\n{key} = 'a-{placeholder}'")
    assert line == (
        f"deploycheck.toml: defaults.services.backend.{key}: found the unknown placeholder"
        f" '{placeholder}'; allowed: '{{env}}'"
    )


def test_braces_in_patterns_are_theirs(load: Load) -> None:
    """Texts and regular expressions keep their braces: no placeholder is looked for or filled there."""
    toml = "".join(
        f"{LOGS}{entry}\n"
        for entry in ("expect = '{env} {x'", "expect_regex = 'a{2}'", "forbid = '{y}'", "sequence = ['{env}', '}']")
    )
    logs = load(toml).services["backend"].logs
    assert [pattern.text for entry in logs for pattern in entry.patterns] == ["{env} {x", "a{2}", "{y}", "{env}", "}"]


def test_external_id_needs_a_role(refuse: Refuse) -> None:
    """An external id without a role is refused where it stands."""
    (line,) = refuse("[env.dev]\nexternal_id = 'x'")
    assert line == (
        "deploycheck.toml: env.dev.external_id: found without role_arn in the environment 'dev'; allowed only with it"
    )


def test_external_id_of_the_defaults_needs_a_role_in_each_environment(refuse: Refuse) -> None:
    """An external id of the defaults is refused for the environments that have no role."""
    (line,) = refuse("[defaults]\nexternal_id = 'x'\n[env.dev]\nrole_arn = 'r'\n[env.prod]")
    assert line == (
        "deploycheck.toml: defaults.external_id: found without role_arn in the environment 'prod'; allowed only with it"
    )


@pytest.mark.parametrize(
    "toml",
    [
        "[defaults]\nrole_arn = 'r'\n[env.dev]\nexternal_id = 'x'",
        "[defaults]\nexternal_id = 'x'\n[env.dev]\nrole_arn = 'r'",
    ],
)
def test_external_id_and_role_may_come_from_two_places(load: Load, toml: str) -> None:
    """The role counts wherever it comes from."""
    settings = load(toml)
    assert (settings.role_arn, settings.external_id) == ("r", "x")


@pytest.mark.parametrize("name", ["a=b", "a,b", "a::b", "{env}", ""])
def test_service_names_that_options_cannot_name(refuse: Refuse, name: str) -> None:
    """A service's name that would be ambiguous in node ids or in --deploy-image is refused."""
    (line,) = refuse(f'[env.dev.services."{name}"]')
    assert line.startswith(f'deploycheck.toml: env.dev.services."{name}": ')
    assert "allowed: a name" in line


def test_empty_environment_name(refuse: Refuse) -> None:
    """An environment must have a name."""
    assert refuse('[env.dev]\n[env.""]') == [
        'deploycheck.toml: env."": found an empty name; allowed: a name of at least one character'
    ]


def test_paths_are_quoted_as_in_toml(refuse: Refuse) -> None:
    """A key with a dot in it is quoted in the path, as the file must write it."""
    (line,) = refuse('[env.dev]\n[env."eu.prod"]\nregion = 1')
    assert line.startswith('deploycheck.toml: env."eu.prod".region: ')


def test_service_named_logs_is_no_log_entry(refuse: Refuse) -> None:
    """Only entries of `logs` get a check id."""
    (line,) = refuse("[env.dev.services.logs]\ncontaner = 'x'")
    assert line.startswith("deploycheck.toml: env.dev.services.logs.contaner: ")


def test_pyproject_paths_start_with_the_table(tmp_path: Path) -> None:
    """In pyproject.toml the paths start where the file's own do."""
    (tmp_path / "pyproject.toml").write_text("[tool.deploycheck.env.dev]\nregion = 1")
    with pytest.raises(ConfigurationError) as caught:
        loading.environments(loading.find([tmp_path], None), "dev")
    assert caught.value.message == "pyproject.toml: tool.deploycheck.env.dev.region: found 1; allowed: a string"


def test_pyproject_table_that_is_not_a_table(tmp_path: Path) -> None:
    """`[tool.deploycheck]` itself must be a table."""
    (tmp_path / "pyproject.toml").write_text("[tool]\ndeploycheck = 3")
    with pytest.raises(ConfigurationError) as caught:
        loading.environments(loading.find([tmp_path], None), "dev")
    assert caught.value.message == "pyproject.toml: tool.deploycheck: found 3; allowed: a table"


@pytest.mark.parametrize("content", ["env = 3", "defaults = 3", "[env]\ndev = 3", "[defaults]\nservices = 3"])
def test_tables_that_are_none(refuse: Refuse, content: str) -> None:
    """A number in the place of a table is a violation like any other."""
    (line,) = refuse(content)
    assert line.endswith("found 3; allowed: a table")


def test_long_values_are_shortened(refuse: Refuse) -> None:
    """A message stays readable whatever the value."""
    (line,) = refuse(f"[env.dev]\nrequire = ['{'x' * 5000}']")
    assert len(line) < 300


def test_rules_without_a_sentence_say_it_in_jsonschemas_words() -> None:
    """A rule of the schema that has no sentence of its own is still reported."""
    refusal = validation._Refusal(found=1, rule=2, schema={}, schema_path=(), message="1 is not a multiple of 2")
    assert list(validation._as_jsonschema_says(refusal)) == [((), "1 is not a multiple of 2")]


@pytest.mark.parametrize(
    ("toml", "path", "found"),
    [
        ("[env.dev]\nmask = [3]", "env.dev.mask[0]", "3"),
        ("[env.dev]\nlog_settle = 20", "env.dev.log_settle", "20"),
        (
            '[env.dev.services.backend]\nlog_group = "/ecs/x"\nlog_stream = 3',
            "env.dev.services.backend.log_stream",
            "3",
        ),
    ],
)
def test_a_value_of_another_type_is_refused_once(refuse: Refuse, toml: str, path: str, found: str) -> None:
    """A number has one message, on its type: the format that a text would need is not part of it."""
    assert refuse(toml) == [f"deploycheck.toml: {path}: found {found}; allowed: a string"]


def test_a_settling_time_is_a_duration(refuse: Refuse) -> None:
    """A text that is no duration is refused with what is allowed."""
    (line,) = refuse('[env.dev]\nlog_settle = "soon"')
    assert line.startswith("deploycheck.toml: env.dev.log_settle: found 'soon'; allowed: ")
    assert line.endswith("such as 20s or 2m")
