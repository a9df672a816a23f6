# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Detectors for the tests of this folder; their packages are extras that may be absent."""

from __future__ import annotations

import pytest


@pytest.fixture
def detector(tmp_path):
    """Return the folder of a detector of a few weights that finds what is painted."""
    from tiny_detector import write_tiny_detector  # noqa: PLC0415

    return write_tiny_detector(tmp_path / 'detector')


@pytest.fixture
def _with_tiny(monkeypatch):
    """Let an architecture be known that learns drawn faces in seconds."""
    from drawn_faces import TINY  # noqa: PLC0415
    from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES  # noqa: PLC0415

    monkeypatch.setitem(DETECTOR_ARCHITECTURES, 'tiny', TINY)


@pytest.fixture(scope='session')
def trained(tmp_path_factory):
    """Return the folder of a tiny detector that was trained and exported by the commands."""
    from drawn_faces import TINY  # noqa: PLC0415
    from rtcnn_perception.commands import export  # noqa: PLC0415
    from rtcnn_perception.commands import train  # noqa: PLC0415
    from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES  # noqa: PLC0415
    from small_detector import run  # noqa: PLC0415
    from small_detector import write_config  # noqa: PLC0415

    folder = tmp_path_factory.mktemp('trained')
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DETECTOR_ARCHITECTURES, 'tiny', TINY)
        assert run(train, write_config(folder), '--output', folder / 'run') == 0
        assert run(export, folder / 'run/last.pt', '--output', folder / 'model') == 0
    return folder
