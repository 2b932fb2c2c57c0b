"""What the logs of a service mean for an expectation."""

from __future__ import annotations
