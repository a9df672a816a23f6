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

"""The research data and the models, where they are."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.detection import yunet
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.resources import models_directory

_BESIDE = Path(__file__).resolve().parents[2].parent / 'shared' / 'data'


@pytest.fixture(scope='session')
def data_directory() -> Path:
    data = Path(os.environ.get('RTCNN_DATA') or _BESIDE)
    if not data.is_dir():
        pytest.skip(f'there is no research data at {data}; RTCNN_DATA may name the folder')
    return data


@pytest.fixture(scope='session')
def yunet_file(data_directory: Path) -> Path:
    reason = yunet.obstacle()
    if reason:
        pytest.skip(reason)
    baselines = Path(os.environ.get('RTCNN_BASELINES') or data_directory.parent / 'baselines')
    path = baselines / yunet.PUBLISHED.path
    if not path.is_file():
        pytest.skip(f'there is no {path}; RTCNN_BASELINES may name the folder')
    return path


@pytest.fixture(scope='session')
def face_model() -> Path:
    """Return the model of the detector rtcnn that comes with the package."""
    return DETECTORS['rtcnn'].locate((models_directory(),))


@pytest.fixture
def image() -> np.ndarray:
    """Return noise of 60 by 80 pixels."""
    return np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture
def _threads_of_opencv():
    """Restore OpenCV's number of threads, which is one for the whole process."""
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def _shipped_rows(monkeypatch):
    """Leave the three detectors of the package alone in the registry."""
    for name in set(DETECTORS) - {'rtcnn', 'yunet', 'haar'}:
        monkeypatch.delitem(DETECTORS, name)
