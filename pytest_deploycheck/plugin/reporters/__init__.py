"""The evidence in the reports of others: the terminal, JUnit XML, pytest-html and Allure."""

from __future__ import annotations
