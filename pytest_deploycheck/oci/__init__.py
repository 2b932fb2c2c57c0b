"""The image format: references and manifests. Bytes in, facts out; knows neither AWS nor pytest."""

from __future__ import annotations
