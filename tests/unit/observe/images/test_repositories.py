"""Repositories of ECR, each read for all who ask."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.worlds import NEW, reference

from pytest_deploycheck.observe.calls import Once
from pytest_deploycheck.observe.images.repositories import Repositories


def test_a_manifest_that_is_gone() -> None:
    """ECR says that it has no such image: that is told apart from a manifest that cannot be read."""

    def batch_get_image(*, imageIds: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N803  # as in boto3
        return {"images": [], "failures": [{"imageId": one, "failureCode": "ImageNotFound"} for one in imageIds]}

    session = SimpleNamespace(ecr=lambda _: SimpleNamespace(batch_get_image=batch_get_image))
    with pytest.raises(LookupError, match=NEW):
        Repositories(cast("Any", session), Once()).manifest(reference(), NEW)
