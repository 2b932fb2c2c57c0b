"""The checks that open the image, whose common facts are read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from pytest_deploycheck.checkout.git import checkout
from pytest_deploycheck.config.settings import EnvironmentSettings, Options
from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.facts.baseline import Previous
from pytest_deploycheck.facts.image import Image
from pytest_deploycheck.facts.recorded.checks import CheckFacts, SourceCompared
from pytest_deploycheck.facts.snapshot import Judged, Problem, ServiceFacts
from pytest_deploycheck.facts.source import Compared
from pytest_deploycheck.handles.image_files import ImageFiles, OpenedImage, OpenLayer
from pytest_deploycheck.judge.analysis.run_manifests import run_manifests
from pytest_deploycheck.judge.checks.image_content import judge_content
from pytest_deploycheck.judge.checks.image_layers import judge_layers
from pytest_deploycheck.judge.finding import IMAGE_CONTENT, IMAGE_LAYERS, Check, Finding
from pytest_deploycheck.judge.wording import short
from pytest_deploycheck.oci.files.decompression import DEFAULT_LIMITS, Limits
from pytest_deploycheck.oci.files.layer import LayerError
from pytest_deploycheck.run.recording.unrecorded import NOT_RECORDED, REMEDY


class ImageChecks(Struct):
    """Carries out the checks that open images.

    Attributes:
        environment: The environment.
        options: The options of this run.
        root: The project's root, to which the source is relative.
        open_layer: Opens the layers of images.
        recorded: The source trees that an earlier run compared, by service; None for a run that compares them itself.
    """

    environment: EnvironmentSettings
    options: Options
    root: Path
    open_layer: OpenLayer
    recorded: Mapping[str, SourceCompared] | None = None
    _compared: dict[str, list[Compared]] = field(default_factory=dict)
    _opened: dict[str, OpenedImage] = field(default_factory=dict)

    @property
    def differences(self) -> list[str]:
        """The differences between image and checkout that tests have found so far, in words."""
        return [text for opened in self._opened.values() for files in opened.platforms for text in files.differences]

    def opened(self, facts: ServiceFacts) -> OpenedImage:
        """Return the expected image of a service, to be opened for each platform that its tasks run it on."""
        if facts.name not in self._opened:
            self._opened[facts.name] = self._open(facts)
        return self._opened[facts.name]

    def _open(self, facts: ServiceFacts) -> OpenedImage:
        judged = facts.judged[0] if len(facts.judged) == 1 else None
        image = judged.expected.image if judged else None
        if judged is None or image is None or image.manifest is None:
            return OpenedImage(doubt="the manifest of the expected image is not known")
        run = run_manifests(judged, facts)
        if run.doubt:
            return OpenedImage(doubt=run.doubt)
        known = {manifest.digest: manifest for manifest in (image.manifest, *image.platforms)}
        unread = [digest for digest in run.digests if digest not in known]
        if unread:
            return OpenedImage(doubt=f"the manifest {short(unread[0])}, which tasks run, could not be read")
        limits = Limits(
            entries=self.environment.max_layer_entries or DEFAULT_LIMITS.entries,
            unpacked=self.environment.max_unpacked_bytes or DEFAULT_LIMITS.unpacked,
        )
        platforms = {child.digest: child.platform for child in image.children}
        return OpenedImage(
            tuple(
                ImageFiles(
                    image,
                    known[digest],
                    image.config_of(known[digest]),
                    self.open_layer,
                    limits,
                    self.root,
                    platform=platforms.get(digest),
                    mounts=_mounts(judged, facts),
                )
                for digest in run.digests
            )
        )

    def judge_content(self, facts: ServiceFacts) -> Finding:
        """`image-content`."""
        compared = self._compare(IMAGE_CONTENT, facts)
        if isinstance(compared, Finding):
            return compared
        platforms = self.opened(facts).platforms
        source = self._source(facts.name, compared)
        finding = judge_content(compared, source.checkout, platforms[0].config if platforms else None)
        return replace(finding, facts=CheckFacts(source=source.bounded()))

    def judge_layers(self, facts: ServiceFacts) -> Finding:
        """`image-layers`."""
        if not self.environment.services[facts.name].source:
            return IMAGE_LAYERS.skips("no source is configured")
        previous = self._previous(facts)
        if previous is None and self.options.build_log is None:
            return IMAGE_LAYERS.skips("no baseline and no build log, and no earlier image was found")
        compared = self._compare(IMAGE_LAYERS, facts)
        if isinstance(compared, Finding):
            return compared
        expected = facts.judged[0].expected
        finding = judge_layers(
            compared,
            previous,
            self.options.build_log,
            reference=expected.reference,
            digests=_digests(expected.image) if expected.image else (),
        )
        return replace(finding, facts=CheckFacts(source=self._source(facts.name, compared).bounded()))

    def _source(self, service: str, compared: Sequence[Compared]) -> SourceCompared:
        """Return the source trees with the state of the checkout they are of."""
        known = (self.recorded or {}).get(service)
        return SourceCompared(tuple(compared), known.checkout if known else checkout(self.root))

    def _compare(self, check: Check, facts: ServiceFacts) -> list[Compared] | Finding:
        """Return the source trees compared with the image, or a finding on why they could not be compared."""
        settings = self.environment.services[facts.name]
        if not settings.source:
            return check.skips("no source is configured")
        if facts.name in self._compared:
            return self._compared[facts.name]
        opened = self.opened(facts)
        if not opened.platforms:
            return _unknown(check, facts, opened.doubt)
        if self.recorded is not None:
            known = self.recorded.get(facts.name)
            return list(known.trees) if known else check.unproven(NOT_RECORDED, remedy=REMEDY)
        try:
            self._compared[facts.name] = [
                replace(
                    files.compare(local, place, settings.source_exclude),
                    platform=files.platform_name if len(opened.platforms) > 1 else "",
                )
                for files in opened.platforms
                for local, place in settings.source.items()
            ]
        except LayerError as error:
            return check.unproven(
                f"the image cannot be opened: {error}",
                remedy="Push the image again if it is damaged; where it really is so large, raise max_unpacked_bytes "
                "or max_layer_entries of the environment.",
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
        """Return the image that ran before: by the baseline, else by ECS and the registry."""
        if facts.baseline:
            return facts.baseline
        judged = facts.judged[0] if len(facts.judged) == 1 else None
        image = judged.earlier if judged else None
        if image is None:
            return None
        run_on = {files.config.platform for files in self.opened(facts).platforms if files.config}
        manifests = [
            manifest
            for manifest in (image.manifest, *image.platforms)
            if manifest and (config := image.config_of(manifest)) and config.platform in run_on
        ]
        layers = tuple(layer for manifest in manifests for layer in manifest.layers) or image.layers
        return Previous("the image before it", image.digest, image.pushed_at, layers)


def _mounts(judged: Judged, facts: ServiceFacts) -> tuple[str, ...]:
    """Return the paths over which the tasks, or those to come, mount volumes in a judged container."""
    definitions = [facts.definition_of(task) for task in facts.running] or [facts.definition]
    containers = [one.container(judged.container) for one in definitions if one]
    return tuple(dict.fromkeys(mount for container in containers if container for mount in container.mounts))


def _digests(image: Image) -> set[str]:
    manifests = [manifest for manifest in (image.manifest, *image.platforms) if manifest]
    configs = [manifest.config for manifest in manifests if manifest.config]
    return {image.digest, *(child.digest for child in image.children), *(one.digest for one in manifests), *configs}


def _unknown(check: Check, facts: ServiceFacts, doubt: str) -> Finding:
    if len(facts.judged) > 1:
        names = ", ".join(judged.container for judged in facts.judged)
        return check.unproven(
            f"several containers are judged ({names}), so it is not known which image should have the source",
            remedy="Name one: `container` in the configuration of the service.",
        )
    problem = facts.judged[0].expected.problem if facts.judged else None
    if problem:
        return check.errs(problem)
    if facts.judged and facts.judged[0].expected.image and facts.judged[0].expected.image.manifest:
        return check.unproven(
            f"it is not known which manifest of the expected image the tasks run: {doubt}",
            remedy="Name the platform in the task definition (`runtimePlatform`), or name the image by the digest of "
            "the manifest that the tasks run.",
        )
    return check.unproven(doubt, remedy="See image-exists.")
