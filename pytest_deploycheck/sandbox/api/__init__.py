"""The endpoint: answers to the operations of AWS, from the state of the sandbox."""

from __future__ import annotations
