"""Asks AWS and returns facts; decides nothing. The only room that knows boto3 and botocore."""

from __future__ import annotations
