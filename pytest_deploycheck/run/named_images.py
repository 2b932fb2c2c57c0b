"""The images that options and configuration name, checked before anything is contacted."""

from __future__ import annotations

from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import ConfigurationError
from pytest_deploycheck.oci.reference import check_expected


def check_images(environment: EnvironmentSettings, options: Options) -> None:
    """Check that each image that is named for a selected service is a reference.

    Raises:
        ConfigurationError: One of them is not.
    """
    for service in options.services:
        by_option = options.images.get(service)
        text = by_option or environment.services[service].image
        where = "--deploy-image" if by_option else f"env.{environment.name}.services.{service}.image"
        for reference in text.split(",") if text else ():
            _check(reference, text or "", where)


def _check(reference: str, text: str, where: str) -> None:
    try:
        check_expected(reference)
    except ValueError as error:
        raise ConfigurationError(
            f"{where}: {text!r} is no reference to an image: {error}.",
            "Give a tag, a digest (sha256:…), repository:tag, or a whole reference with its registry.",
        ) from error
