"""Requests to the deployed application."""

from __future__ import annotations
