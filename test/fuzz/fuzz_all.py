"""The fuzz targets by name."""

from __future__ import annotations

import fuzz_images
import fuzz_messages
import fuzz_models
import fuzz_tables

TARGETS = {
    **fuzz_images.TARGETS,
    **fuzz_messages.TARGETS,
    **fuzz_models.TARGETS,
    **fuzz_tables.TARGETS,
}
