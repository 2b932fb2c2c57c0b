from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from support.promises import promise

from pytest_deploycheck.config.patterns.filter_patterns import LONGEST, filter_patterns, literal_runs, needle
from pytest_deploycheck.config.settings import Pattern


def regex(text: str, flags: int = 0) -> Pattern:
    """A regular expression to look for."""
    return Pattern(text, regex=True, flags=flags)


TERMS = re.compile(
    r"""
    "[^"\\%]+" | \?"[^"\\%]+" (?: [ ]\?"[^"\\%]+" )+
""",
    re.VERBOSE,
)


def finds(patterns: list[str], message: str) -> bool:
    """Return True if any of the filter patterns matches a message, as one term or one of several does."""
    assert all(TERMS.fullmatch(pattern) for pattern in patterns)
    return any(term in message for pattern in patterns for term in re.findall('"(.*?)"', pattern))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Found 3 platform sections", "Found 3 platform sections"),
        ("platforms=['linkedin', 'twitter']", "platforms=['linkedin', 'twitter']"),
        ('{"event": "saved"}', "event"),
        ('say "saved" or "not saved" ', "not saved"),
        (r"path C:\shop\orders", "path C:"),
        ("tab\tstands\rbetween\nthese words", "these words"),
        ("naïve café, and more", ", and more"),
        ("done 100% of the work", "of the work"),
        ("  padded  ", "padded"),
        ("ok", None),
        ("  a  ", None),
        ("日本語", None),
        ("", None),
    ],
)
def test_the_needle_of_literal_text(text: str, expected: str | None) -> None:
    """The longest run that can be quoted; none where nothing long enough is left."""
    found = needle(Pattern(text))
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Parsed content item #\d+", "Parsed content item #"),
        (r"Found \d+ platform sections", "platform sections"),
        (r"^Found \d+$", "Found"),
        (r"10\.0\.1\.20", "10.0.1.20"),
        (r"start(?:ed|ing) worker", "worker"),
        (r"(?P<who>worker) started", "worker started"),
        (r"work(er)? started", "started"),
        (r"(?:retry )+now", "retry"),
        (r"(?:retry ){1}now", "retry now"),
        (r"(?:retry ){2}now", "retry"),
        (r"a(?:never there)*b", None),
        (r"a(?:never there){0,3}b", None),
        (r"yes|certainly", None),
        (r"^(?:yes|certainly)$", None),
        (r"(?=ahead of it)now", "now"),
        (r"(?!ahead of it)now", "now"),
        (r"(?<=behind it)now", "now"),
        (r"one\btwo", "onetwo"),
        (r"[abc]def[ghi]", "def"),
        (r"(?>atomic) text", "atomic text"),
        (r"(word)-\1", "word-"),
        (r"(a)?(?(1)left side|right)", None),
        (r"(?:possessive)++ly", "possessive"),
        (r"\d+ms", None),
        (r".*", None),
        ("", None),
    ],
)
def test_the_needle_of_a_regular_expression(text: str, expected: str | None) -> None:
    """The longest literal run that no match can do without."""
    assert needle(regex(text)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (regex("Found (it)", re.IGNORECASE), None),
        (regex("(?i)Found it"), None),
        (regex("(?i:Found) it all"), "it all"),
        (regex("Found #12345", re.IGNORECASE), "#12345"),
        (regex("(?-i:Found) it", re.IGNORECASE), "Found"),
        (regex("Found it # a comment", re.VERBOSE), "Foundit"),
        (regex(r"(?x) Found \ it"), "Found it"),
        (regex("Found it", re.compile("").flags), "Found it"),
        (Pattern("Found it", flags=re.IGNORECASE), "Found it"),
    ],
)
def test_flags_count(pattern: Pattern, expected: str | None) -> None:
    """Flags, given or inline, are heeded: of a letter that may be either, nothing is sure."""
    assert needle(pattern) == expected


def test_debugging_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern compiled with `re.DEBUG` does not print again when it is looked into."""
    assert needle(regex("Found it", re.DEBUG)) == "Found it"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["(", "[", "*", r"\p", "(?P<a", "(" * 5000 + ")" * 5000])
def test_what_the_parser_refuses_has_no_needle(text: str) -> None:
    """A regular expression that cannot be understood is no error here: everything is read."""
    assert needle(regex(text)) is None


def test_a_parser_of_another_make_has_no_needle(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter whose parser cannot be found makes it slower, not wrong."""
    monkeypatch.setattr("importlib.import_module", lambda name: name)
    assert needle(regex("Found it")) is None


def test_runs_keep_their_order_and_may_keep_their_letters() -> None:
    """All runs in order; one who compares without regard to case gets the letters as well."""
    found = regex("(?i)Found \\d+ items in [abc] rooms")
    assert literal_runs(found, caseless=True) == ("Found ", " items in ", " rooms")
    assert literal_runs(found) == (" ",) * 5


ESCAPES = ' ?"\x1b" ?"\x9b" ?"\x08"'
"""The terms of every filter pattern, by which lines with control sequences are let through."""


def test_one_needle_is_one_term() -> None:
    """One pattern, or several with the same needle, become one quoted term, beside those for control sequences."""
    assert filter_patterns([Pattern("Found it")]) == [f'?"Found it"{ESCAPES}']
    assert filter_patterns([Pattern("Found it"), regex("Found it$")]) == [f'?"Found it"{ESCAPES}']


def test_a_router_escapes_quotes_and_slashes() -> None:
    """In events of a log router a needle holds no character that an encoder of JSON may escape."""
    assert filter_patterns([Pattern('GET /items "now" & here')], is_routed=True) == [
        '?"items" ?"\x1b" ?"\x9b" ?"\x08" ?"u001b" ?"u001B" ?"partial_message"'
    ]
    assert filter_patterns([Pattern('key "platform" is gone')], is_routed=True) == [
        '?"platform" ?"\x1b" ?"\x9b" ?"\x08" ?"u001b" ?"u001B" ?"partial_message"'
    ]


def test_several_needles_are_alternatives() -> None:
    """The service lets through what has one of several terms."""
    assert filter_patterns([Pattern("Found it"), Pattern("Saved it")]) == [f'?"Found it" ?"Saved it"{ESCAPES}']


def test_a_needle_that_holds_another_is_left_out() -> None:
    """A message with the longer text has the shorter too."""
    patterns = [Pattern("We Found it here"), Pattern("Found it"), Pattern("Saved it")]
    assert filter_patterns(patterns) == [f'?"Found it" ?"Saved it"{ESCAPES}']


def test_one_pattern_without_a_needle_means_reading_everything() -> None:
    """A filter pattern would lose the lines of the one that cannot be narrowed."""
    assert filter_patterns([Pattern("Found it"), regex(r"\d+")]) is None


def test_nothing_looked_for_needs_no_filter_pattern() -> None:
    """Without patterns there is nothing to ask."""
    assert filter_patterns([]) == []


def test_many_needles_are_split() -> None:
    """More needles than one filter pattern holds go into several, none too long and none lost."""
    patterns = [Pattern(f"line {number:03} " + "x" * 60) for number in range(40)]
    found = filter_patterns(patterns)
    assert found is not None
    assert len(found) > 1
    assert all(len(one) <= LONGEST for one in found)
    assert all(finds(found, f"INFO {pattern.text}!") for pattern in patterns)


@pytest.mark.parametrize("length", range(LONGEST - 5, LONGEST + 3))
def test_a_needle_that_is_too_long_is_cut(length: int) -> None:
    """A beginning of the text finds it too."""
    text = "ab " * (length // 3) + "c" * (length % 3)
    for patterns in ([Pattern(text)], [Pattern(text), Pattern("Saved it")]):
        found = filter_patterns(patterns)
        assert found is not None
        assert all(len(one) <= LONGEST for one in found)
        assert all(finds(found, pattern.text) for pattern in patterns)


Example = tuple[str, str]
"""A regular expression, and a text that it probably matches."""

_WORDS = st.one_of(st.text("abAB1#.-", min_size=3, max_size=8), st.text("abAB1 #.-%\"\\'\t", min_size=1, max_size=8))
_ATOMS = st.one_of(
    _WORDS.map(lambda word: (re.escape(word), word)),
    st.sampled_from([(".", "a"), (r"\d", "1"), (r"\s", " "), ("[ab1]", "b"), ("[^a]", "B"), ("[a]", "a")]),
    st.sampled_from([r"\b", "^", "$", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "()"]).map(lambda place: (place, "")),
)


def _joined(examples: list[Example]) -> Example:
    return "".join(text for text, _ in examples), "".join(match for _, match in examples)


def _grouped(opening: str, example: Example) -> Example:
    return f"{opening}{example[0]})", example[1]


def _repeated(example: Example, times: tuple[str, int]) -> Example:
    return f"(?:{example[0]}){times[0]}", example[1] * times[1]


def _branched(one: Example, other: Example) -> Example:
    return f"(?:{one[0]}|{other[0]})", other[1]


def _larger(inside: st.SearchStrategy[Example]) -> st.SearchStrategy[Example]:
    openings = st.sampled_from(["(?:", "(", "(?>", "(?i:", "(?-i:"])
    zero = st.sampled_from(["*", "?", "{0,2}", "*?", "??", "?+"]).map(lambda sign: (sign, 0))
    once = st.sampled_from(["*", "+", "?", "{1}", "{0,2}", "{1,2}", "+?"]).map(lambda sign: (sign, 1))
    twice = st.sampled_from(["*", "+", "{2}", "{1,2}", "++"]).map(lambda sign: (sign, 2))
    return st.one_of(
        st.lists(inside, min_size=1, max_size=4).map(_joined),
        st.builds(_grouped, openings, inside),
        st.builds(_repeated, inside, st.one_of(zero, once, twice)),
        st.builds(_branched, inside, inside),
    )


_EXAMPLES = st.recursive(_ATOMS, _larger, max_leaves=8)
_FLAGS = st.sampled_from([0, re.IGNORECASE, re.MULTILINE, re.DOTALL, re.ASCII, re.IGNORECASE | re.VERBOSE])


@promise(200)
@given(_EXAMPLES, _FLAGS, st.sampled_from([str, str.swapcase, str.lower]), _WORDS, _WORDS)
def test_whatever_matches_has_the_needle(
    example: Example, flags: int, cased: Callable[[str], str], before: str, after: str
) -> None:
    """No line that a regular expression matches is lost by looking for its needle."""
    text, match = example
    found = needle(regex(text, flags))
    for message in (cased(match), f"{before}{cased(match)}{after}", before + after):
        if re.search(text, message, flags):
            event(f"needle: {found is not None}")
            assert found is None or found in message


@given(st.lists(_WORDS, min_size=1, max_size=6), st.text(max_size=3), st.text(max_size=3))
def test_whatever_has_the_texts_passes_the_filter(texts: list[str], before: str, after: str) -> None:
    """No line that has any of some literal texts is lost by the filter patterns for all of them."""
    found = filter_patterns([Pattern(text) for text in texts])
    event(f"narrowed: {found is not None}")
    assert found is None or all(finds(found, f"{before}{text}{after}") for text in texts)


def test_an_operation_that_is_not_known_demands_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation of a later interpreter is not guessed at: the service leaves no line out for such an expression."""

    class Parsed(list[tuple[SimpleNamespace, object]]):
        state = SimpleNamespace(flags=0)

    literal = [(SimpleNamespace(name="LITERAL"), ord(character)) for character in "text"]
    for operation, runs in (("LITERAL", ("textt",)), ("FROM_A_LATER_VERSION", ())):
        one = Parsed([*literal, (SimpleNamespace(name=operation), ord("t"))])
        monkeypatch.setattr("pytest_deploycheck.config.patterns.filter_patterns.parsed", lambda *_, one=one: one)
        assert literal_runs(regex("of a later version")) == runs
