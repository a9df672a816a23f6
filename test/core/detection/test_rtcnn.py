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

"""The detector decodes its network to faces in pixels of the image, or refuses its outputs."""

from __future__ import annotations

import math

import numpy as np
from onnx import TensorProto
import onnxruntime
import pytest
from rtcnn_perception.core.detection import rtcnn
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import ModelError
from tiny_detector import LANDMARKS
from tiny_detector import make_detector
from tiny_detector import make_detector_card
from tiny_detector import SIDE
from tiny_detector import write_tiny_detector
from tiny_model import write_model

ANCHORS = 16 + 4 + 1
"""Anchor points of a square of 32 pixels."""


@pytest.fixture
def folder(tmp_path):
    return write_tiny_detector(tmp_path)


@pytest.fixture
def detector(folder):
    return RtcnnDetector.load(folder)


def black(height, width):
    return np.zeros((height, width, 3), np.uint8)


def paint(image, stride, column_row, score, shift=(0.0, 0.0)):
    """Paint a face at an anchor point, and return its box and landmarks."""
    column, row = column_row
    middle = (row * stride + stride // 2, column * stride + stride // 2)
    image[middle] = round(score * 255), round(shift[0] * 128), round(shift[1] * 128)
    center = (np.array(column_row) + 0.5 + shift) * stride
    half = SIDE / 2 * stride
    return [*center - half, *center + half], center + LANDMARKS * stride


class FakeSession:
    """Returns the outputs it was made with, by default no face in a square of 32 pixels."""

    def __init__(self, **given):
        self.given = {
            'score': np.zeros((1, ANCHORS), np.float32),
            'box': np.zeros((1, ANCHORS, 4), np.float32),
            'landmarks': np.zeros((1, ANCHORS, 10), np.float32),
        } | given

    def run(self, names, _feed):
        return [self.given[name] for name in names]


class KeepingSession:
    """Runs another session and keeps what that is fed."""

    def __init__(self, session):
        self._session = session
        self.fed = []

    def run(self, names, feed):
        self.fed.append(feed['image'].copy())
        return self._session.run(names, feed)


@pytest.mark.parametrize('min_score', [0.01, 0.6, 1.0])
def test_a_black_image_has_no_faces(folder, min_score):
    assert (
        RtcnnDetector.load(folder, DetectorConfig(min_score=min_score)).detect(black(48, 64)) == ()
    )


@pytest.mark.parametrize('stride', [8, 16, 32])
def test_a_face_is_where_its_output_row_places_it(detector, stride):
    image = black(64, 96)
    box, landmarks = paint(image, stride, (1, 0), 0.8, shift=(0.5, 0.25))
    (found,) = detector.detect(image)
    np.testing.assert_allclose(found.box.as_tuple(), box, atol=1e-4)
    np.testing.assert_allclose(found.landmarks, landmarks, atol=1e-4)
    assert found.landmarks.dtype == np.float32
    assert found.score == pytest.approx(204 / 255)


@pytest.mark.parametrize(
    ('size_hw', 'padded_hw'),
    [
        ((1, 1), (32, 32)),
        ((1, 33), (32, 64)),
        ((33, 65), (64, 96)),
        ((32, 64), (32, 64)),
        ((480, 640), (480, 640)),
        ((481, 639), (512, 640)),
    ],
)
def test_an_image_is_padded_at_the_right_and_the_bottom_with_zeros(folder, size_hw, padded_hw):
    detector = RtcnnDetector.load(folder, DetectorConfig(width=8192))
    detector._session = KeepingSession(detector._session)
    image = np.random.default_rng(1).integers(1, 256, (*size_hw, 3), dtype=np.uint8)
    detector.detect(image)
    fed, *_ = detector._session.fed
    assert fed.shape == (1, *padded_hw, 3)
    assert (fed[0, : size_hw[0], : size_hw[1]] == image).all()
    assert fed.sum(dtype=np.int64) == image.sum(dtype=np.int64)


def test_no_image_leaves_pixels_in_the_padding_of_the_next(detector):
    detector._session = KeepingSession(detector._session)
    for size_hw in ((64, 64), (33, 64), (33, 40), (50, 33), (50, 33)):
        image = np.full((*size_hw, 3), 7, np.uint8)
        detector.detect(image)
        assert detector._session.fed[-1].shape == (1, 64, 64, 3)
        assert detector._session.fed[-1].sum() == image.sum()


def test_faces_are_in_pixels_of_the_image_at_any_detection_width(folder):
    shrunk = black(101, 333)
    box, landmarks = paint(shrunk, 8, (20, 6), 1.0)
    enlarged = np.repeat(np.repeat(shrunk, 3, axis=0), 3, axis=1)
    (found,) = RtcnnDetector.load(folder, DetectorConfig(width=333)).detect(enlarged)
    np.testing.assert_allclose(found.box.as_tuple(), 3 * np.array(box), rtol=1e-5)
    np.testing.assert_allclose(found.landmarks, 3 * landmarks, rtol=1e-5)


def test_height_has_its_own_scale_where_it_was_rounded(folder):
    detector = RtcnnDetector.load(folder, DetectorConfig(width=32))
    box = np.zeros((1, ANCHORS, 4), np.float32)
    box[0, -1, 2:] = math.log(2.0), math.log(0.5)
    score = np.zeros((1, ANCHORS), np.float32)
    score[0, -1] = 1.0
    detector._session = FakeSession(score=score, box=box)
    (found,) = detector.detect(black(93, 96))  # shrunk to 31 by 32, where 93 / 31 is 96 / 32
    assert found.box.as_tuple() == pytest.approx((-48, 24, 144, 72), abs=1e-4)
    (found,) = detector.detect(black(40, 64))  # shrunk to 20 by 32
    assert found.box.as_tuple() == pytest.approx((-32, 16, 96, 48), abs=1e-4)
    (found,) = detector.detect(black(41, 64))  # 20.5 by 32 is shrunk to 20 by 32
    y0, y1 = 8 * 41 / 20, 24 * 41 / 20
    assert found.box.as_tuple() == pytest.approx((-32, y0, 96, y1), abs=1e-4)


def test_the_default_width_is_that_of_the_card(tmp_path):
    model = make_detector()
    card = make_detector_card(model) | {'width': 64}
    detector = RtcnnDetector.load(write_model(tmp_path, model, card))
    detector._session = KeepingSession(detector._session)
    detector.detect(black(96, 128))
    assert detector._session.fed[0].shape == (1, 64, 64, 3)


def test_the_best_face_comes_first(detector):
    image = black(96, 160)
    for column, score in enumerate((0.7, 0.9, 0.8)):
        paint(image, 8, (4 * column, 0), score)
    found = detector.detect(image)
    assert [one.score for one in found] == pytest.approx([0.9, 0.8, 0.7], abs=0.003)
    assert [one.box.center[0] for one in found] == pytest.approx([36, 68, 4])
    assert [one.landmarks[2, 0] for one in found] == pytest.approx([36, 68, 4])


def test_min_score_holds_from_the_next_image_on(detector):
    image = black(64, 96)
    paint(image, 8, (0, 0), 0.45)
    paint(image, 8, (8, 0), 0.7)
    assert len(detector.detect(image)) == 1
    detector.min_score = 0.4
    assert len(detector.detect(image)) == 2
    detector.min_score = 0.8
    assert detector.detect(image) == ()


def test_non_maximum_suppression_keeps_the_best_box_of_a_face(detector):
    image = black(64, 64)
    box, _ = paint(image, 8, (3, 3), 0.9)
    paint(image, 8, (4, 3), 0.8)  # overlaps by a third
    paint(image, 8, (3, 5), 0.7)  # touches
    best, other = detector.detect(image)
    np.testing.assert_allclose(best.box.as_tuple(), box, atol=1e-4)
    assert other.score == pytest.approx(0.7, abs=0.003)


def test_only_the_best_candidates_are_decoded(detector, monkeypatch):
    monkeypatch.setattr(rtcnn, 'MAX_CANDIDATES', 2)
    image = black(64, 160)
    for column, score in enumerate((0.7, 0.9, 0.65, 0.8)):
        paint(image, 8, (4 * column, 0), score)
    found = detector.detect(image)
    assert [one.score for one in found] == pytest.approx([0.9, 0.8], abs=0.003)


@pytest.mark.parametrize(('largest', 'count'), [(1.9, 0), (2.1, 1)])
def test_what_is_far_larger_than_the_image_is_no_face(detector, monkeypatch, largest, count):
    monkeypatch.setattr(rtcnn, 'LARGEST_FACE', largest)
    image = black(32, 32)
    paint(image, 32, (0, 0), 0.8)  # a box of twice the side
    assert len(detector.detect(image)) == count


def test_the_tag_names_the_detector_and_its_model(detector):
    assert detector.tag == f'rtcnn ({detector.card.tag})'
    assert len(detector.landmark_names) == 5


@pytest.mark.parametrize('image', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_image_is_refused(detector, image):
    with pytest.raises(ImageFormatError, match=r'\(H, W, 3\)'):
        detector.detect(image)


def refused(tmp_path, graph, card):
    """Return the message with which a model is refused."""
    with pytest.raises(ModelError) as refusal:
        RtcnnDetector.load(write_model(tmp_path, graph, card))
    message = str(refusal.value)
    assert message.startswith(str(tmp_path / 'model.onnx'))
    assert 'rtcnn_perception export' in message
    assert '\n' not in message
    return message


@pytest.mark.parametrize('graph', [b'', b'damaged', make_detector()[:-100]])
def test_a_damaged_graph_is_refused(tmp_path, graph):
    message = refused(tmp_path, graph, make_detector_card(graph))
    assert f'expected a graph that onnxruntime {onnxruntime.__version__} can load' in message


@pytest.mark.parametrize(
    ('graph', 'message'),
    [
        ({'dtype': TensorProto.FLOAT}, 'input image of type tensor(uint8), got tensor(float)'),
        (
            {'input_shape': (1, 256, 320, 3)},
            "input image of shape (1, 'H', 'W', 3) with H and W free, got [1, 256, 320, 3]",
        ),
        ({'input_shape': ('H', 'W', 3)}, "input image of shape (1, 'H', 'W', 3)"),
        ({'score_dtype': TensorProto.DOUBLE}, 'output score of type tensor(float), got tensor(d'),
        (
            {'numbers': 5},
            "output box of shape (1, 'N', 4) with N free, got [1, 'N', 5]",
        ),
        ({'last': 'Log'}, 'scores from 0 to 1 in output score, got -inf to -inf'),
        ({'last': 'Reciprocal'}, 'scores from 0 to 1 in output score, got inf to inf'),
        ({'log_side': 800.0}, 'boxes or landmarks in output box, got the row 0, 0, 800, 800'),
        ({'log_side': -800.0}, 'boxes or landmarks in output box, got the row 0, 0, -800, -800'),
        ({'log_side': math.nan}, 'boxes or landmarks in output box, got the row 0, 0, nan, nan'),
        (
            {'strides': (8, 16)},
            'output score of shape (1, 21) for an image of shape (1, 32, 32, 3), got (1, 20)',
        ),
    ],
)
def test_a_graph_that_its_card_contradicts_is_refused_by_what_does_not_fit(
    tmp_path, graph, message
):
    model = make_detector(**graph)
    assert message in refused(tmp_path, model, make_detector_card(model))


@pytest.mark.parametrize(('part', 'name'), [('input', 'picture'), ('outputs', 'landmark')])
def test_an_input_or_output_of_another_name_is_refused(tmp_path, part, name):
    model = make_detector()
    card = make_detector_card(model)
    card[part] |= {'name': name} if part == 'input' else {'landmarks': name}
    assert f'expected {"one" if part == "input" else "an"} {part.rstrip("s")} {name}, got' in (
        refused(tmp_path, model, card)
    )


@pytest.mark.parametrize(
    ('output', 'value', 'message'),
    [
        ('score', np.full((1, ANCHORS), np.nan), 'scores from 0 to 1 in output score, got nan'),
        (
            'score',
            np.full((1, ANCHORS), 1.5),
            'scores from 0 to 1 in output score, got 1.5 to 1.5',
        ),
        ('score', np.zeros((1, 5)), r'output score of shape \(1, 21\) .*, got \(1, 5\)'),
        (
            'box',
            np.zeros((1, ANCHORS, 5)),
            r'output box of shape \(1, 21, 4\) .*, got \(1, 21, 5\)',
        ),
        ('box', np.full((1, ANCHORS, 4), np.nan), 'in output box, got the row nan, nan, nan, nan'),
        (
            'landmarks',
            np.full((1, ANCHORS, 10), np.inf),
            'in output landmarks, got the row inf, in',
        ),
        (
            'landmarks',
            np.full((1, ANCHORS, 10), np.nan),
            'in output landmarks, got the row nan, na',
        ),
    ],
)
def test_outputs_that_no_face_can_have_are_refused_at_run_time(detector, output, value, message):
    score = np.full((1, ANCHORS), 0.9, np.float32)
    detector._session = FakeSession(**{'score': score, output: value.astype(np.float32)})
    with pytest.raises(ModelError, match=message) as refusal:
        detector.detect(black(32, 32))
    assert '\n' not in str(refusal.value)


def test_wrong_numbers_where_there_is_no_face_are_ignored(detector):
    score = np.zeros((1, ANCHORS), np.float32)
    score[0, 3] = 0.9
    box = np.full((1, ANCHORS, 4), np.nan, np.float32)
    box[0, 3] = 0.0
    detector._session = FakeSession(score=score, box=box)
    (found,) = detector.detect(black(32, 32))
    assert found.box.as_tuple() == (24, 0, 32, 8)


def test_a_run_that_fails_is_refused_in_one_line(detector):
    class FailingSession:
        """A session without memory."""

        def run(self, _names, _feed):
            raise rtcnn.SESSION_ERRORS[0]('out of\nmemory')

    detector._session = FailingSession()
    with pytest.raises(ModelError, match=r'shape \(1, 32, 64, 3\), got one that fails \(out of m'):
        detector.detect(black(20, 40))
