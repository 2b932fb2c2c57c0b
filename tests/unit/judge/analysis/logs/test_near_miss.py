from __future__ import annotations

import re

import pytest
from support.worlds import event

from pytest_deploycheck.config.settings import Pattern
from pytest_deploycheck.judge.analysis.logs.near_miss import NearMiss, nearest_miss

LINE = "Found 3 platform sections"
FOUND = Pattern(LINE)
REQUESTED = Pattern("requested_platforms=['linkedin', 'twitter', 'pitch_deck']")
OLD_LINE = "INFO Generating content for requested_platform='linkedin' user=7"
OTHER_LINE = "INFO app.api.websocket: Starting content generation: platform='linkedin'"
UNRELATED = "INFO:     Application startup complete."


def near(pattern: Pattern, *messages: str) -> NearMiss:
    """The near miss among some lines."""
    found = nearest_miss(pattern, [event(message) for message in messages])
    assert found is not None
    return found


def test_the_old_code_logged_it_otherwise() -> None:
    """The line that yesterday's code logged instead is found, and shown below the expected one."""
    found = near(REQUESTED, UNRELATED, OLD_LINE, "INFO done")
    assert found.event.message == OLD_LINE
    assert (found.expected, found.seen) == (REQUESTED.text, OLD_LINE)
    assert found.marks == (
        "- requested_platforms=['linkedin', 'twitter', 'pitch_deck']",
        "?                   ^^^          ^ ^^^^^^^^^^ ^^^^^^^^^^^^^",
        "+ INFO Generating content for requested_platform='linkedin' user=7",
        "? ^^^^ ^^^^^^^^^^ ^^^^^^^ ^^^                   ^           ^^^^^^",
    )


def test_marks_stand_under_what_differs() -> None:
    """A line that differs in a character has a mark under it."""
    assert near(FOUND, "Found 2 platform sections").marks == (
        "- Found 3 platform sections",
        "?       ^",
        "+ Found 2 platform sections",
        "?       ^",
    )


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (LINE, "found 3 platform section"),
        (LINE, "FOUND 3 PLATFORM SECTIONS"),
        (LINE, "INFO app.agents.parser: Found 12 platform-sections in 3 ms"),
        ("Ready", "ready"),
        ("Initialised", "database Initialized"),
        ("naïve café is open", "naïve café is closed"),
        (REQUESTED.text, "INFO swarm: requested_platforms=['linkedin']"),
        ("Requested platforms: ['linkedin', 'twitter', 'pitch_deck']", "Requested platform: 'linkedin'"),
        ("schema version 12 applied", "Applied schema migration version 12"),
    ],
)
def test_what_is_much_alike_is_near(expected: str, message: str) -> None:
    """Another number, case, ending, spelling, order or fewer values: near."""
    assert near(Pattern(expected), UNRELATED, message).event.message == message


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (LINE, UNRELATED),
        (LINE, "Loading platform config"),
        (LINE, "INFO app.agents.swarm: Content written for 1 platform"),
        ("Saved 3 content items", "INFO app.agents.swarm: Content written for 1 platform"),
        (REQUESTED.text, OTHER_LINE),
        ("Requested platforms: ['linkedin', 'twitter', 'pitch_deck']", OTHER_LINE),
        (LINE, "Found the cache of the platform, and in it none of the expired sections"),
        (LINE, ""),
        (LINE, " \n\t\n"),
        ("Saved 3 content items", '10.0.1.20:41234 - "GET /health HTTP/1.1" 200 OK'),
        ("Ready", "reached the end"),
        ("ok", "OK"),
        ("42", "43"),
        ("", "anything"),
    ],
)
def test_what_has_little_in_common_is_not_near(expected: str, message: str) -> None:
    """Words in common are no likeness where most of the text is another; neither has a text without words one."""
    assert nearest_miss(Pattern(expected), [event(message)]) is None


def test_a_near_line_is_a_close_match_by_the_measure_of_difflib() -> None:
    """From a ratio of 0.6 on, between the expected text and the part of the line that is like it."""
    message = "10:00 first second, all is well"
    assert near(Pattern(f"first second {15 * 'x'}"), message).seen == message
    assert nearest_miss(Pattern(f"first second {16 * 'x'}"), [event(message)]) is None


def test_nothing_seen_nothing_near() -> None:
    """Without events there is no near miss."""
    assert nearest_miss(FOUND, []) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (FOUND, f"INFO {LINE} in 5 ms"),
        (FOUND, f"Found 2 platform sections\n{LINE}"),
        (Pattern("Found \\d platform sections", regex=True), LINE),
        (Pattern("found \\d platform sections", regex=True, flags=re.IGNORECASE), LINE),
    ],
)
def test_a_match_is_no_near_miss(pattern: Pattern, message: str) -> None:
    """An event that has what was expected is not offered as one that nearly has it."""
    assert nearest_miss(pattern, [event(message)]) is None


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        (r"Parsed\ content\ item\ \#\d+", 0, r"Parsed content item #\d+"),
        (r"\bParsed content item \[\d+\]", 0, r"\bParsed content item [\d+]"),
        ("Parsed[ ]content \\ item # of a section\n\\ \\#\\d+", re.VERBOSE, r"Parsed[]content item #\d+"),
    ],
)
def test_a_regular_expression_is_read_as_text(text: str, flags: int, expected: str) -> None:
    """Its literal characters are compared, without the escapes; what stands for others is shown as it is."""
    found = near(Pattern(text, regex=True, flags=flags), UNRELATED, "INFO Parsed content item 3 of 5")
    assert found.event.message == "INFO Parsed content item 3 of 5"
    assert found.expected == expected


def test_the_most_similar_line_wins() -> None:
    """Of several near lines the nearest, wherever it stands."""
    nearest = "Found 2 platform sections"
    for messages in ([nearest, "Found no platform, no sections"], ["Found no platform, no sections", nearest]):
        assert near(FOUND, *messages).event.message == nearest


def test_of_equal_lines_the_latest_wins() -> None:
    """The same line again and again: the last time it was logged."""
    events = [event("Found 2 platform sections", at=f"11:{minute}") for minute in (10, 11, 12)]
    found = nearest_miss(FOUND, [*events, event(UNRELATED, at="11:13")])
    assert found is not None
    assert found.event is events[-1]
    different = nearest_miss(FOUND, [event(f"Found {number} platform sections") for number in (1, 2, 4)])
    assert different is not None
    assert different.event.message == "Found 4 platform sections"


def test_an_event_of_many_lines_is_compared_line_by_line() -> None:
    """Of an event of several lines the most similar one is shown."""
    message = f"Traceback:\r\n  {UNRELATED}\r\n  Found 2 platform sections\r\nend"
    assert near(FOUND, message).seen == "Found 2 platform sections"


@pytest.mark.parametrize(
    ("message", "differing"),
    [
        ("Found 2 platform sections", 1),
        ("INFO Found 3 platform section in 5 ms", 1),
        ("Found 3 platform and other sections", 10),
        ("at 11:10: Found 3 platform-sectionz", 2),
    ],
)
def test_the_characters_that_differ_are_counted(message: str, differing: int) -> None:
    """Those that are lacking, or that stand between the parts; what is before and after them is no difference."""
    assert near(FOUND, message).differing == differing


def test_the_most_similar_line_of_an_event_is_shown() -> None:
    """Wherever in the event it stands."""
    likest, other = "Found 2 platform sections", "Found no platform, no sections"
    assert near(FOUND, f"{likest}\n{other}").seen == near(FOUND, f"{other}\n{likest}").seen == likest


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (f"{'before ' * 100}Found 2 platform sectionals, {'after ' * 100}", "…Found 2 platform sectionals…"),
        (f"{'before ' * 100}Refound 2 platform sections, {'after ' * 100}", "…Refound 2 platform sections…"),
        (f"Found 2 platform sections, {'after ' * 100}", "Found 2 platform sections…"),
        (f"{'before ' * 100}Found 2 platform sections", "…Found 2 platform sections"),
    ],
)
def test_a_long_line_is_cropped_around_the_likeness(message: str, seen: str) -> None:
    """Of a long line the part like the expected one is shown, to the ends of its words, and each cut is marked."""
    found = near(FOUND, message)
    assert found.seen == seen
    assert found.marks[0] == f"- {LINE}"


def test_a_long_expectation_is_cut() -> None:
    """The expected text is shown up to a length that can be read."""
    text = "Found 3 platform sections, " + "and more of them " * 100
    found = near(Pattern(text), text.replace("3", "2"))
    assert found.expected.endswith("…")
    assert len(found.expected) < len(text) // 2


def test_credentials_are_masked_before_they_are_shown() -> None:
    """Neither side of the marks shows a secret, not even a part of one that is cut."""
    pattern = Pattern("Connecting to database with password=expected1234 now")
    for padding in ("", "before " * 50, "p" * 1_950):
        found = near(pattern, f"{padding} Connecting to database, password=hunter2222-and-more-of-it {padding}")
        shown = "\n".join([found.expected, found.seen, *found.marks])
        assert "masked" in shown
        assert "hunter" not in shown
        assert "expected1234" not in shown


def test_control_characters_are_escaped_before_they_are_shown() -> None:
    """A line cannot reach the terminal's controls, nor pass for a line of ours."""
    found = near(Pattern("Found 3 platform\nsections"), "\x1b[31mFound 2 platform sections\x1b[0m\u202e")
    shown = "".join([found.expected, found.seen, *found.marks])
    assert all(character.isprintable() for character in shown)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (LINE, "platform sections found "),
        (REQUESTED.text, "platform='linkedin', "),
        ("platform sections founx" * 20, "platform sections found "),
        ("aaaab " * 66, "aaaa"),
    ],
)
def test_lines_of_any_length_cost_no_more_than_their_beginning(text: str, part: str) -> None:
    """Of lines of up to 256 KB, whatever they repeat, only the first 10,000 characters are compared."""
    lines = [f"{number} {part * (200_000 // len(part))}" for number in range(100)]
    found = nearest_miss(Pattern(text), [event(line) for line in lines])
    from_beginnings = nearest_miss(Pattern(text), [event(line[:10_000]) for line in lines])
    assert (found and (found.seen, found.marks)) == (from_beginnings and (from_beginnings.seen, from_beginnings.marks))


def test_a_likeness_in_what_is_masked_is_shown_to_nobody() -> None:
    """A line of which only a credential is like the expected text has nothing that could be shown beside it."""
    assert near(FOUND, "saw Found 2 platform sections").seen == "saw Found 2 platform sections"
    assert nearest_miss(FOUND, [event('password="Found 2 platform sections"')]) is None
