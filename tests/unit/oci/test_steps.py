from __future__ import annotations

import pytest

from pytest_deploycheck.facts.image import Step
from pytest_deploycheck.oci.steps import can_hold, destinations, step_name


@pytest.mark.parametrize(
    ("created_by", "name"),
    [
        ("COPY app/ ./app/ # buildkit", "COPY app/ ./app/"),
        ("/bin/sh -c #(nop) COPY dir:0a1b in /app ", "COPY dir:0a1b in /app"),
        ('/bin/sh -c #(nop)  CMD ["python3"]', 'CMD ["python3"]'),
        ("RUN /bin/sh -c pip install -r requirements.txt # buildkit", "RUN pip install -r requirements.txt"),
        ("RUN |1 TOKEN=s3cret /bin/sh -c pip install app # buildkit", "RUN pip install app"),
        ("RUN |2 A=one two B= /bin/sh -c pip install app # buildkit", "RUN pip install app"),
        ("|1 A=b /bin/sh -c pip install app", "RUN pip install app"),
        ("/bin/sh -c apt-get update \t&& apt-get install -y curl", "RUN apt-get update && apt-get install -y curl"),
        ("RUN /bin/bash -euxo pipefail -c make # buildkit", "RUN make"),
        ("/bin/bash -o pipefail -c make", "RUN make"),
        ("WORKDIR /app", "WORKDIR /app"),
        ("# debian.sh --arch 'amd64' out/ 'trixie'", "# debian.sh --arch 'amd64' out/ 'trixie'"),
        ("bazel build ...", "bazel build ..."),
        ("RUN pip install app", "RUN pip install app"),
        (
            "RUN printf '\x1b[31m\u202e' # buildkit",
            "RUN printf '\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}'",
        ),
        ("", ""),
    ],
)
def test_a_step_reads_as_it_was_written(created_by: str, name: str) -> None:
    """A step is named by its instruction, without shell, build arguments and the builder's marks."""
    assert step_name(created_by) == name


def last(*steps: str) -> str | None:
    """The destination of the last of these steps, none of which is empty."""
    return destinations([Step(step) for step in steps])[-1]


@pytest.mark.parametrize(
    ("step", "destination"),
    [
        ("COPY app/ ./app/ # buildkit", "/srv/app"),
        ("COPY app.py ./ # buildkit", "/srv"),
        ("COPY . . # buildkit", "/srv"),
        ("COPY . ../www # buildkit", "/www"),
        ("COPY app.py /app/main.py # buildkit", "/app/main.py"),
        ("COPY a b c /data/ # buildkit", "/data"),
        ("COPY --chown=app:app --chmod=755 --link . /app # buildkit", "/app"),
        ("COPY --from=build /venv /venv", "/venv"),
        ("ADD https://example.com/a.tar.gz /data/ # buildkit", "/data"),
        ("ADD rootfs.tar.xz / # buildkit", "/"),
        ('COPY ["a b", "/x y/"]', "/x y"),
        ('COPY --chown=app ["a", "b", "x/"]', "/srv/x"),
        ("/bin/sh -c #(nop) COPY dir:0a1b in /app ", "/app"),
        ("/bin/sh -c #(nop) COPY multi:0a1b in ./ ", "/srv"),
        ("/bin/sh -c #(nop) COPY --chown=app:app file:0a1b in /x y/ ", "/x y"),
        ("/bin/sh -c #(nop) ADD file:0a1b in / ", "/"),
        ("WORKDIR /app", "/app"),
        ("COPY a /data/../app # buildkit", "/app"),
    ],
)
def test_where_a_copy_can_only_have_written(step: str, destination: str) -> None:
    """The destination of a COPY or ADD is known in all the forms that builders write; here after `WORKDIR /srv`."""
    assert last("WORKDIR /srv", step) == destination


@pytest.mark.parametrize(
    "step",
    [
        "RUN /bin/sh -c make install # buildkit",
        "# debian.sh --arch 'amd64' out/ 'trixie'",
        "bazel build ...",
        "",
        "COPY",
        "COPY app # buildkit",
        "COPY --chown=app:app",
        "COPY app $HOME/app",
        "COPY app ${TARGET}",
        "COPY app C:\\app",
        "COPY app c:/app",
        'COPY app "/app',
        'COPY ["app"]',
        'COPY ["app", 3]',
        'COPY ["app", "/app"',
        "COPY [] /app",
        "COPY <<EOF\nhello\nEOF",
        "/bin/sh -c #(nop) COPY dir:0a1b in  ",
        "copy app /app",
        "ONBUILD COPY . /app",
    ],
)
def test_in_doubt_a_layer_may_hold_anything(step: str) -> None:
    """No destination is guessed: not of a RUN, not of another tool's step, not of what has several readings."""
    assert last("WORKDIR /srv", step) is None


def test_a_copy_of_several_words_may_mean_a_path_with_spaces() -> None:
    """Builders join operands with spaces: what several words may mean is all below the folder they have in common."""
    assert last("WORKDIR /srv", "COPY a b c ./x/ # buildkit") == "/srv"
    assert last("WORKDIR /srv", "COPY a /x y/ # buildkit") == "/"
    assert last("WORKDIR /srv", "COPY a /srv/x y/ # buildkit") == "/srv"


def test_working_directories_follow_each_other() -> None:
    """A relative path is resolved by the steps before it, and a relative WORKDIR by those before that."""
    steps = ["WORKDIR /srv", "COPY a b", "WORKDIR www", "COPY a b", "WORKDIR ../../x", "COPY a b"]
    assert destinations([Step(step, is_empty=step.startswith("W")) for step in steps]) == (
        "/srv/b",
        "/srv/www/b",
        "/x/b",
    )


@pytest.mark.parametrize("steps", [(), ("WORKDIR $HOME",), ("WORKDIR /srv", "bazel build"), ("WORKDIR",)])
def test_without_a_known_working_directory_a_relative_path_is_unknown(steps: tuple[str, ...]) -> None:
    """A base image may have a working directory that no step tells: a relative path is not below the root."""
    assert last(*steps, "COPY app ./app # buildkit") is None
    assert last(*steps, "COPY app /app # buildkit") == "/app"


def test_instructions_between_do_not_make_the_working_directory_unknown() -> None:
    """Instructions of a Dockerfile that set no working directory leave it as it is."""
    between = ["ENV A=b", "RUN /bin/sh -c make # buildkit", "ARG X", "USER app", "LABEL a=b", "EXPOSE map[80/tcp:{}]"]
    assert last("WORKDIR /srv", *between, "COPY . . # buildkit") == "/srv"


@pytest.mark.parametrize("path", ["/bin/tool", "/lib", "/var/run/app", "/usr/sbin/x", "/bin/../bin/x"])
def test_usual_links_are_not_destinations(path: str) -> None:
    """In most images `/bin` is a link to `/usr/bin`: what is copied there stands elsewhere in the layer."""
    assert last(f"COPY tool {path} # buildkit") is None


def test_only_steps_with_a_layer_are_counted() -> None:
    """There is one destination for each layer."""
    steps = [Step("CMD []", is_empty=True), Step("COPY a /a"), Step("ENV A=b", is_empty=True), Step("RUN b")]
    assert destinations(steps) == ("/a", None)
    assert destinations([]) == ()


@pytest.mark.parametrize(
    ("destination", "path", "answer"),
    [
        (None, "/app/main.py", True),
        ("/", "/app/main.py", True),
        ("/app", "/app/main.py", True),
        ("/app/", "/app", True),
        ("/app/main.py", "/app/main.py", True),
        ("/app/main.py", "/app", True),
        ("/app", "/", True),
        ("/app", "app/main.py", True),
        ("/app", "/etc/../app/x", True),
        ("/app", "/apple/main.py", False),
        ("/app/main.py", "/app/other.py", False),
        ("/etc/app", "/app", False),
        ("/app/x", "/app/y/x", False),
    ],
)
def test_what_a_layer_can_hold(destination: str | None, path: str, answer: bool) -> None:  # noqa: FBT001 - a case
    """A layer cannot hold a path if its destination is neither it, nor above it, nor below it."""
    assert can_hold(destination, path) is answer
