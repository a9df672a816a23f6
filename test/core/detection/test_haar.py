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

"""The cascade gives boxes and scores like those of the other detectors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.detection import haar
from rtcnn_perception.core.detection.haar import find_cascade
from rtcnn_perception.core.detection.haar import HaarDetector
from rtcnn_perception.core.detection.haar import square_to_box
from rtcnn_perception.core.detection.haar import weight_to_score
from rtcnn_perception.exceptions import ModelError

PORTRAIT = Path(haar.__file__).parents[2] / 'assets' / 'astronaut.jpg'


class FakeCascade:
    """Returns the squares it was made with, and keeps the image it was given."""

    def __init__(self, squares=(), weights=()):
        self.result = (squares, (), weights)
        self.gray = None

    def detectMultiScale3(self, gray, scale, neighbors, *, outputRejectLevels):  # noqa: N802, N803
        assert (scale, neighbors, outputRejectLevels) == (1.3, 5, True)
        self.gray = gray
        return self.result


def gray_image(height, width):
    return np.full((height, width, 3), 7, np.uint8)


def test_no_squares_are_no_detections():
    # OpenCV gives empty tuples in place of arrays where it finds no face.
    cascade = FakeCascade()
    assert HaarDetector(cascade).detect(gray_image(48, 64)) == ()
    assert cascade.gray.shape == (48, 64)


def test_the_default_width_is_that_of_the_cascade():
    cascade = FakeCascade()
    HaarDetector(cascade).detect(gray_image(960, 1280))
    assert cascade.gray.shape == (480, 640)


def test_boxes_are_in_pixels_of_the_image_and_the_best_comes_first():
    squares = np.array([[10, 20, 100, 100], [200, 20, 50, 50]], np.int32)
    cascade = FakeCascade(squares, np.array([2.0, 5.0]))
    found = HaarDetector(cascade, width=320).detect(gray_image(480, 640))
    assert [one.box for one in found] == [square_to_box(400, 40, 100), square_to_box(20, 40, 200)]
    assert [one.score for one in found] == [weight_to_score(5.0), weight_to_score(2.0)]
    assert found[0].landmarks is None


def test_a_face_below_the_minimum_score_is_left_out():
    squares = np.array([[10, 20, 100, 100], [200, 20, 50, 50]], np.int32)
    detector = HaarDetector(FakeCascade(squares, np.array([0.5, 5.0])))
    assert len(detector.detect(gray_image(480, 640))) == 1
    detector.min_score = 0.0
    assert len(detector.detect(gray_image(480, 640))) == 2


def test_a_square_becomes_a_box_that_is_higher_than_wide_at_the_same_place():
    box = square_to_box(100.0, 200.0, 50.0)
    assert box.center == pytest.approx((125.0, 225.0), abs=0.02 * 50)
    assert 0.7 < box.width / 50.0 < 0.9
    assert 1.0 < box.height / 50.0 < 1.2


def test_scores_grow_with_the_weight_and_stay_in_0_to_1():
    weights = np.linspace(-1e4, 1e4, 2001)
    scores = np.array([weight_to_score(weight) for weight in weights])
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0
    assert (np.diff(scores) >= 0).all()
    middle = [weight_to_score(weight) for weight in np.linspace(-5, 15, 50)]
    assert (np.diff(middle) > 0).all()


def test_a_missing_cascade_is_refused_by_its_path(tmp_path):
    with pytest.raises(ModelError, match=r'none\.xml, there is no such file'):
        HaarDetector.load(tmp_path / 'none.xml')


@pytest.mark.parametrize(
    'content', ['', 'no xml', '<?xml version="1.0"?><opencv_storage></opencv_storage>']
)
def test_a_file_that_is_no_cascade_is_refused_by_its_path(tmp_path, content):
    path = tmp_path / 'bad.xml'
    path.write_text(content)
    with pytest.raises(ModelError, match=r'bad\.xml is no Haar cascade'):
        HaarDetector.load(path)


def test_an_opencv_without_cascades_is_refused_by_its_version(monkeypatch):
    monkeypatch.delattr(cv2, 'CascadeClassifier')
    monkeypatch.setattr(cv2, '__version__', '5.0.0')
    assert 'OpenCV 5.0.0 has no Haar cascades' in haar.ROW.obstacle()
    with pytest.raises(ModelError, match=r'OpenCV 5\.0\.0 has no Haar cascades.*below 5'):
        HaarDetector.load()


def test_the_cascade_of_a_distribution_is_found_where_cv2_names_no_folder(tmp_path, monkeypatch):
    monkeypatch.delattr(cv2, 'data')
    monkeypatch.setattr(haar, '_SYSTEM_DIRECTORIES', (tmp_path / 'none', tmp_path))
    with pytest.raises(ModelError, match='opencv-data'):
        find_cascade()
    path = tmp_path / haar.CASCADE_NAME
    path.touch()
    assert find_cascade() == path


def test_a_cascade_that_opencv_fails_to_read_is_refused_with_what_opencv_says(
    tmp_path, monkeypatch
):
    class Failing:
        """A cascade that OpenCV cannot load."""

        def load(self, _path):
            raise cv2.error('out of memory')

    monkeypatch.setattr(cv2, 'CascadeClassifier', Failing)
    path = tmp_path / 'cascade.xml'
    path.touch()
    with pytest.raises(ModelError, match=r'cascade\.xml is no Haar cascade, or damaged'):
        HaarDetector.load(path)


def test_the_cascade_of_opencv_finds_the_face_in_a_portrait():
    portrait = np.asarray(cv2.imread(str(PORTRAIT)), np.uint8)
    (found,) = HaarDetector.load().detect(portrait)
    assert found.score > 0.9
    assert found.box.clip_to(portrait.shape[1], portrait.shape[0]) == found.box


def test_the_squares_are_those_of_the_plain_call_of_opencv():
    gray = np.asarray(cv2.imread(str(PORTRAIT), cv2.IMREAD_GRAYSCALE), np.uint8)
    squares, weights = HaarDetector.load().find_squares(gray)
    plain = cv2.CascadeClassifier(str(find_cascade())).detectMultiScale(gray, 1.3, 5)
    np.testing.assert_array_equal(squares, plain)
    assert weights.shape == (len(squares),)
