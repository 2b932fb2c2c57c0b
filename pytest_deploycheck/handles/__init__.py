"""The values that tests hold: facts with a way to read more. They know neither pytest nor botocore."""

from __future__ import annotations
