from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip('torch')

from bright_faces import CONFIG


def test_augmentation_eases_where_the_configuration_says():
    never, later = (replace(CONFIG, ease_from=epochs) for epochs in (0, 5))
    assert never.augmentation_at(99) == CONFIG.augmentation
    assert later.augmentation_at(4) == CONFIG.augmentation
    eased = later.augmentation_at(5)
    assert eased.rotation == CONFIG.augmentation.rotation / 2
    assert eased.mirror == CONFIG.augmentation.mirror
