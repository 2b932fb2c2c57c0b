"""Queries about images, mostly to ECR."""

from __future__ import annotations
