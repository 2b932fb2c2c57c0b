"""What a test holds: facts with a way to look closer. Knows neither pytest nor botocore."""

from __future__ import annotations
