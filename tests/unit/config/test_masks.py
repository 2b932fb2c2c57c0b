from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_deploycheck.config.building import build_environment
from pytest_deploycheck.config.placeholders import filled

if TYPE_CHECKING:
    from unit.config.conftest import Refuse


def test_masks_are_taken_as_they_are() -> None:
    """The expressions of `mask` are part of the settings; nothing in them is filled in."""
    table = {"mask": ["C-\\d{6}", "${env}"], "cluster": "shop-{env}"}

    settings = build_environment("dev", filled(table, "dev", {}))

    assert settings.mask == ("C-\\d{6}", "${env}")
    assert settings.cluster == "shop-dev"
    assert build_environment("dev", {}).mask == ()


def test_a_mask_that_is_no_regular_expression_is_refused(refuse: Refuse) -> None:
    """An expression that does not compile is named by its place; a single text is refused as well."""
    (line,) = refuse("[env.dev]\nmask = ['C-1', '(']")
    assert line.startswith("deploycheck.toml: env.dev.mask[1]: ")
    (line,) = refuse("[env.dev]\nmask = 'C-1'")
    assert line.startswith("deploycheck.toml: env.dev.mask: ")
