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

"""The built-in clip is the same on every run, smooth, and shows a second person for a while."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources import builtin as builtin_module
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.sources.builtin import load_portrait
from rtcnn_perception.core.sources.builtin import PERIOD_FRAMES
from rtcnn_perception.core.sources.builtin import VISITOR_FRAMES
from rtcnn_perception.exceptions import SourceError


@pytest.fixture(scope='module')
def clip() -> BuiltinClip:
    return BuiltinClip()


def haar_faces(frame: np.ndarray) -> int:
    path = cv2.data.haarcascades + 'haarcascade_frontalface_default.xml'
    gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    return len(cv2.CascadeClassifier(path).detectMultiScale(gray, 1.3, 5))


def test_frames_are_images_of_the_size_of_the_clip(clip):
    frame = clip.frame(0)
    assert (frame.shape[1], frame.shape[0]) == clip.size
    assert frame.shape[2] == 3
    assert frame.dtype == np.uint8


@pytest.mark.parametrize('index', [0, 1, VISITOR_FRAMES[0], 130, VISITOR_FRAMES[1], 299])
def test_a_frame_depends_on_its_number_alone(clip, index):
    np.testing.assert_array_equal(clip.frame(index), BuiltinClip().frame(index))
    np.testing.assert_array_equal(clip.frame(index), clip.frame(index + PERIOD_FRAMES))


def test_frames_follow_smoothly_also_where_the_clip_repeats(clip):
    small = [
        cv2.resize(clip.frame(i), (64, 48), interpolation=cv2.INTER_AREA).astype(float)
        for i in range(PERIOD_FRAMES + 1)
    ]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(small)]
    assert min(steps) > 0.2, 'a frame stands still'
    assert max(steps) < 9.0, 'a frame jumps'


@pytest.mark.parametrize(('index', 'faces'), [(0, 1), (40, 1), (100, 2), (140, 2), (240, 1)])
def test_a_second_face_comes_and_leaves(clip, index, faces):
    assert haar_faces(clip.frame(index)) == faces


def test_the_light_changes(clip):
    means = [float(clip.frame(i).mean()) for i in range(0, PERIOD_FRAMES, 10)]
    assert max(means) > 1.3 * min(means)


def test_the_portrait_is_not_written_to():
    portrait = load_portrait()
    before = portrait.copy()
    BuiltinClip(portrait).frame(130)
    np.testing.assert_array_equal(portrait, before)


def test_a_missing_portrait_is_refused_by_its_path(monkeypatch):
    monkeypatch.setattr(builtin_module, 'PORTRAIT', 'missing.jpg')
    with pytest.raises(SourceError, match=r'missing\.jpg is missing or damaged'):
        BuiltinClip()


def test_a_damaged_portrait_is_refused_by_its_path(monkeypatch):
    monkeypatch.setattr(builtin_module, 'PORTRAIT', 'README.md')
    with pytest.raises(SourceError, match=r'README\.md is missing or damaged'):
        BuiltinClip()
