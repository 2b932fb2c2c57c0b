"""Blobs from ECR and from other registries."""

from __future__ import annotations
