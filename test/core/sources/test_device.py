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

"""A camera is opened with the mode asked for, and refused where it gives no frames."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources.device import DeviceMode
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import SourceError
from source_files import HEIGHT
from source_files import still
from source_files import WIDTH


class FakeCamera:
    """A V4L2 camera that gives three frames and is then unplugged."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.settings: dict[int, float] = {}
        self.is_released = False
        self._left = 3

    def set(self, prop: int, value: float) -> bool:
        self.settings[prop] = value
        return True

    def get(self, prop: int) -> float:
        return self.settings.get(prop, 0.0)

    def read(self) -> tuple[bool, np.ndarray | None]:
        self._left -= 1
        return (True, still(100)) if self._left >= 0 else (False, None)

    def release(self) -> None:
        self.is_released = True


@pytest.fixture
def cameras(monkeypatch) -> list[FakeCamera]:
    """Collect the cameras that are opened; /dev/video3 exists."""
    made: list[FakeCamera] = []
    monkeypatch.setattr(
        cv2, 'VideoCapture', lambda *arguments: made.append(FakeCamera(*arguments)) or made[-1]
    )
    exists = Path.exists
    monkeypatch.setattr(Path, 'exists', lambda path: path.name == 'video3' or exists(path))
    return made


@pytest.mark.parametrize('text', ['/dev/video987', '987'])
def test_a_camera_that_does_not_exist_is_refused_by_its_name(text):
    with pytest.raises(SourceError, match='there is no camera /dev/video987; found: '):
        open_source(text)


def test_a_camera_is_live_and_is_set_to_the_size_and_rate_asked_for(cameras):
    source = open_source('3', DeviceMode(width=800, height=600, fps=15.0))
    assert source.is_live
    assert source.frame_count is None
    assert source.name == '/dev/video3'
    assert source.fps == 15.0
    assert source.size == (WIDTH, HEIGHT)
    assert cameras[0].arguments == (3, cv2.CAP_V4L2)
    assert cameras[0].settings == {
        cv2.CAP_PROP_BUFFERSIZE: 1,
        cv2.CAP_PROP_FRAME_WIDTH: 800,
        cv2.CAP_PROP_FRAME_HEIGHT: 600,
        cv2.CAP_PROP_FPS: 15.0,
    }
    source.close()
    assert cameras[0].is_released


def test_a_camera_without_a_mode_keeps_the_settings_of_its_driver(cameras):
    assert open_source('3').fps == 30.0
    assert set(cameras[0].settings) == {cv2.CAP_PROP_BUFFERSIZE}


def test_a_link_to_a_camera_is_that_camera(tmp_path, cameras):
    link = tmp_path / 'by-id'
    link.symlink_to('/dev/video3')
    assert open_source(str(link)).name == '/dev/video3'
    assert cameras[0].arguments == (3, cv2.CAP_V4L2)


@pytest.mark.usefixtures('cameras')
def test_a_camera_that_is_unplugged_raises():
    frames = iter(open_source('/dev/video3'))
    assert len(list(islice(frames, 2))) == 2
    with pytest.raises(SourceError, match='/dev/video3 stopped giving frames'):
        next(frames)


def test_a_camera_that_gives_no_frames_is_refused_and_released(cameras, monkeypatch):
    monkeypatch.setattr(FakeCamera, 'read', lambda _: (False, None))
    with pytest.raises(SourceError, match=r'gives no frames; .*\(group video\)'):
        open_source('/dev/video3')
    assert cameras[0].is_released
