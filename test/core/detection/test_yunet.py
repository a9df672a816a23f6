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

"""YuNet is fed as it needs to be, and what it finds is in pixels of the image."""

from __future__ import annotations

import hashlib
import shutil

import cv2
import numpy as np
from onnx import TensorProto
import pytest
from rtcnn_perception.core.detection import yunet
from rtcnn_perception.core.detection.yunet import PUBLISHED
from rtcnn_perception.core.detection.yunet import YuNetDetector
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.exceptions import ModelError
from tiny_model import make_graph


class FakeNetwork:
    """Returns the rows it was made with, and keeps what it was given."""

    def __init__(self, rows=None):
        self.rows = rows
        self.calls = []
        self.image = None

    def setInputSize(self, size):  # noqa: N802
        self.calls.append(('size', size))

    def setScoreThreshold(self, threshold):  # noqa: N802
        self.calls.append(('threshold', threshold))

    def detect(self, image):
        self.image = image
        return 1, self.rows


@pytest.fixture
def _able_opencv(monkeypatch):
    """Let any OpenCV count as one that runs YuNet: these tests do not run it."""
    monkeypatch.setattr(yunet, 'obstacle', lambda: '')


def gray_image(height, width):
    return np.full((height, width, 3), 7, np.uint8)


def row(x, y, width, height, score):
    return [x, y, width, height, *range(10), score]


def test_no_rows_are_no_detections():
    assert YuNetDetector(FakeNetwork()).detect(gray_image(48, 64)) == ()
    assert (
        YuNetDetector(FakeNetwork(np.empty((0, 15), np.float32))).detect(gray_image(48, 64)) == ()
    )


@pytest.mark.parametrize(
    'wrong', [[np.inf, 0, 9, 9], [0, 0, np.nan, 9], [0, 0, 0, 9], [0, 0, 9, -1]]
)
def test_numbers_that_are_no_face_are_refused(wrong):
    rows = np.float32([row(1, 1, 20, 20, 0.9), row(*wrong, 0.8)])
    with pytest.raises(ModelError, match=r"returns what is no face: .*, got \[.* 'rtcnn_percep"):
        YuNetDetector(FakeNetwork(rows)).detect(gray_image(100, 100))


def test_boxes_and_landmarks_are_in_pixels_of_the_image_and_the_best_comes_first():
    rows = np.array([row(10, 20, 30, 40, 0.7), row(100, 20, 30, 40, 1.1)], np.float32)
    network = FakeNetwork(rows)
    best, other = YuNetDetector(network).detect(gray_image(480, 640))
    assert network.image.shape == (240, 320, 3)
    assert other.box == BoundingBox(20, 40, 80, 120)
    assert other.score == pytest.approx(0.7)
    assert other.landmarks.tolist() == (2.0 * np.arange(10).reshape(5, 2)).tolist()
    assert other.landmarks.dtype == np.float32
    assert best.score == 1.0


def test_height_has_its_own_scale_where_it_was_rounded():
    network = FakeNetwork(np.array([row(0, 0, 333, 101, 0.9)], np.float32))
    (found,) = YuNetDetector(network, width=333).detect(gray_image(303, 999))
    assert network.image.shape == (101, 333, 3)
    assert found.box.as_tuple() == pytest.approx((0, 0, 999, 303))


def test_only_settings_that_changed_are_passed_to_the_network():
    network = FakeNetwork()
    detector = YuNetDetector(network, min_score=0.6)
    detector.detect(gray_image(480, 640))
    detector.detect(gray_image(480, 640))
    assert network.calls == [('size', (320, 240)), ('threshold', 0.6)]
    detector.min_score = 0.7
    detector.detect(gray_image(960, 1280))
    assert network.calls[2:] == [('threshold', 0.7)]
    detector.detect(gray_image(480, 480))
    assert network.calls[3:] == [('size', (320, 320))]


@pytest.mark.parametrize('size_hw', [(1, 1), (1, 640), (640, 1), (32, 32), (32, 640)])
def test_a_small_image_is_padded_to_what_opencv_can_run(size_hw):
    network = FakeNetwork()
    YuNetDetector(network, width=640).detect(gray_image(*size_hw))
    height, width = (max(side, 64) for side in size_hw)
    assert network.image.shape == (height, width, 3)
    assert network.calls[0] == ('size', (width, height))
    assert (network.image[: size_hw[0], : size_hw[1]] == 7).all()
    assert network.image.sum() == 7 * 3 * size_hw[0] * size_hw[1]


@pytest.mark.parametrize(
    ('version', 'is_able'),
    [('4.5.4', False), ('4.6.0', False), ('4.8.0', True), ('4.14.0-dev', True), ('5.0.0', True)],
)
def test_opencv_must_be_new_enough(version, is_able):
    reason = yunet.obstacle(version)
    assert (reason == '') == is_able
    assert is_able or version in reason


def test_opencv_may_lack_the_class(monkeypatch):
    monkeypatch.delattr(cv2, 'FaceDetectorYN')
    assert 'without FaceDetectorYN' in yunet.obstacle('4.8.0')


def test_an_opencv_that_is_too_old_is_refused_before_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(yunet, 'obstacle', lambda: 'OpenCV 4.6.0 is too old')
    with pytest.raises(ModelError, match=r'^OpenCV 4\.6\.0 is too old$'):
        YuNetDetector.load(tmp_path / PUBLISHED.path.name)


@pytest.mark.usefixtures('_able_opencv')
def test_a_missing_file_is_refused_with_how_to_get_it(tmp_path):
    with pytest.raises(ModelError, match=r'none\.onnx, there is no such file.*fetch yunet'):
        YuNetDetector.load(tmp_path / 'none.onnx')


@pytest.mark.usefixtures('_able_opencv')
def test_a_file_of_the_published_name_must_be_the_published_file(tmp_path):
    path = tmp_path / PUBLISHED.path.name
    path.write_bytes(b'something else')
    with pytest.raises(ModelError, match=r'expected the sha256 8f2383e4.*got .*damaged'):
        YuNetDetector.load(path)


@pytest.mark.usefixtures('_able_opencv')
@pytest.mark.parametrize('content', [b'', b'no model', b'\x08\x07' * 100])
def test_another_file_that_opencv_cannot_read_is_refused_with_what_opencv_says(tmp_path, content):
    path = tmp_path / 'other.onnx'
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r'other\.onnx is damaged or no YuNet.*OpenCV .* says'):
        YuNetDetector.load(path)


def test_a_truncated_file_under_another_name_is_refused(tmp_path, yunet_file):
    path = tmp_path / 'cut.onnx'
    path.write_bytes(yunet_file.read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r'cut\.onnx is damaged'):
        YuNetDetector.load(path)


@pytest.mark.usefixtures('_able_opencv')
def test_a_model_that_is_no_yunet_is_refused(tmp_path):
    path = tmp_path / 'attribute.onnx'
    path.write_bytes(make_graph({'emotion': 7}, dtype=TensorProto.FLOAT))
    with pytest.raises(ModelError, match=r'attribute\.onnx is damaged or no YuNet'):
        YuNetDetector.load(path)


def test_the_published_file_runs_under_any_name(tmp_path, yunet_file):
    path = tmp_path / 'renamed.onnx'
    shutil.copy(yunet_file, path)
    assert YuNetDetector.load(path).detect(gray_image(480, 640)) == ()


def test_the_published_file_has_the_size_and_the_sum_that_are_stated(yunet_file):
    content = yunet_file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == PUBLISHED.sha256
    assert len(content) == PUBLISHED.size
