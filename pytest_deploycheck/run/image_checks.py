"""The checks that open the image: what they need is read once for both."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from pytest_deploycheck.checkout.source_tree import checkout
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.snapshot import Judged, Problem, ServiceFacts
from pytest_deploycheck.facts.source import Compared
from pytest_deploycheck.handles.image_files import ImageFiles, OpenLayer
from pytest_deploycheck.judge.analysis.matching import manifest_for
from pytest_deploycheck.judge.checks.image_content import judge_content
from pytest_deploycheck.judge.checks.image_layers import judge_layers
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, IMAGE_LAYERS, Check, Finding
from pytest_deploycheck.oci.files.decompression import DEFAULT_LIMITS, Limits
from pytest_deploycheck.oci.files.layer import LayerError


class ImageChecks(Struct):
    """Carries out the checks that open images.

    Attributes:
        environment: The environment.
        options: What was asked of this run.
        root: The project's root, to which the source is relative.
        open_layer: Opens the layers of images.
    """

    environment: EnvironmentSettings
    options: Options
    root: Path
    open_layer: OpenLayer
    _compared: dict[str, list[Compared]] = field(default_factory=dict)
    _files: dict[str, ImageFiles | None] = field(default_factory=dict)

    @property
    def differences(self) -> list[str]:
        """What tests have found to differ between image and checkout so far, in words."""
        return [text for files in self._files.values() if files for text in files.differences]

    def files(self, facts: ServiceFacts) -> ImageFiles | None:
        """The files of the expected image for a service; None where it, or its manifest, is not known."""
        if facts.name not in self._files:
            self._files[facts.name] = self._open(facts)
        return self._files[facts.name]

    def _open(self, facts: ServiceFacts) -> ImageFiles | None:
        judged = facts.judged[0] if len(facts.judged) == 1 else None
        image = judged.expected.image if judged else None
        manifest = manifest_for(judged, facts) if judged else None
        if image is None or manifest is None:
            return None
        limits = Limits(
            entries=self.environment.max_layer_entries or DEFAULT_LIMITS.entries,
            unpacked=self.environment.max_unpacked_bytes or DEFAULT_LIMITS.unpacked,
        )
        return ImageFiles(image, manifest, image.config_of(manifest), self.open_layer, limits, self.root)

    def judge_content(self, facts: ServiceFacts) -> Finding:
        """`image-content`."""
        compared = self._compare(IMAGE_CONTENT, facts)
        if isinstance(compared, Finding):
            return compared
        files = self.files(facts)
        return judge_content(compared, checkout(self.root), files.config if files else None)

    def judge_layers(self, facts: ServiceFacts) -> Finding:
        """`image-layers`."""
        previous = self._previous(facts)
        if previous is None and self.options.build_log is None:
            return IMAGE_LAYERS.skips("no baseline and no build log, and no earlier image was found")
        compared = self._compare(IMAGE_LAYERS, facts)
        if isinstance(compared, Finding):
            return compared
        expected = facts.judged[0].expected
        return judge_layers(
            compared,
            previous,
            self.options.build_log,
            reference=expected.reference,
            digests=_digests(expected.image) if expected.image else (),
        )

    def _compare(self, check: Check, facts: ServiceFacts) -> list[Compared] | Finding:
        """The source trees beside the image, or why they could not be compared."""
        settings = self.environment.services[facts.name]
        if not settings.source:
            return check.skips("no source is configured")
        if facts.name in self._compared:
            return self._compared[facts.name]
        files = self.files(facts)
        if files is None:
            return _unknown(check, facts)
        try:
            self._compared[facts.name] = [
                files.compare(local, place, settings.source_exclude) for local, place in settings.source.items()
            ]
        except LayerError as error:
            return check.unproven(
                f"the image cannot be opened: {error}",
                remedy="Push the image anew if it is damaged; where it really is so large, raise max_unpacked_bytes or "
                "max_layer_entries of the environment.",
            )
        except UnprovenError as error:
            problem = getattr(error, "problem", None)
            return check.errs(problem) if isinstance(problem, Problem) else check.unproven(str(error))
        except (OSError, ValueError) as error:
            return check.errs(
                Problem(
                    "", type(error).__name__, f"The source cannot be read: {error}", "Check `source` and .dockerignore."
                )
            )
        return self._compared[facts.name]

    def _previous(self, facts: ServiceFacts) -> Previous | None:
        """The image that ran before: as the baseline says, else as ECS and the registry tell."""
        if facts.baseline:
            return facts.baseline
        judged = facts.judged[0] if len(facts.judged) == 1 else None
        return _earlier(judged, facts) if judged else None


def _earlier(judged: Judged, facts: ServiceFacts) -> Previous | None:
    image = judged.earlier
    if image is None:
        return None
    expected = manifest_for(judged, facts)
    layers = image.layers
    if expected is not None:
        platform = judged.expected.image.config_of(expected) if judged.expected.image else None
        for manifest in filter(None, (image.manifest, *image.platforms)):
            config = image.config_of(manifest)
            if config and platform and config.platform == platform.platform:
                layers = manifest.layers
    return Previous("the image before it", image.digest, image.pushed_at, layers)


def _digests(image: Image) -> set[str]:
    manifests = [manifest for manifest in (image.manifest, *image.platforms) if manifest]
    children = image.manifest.children if image.manifest else ()
    configs = [manifest.config for manifest in manifests if manifest.config]
    return {image.digest, *(child.digest for child in children), *(one.digest for one in manifests), *configs}


def _unknown(check: Check, facts: ServiceFacts) -> Finding:
    if len(facts.judged) > 1:
        names = ", ".join(judged.container for judged in facts.judged)
        return check.unproven(
            f"several containers are judged ({names}), so it is not known whose image should hold the source",
            remedy="Name one: `container` in the configuration of the service.",
        )
    problem = facts.judged[0].expected.problem if facts.judged else None
    if problem:
        return check.errs(problem)
    return check.unproven("the manifest of the expected image is not known", remedy="See image-exists.")
