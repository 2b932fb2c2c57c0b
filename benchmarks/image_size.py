"""An image with a base layer of 3 GB, beside one of a tenth: python benchmarks/image_size.py.

The registry is on this machine, and generates the layer while it serves it.
"""

from __future__ import annotations

from image_registry import ImageWorld
from images import ours

BASES = (300_000_000, 3_000_000_000)
"""Bytes of the base layer."""

LIMIT = 600.0
"""Seconds after which a question is stopped."""

_QUESTIONS = {"read": "one file of the uppermost layer", "exists": "a path that is in no layer"}


def measure(bases: tuple[int, ...] = BASES) -> str:
    """Return what two questions cost for each size: one that needs the uppermost layer, and one that needs them all."""
    lines = []
    for base in bases:
        with ImageWorld(base) as world:
            costs = {words: ours(world, question, limit=LIMIT)[0] for question, words in _QUESTIONS.items()}
        lines.append(f"an image with a base layer of {base / 1e9:.1f} GB:")
        lines += [f"  {words}: {cost}" for words, cost in costs.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure())
