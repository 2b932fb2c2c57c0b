"""The time to mask hostile megabytes, and its growth: four times the text should take about four times as long."""

from __future__ import annotations

import time

from pytest_deploycheck.redaction import mask

SIZE = 1_000_000
PARTS = (
    "the quick brown fox ",
    "-eyJaaaaaaaa",
    "password",
    "<password ",
    "--password ",
    "SG.aaaaaaaaaa",
    "://aaa:",
    "\x1b[",
    '"value":"',
    "\\",
    "mysql -h db ",
    "A_KEY_",
    "%22",
    "x\b",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----END RSA PRIVATE KEY-----\n",
)


def seconds(part: str, size: int) -> float:
    """Return the processor time to mask a text of this size that repeats a part."""
    text = part * (size // len(part))
    start = time.process_time()
    mask(text)
    return time.process_time() - start


def measure() -> str:
    """Return the time for each part and its ratio to that of a quarter of the text."""
    lines = [f"Masking {SIZE / 1e6:.0f} MB that repeats one text:"]
    for part in PARTS:
        quarter, whole = seconds(part, SIZE // 4), seconds(part, SIZE)
        lines.append(f"  {part!r:40} {whole:6.2f} s, {whole / quarter:4.1f} times the time of a quarter of it")
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure())
