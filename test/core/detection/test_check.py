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

"""A check looks again at what a detector is unsure of, and both are weighed."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto
import pytest
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.detection import check as checks
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.check import CandidateCheck
from rtcnn_perception.core.detection.check import CLASSES
from rtcnn_perception.core.detection.check import FOLDER
from rtcnn_perception.core.detection.check import least_score
from rtcnn_perception.core.detection.check import MOST
from rtcnn_perception.core.detection.check import SURE
from rtcnn_perception.core.detection.check import WEIGHT
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.exceptions import ModelError
from tiny_detector import write_tiny_detector
from tiny_model import make_card
from tiny_model import make_graph
from tiny_model import write_model

BRIGHT, DARK = 200, 20
STRIDE = 32
ODDS = 4.0
"""Log odds of a face that the check gives a crop of 255, with the other sign one of 0."""


def write_check(folder, classes=CLASSES):
    """Write a check for which bright crops are faces: the log odds rise with the mean pixel."""
    weights = np.zeros((1, len(classes)), np.float32)
    weights[0, :2] = [ODDS / 255, -ODDS / 255]
    nodes = [
        helper.make_node('Cast', ['face'], ['cast'], to=TensorProto.FLOAT),
        helper.make_node('GlobalAveragePool', ['cast'], ['mean']),
        helper.make_node('Flatten', ['mean'], ['flat'], axis=1),
        helper.make_node('Sub', ['flat', 'middle'], ['centred']),
        helper.make_node('MatMul', ['centred', 'weights'], ['scores']),
        helper.make_node('Softmax', ['scores'], ['candidate'], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        'brightness',
        [helper.make_tensor_value_info('face', TensorProto.UINT8, ['N', 1, 8, 8])],
        [helper.make_tensor_value_info('candidate', TensorProto.FLOAT, ['N', len(classes)])],
        [
            numpy_helper.from_array(weights, 'weights'),
            numpy_helper.from_array(np.float32(127.5), 'middle'),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    return write_model(folder / FOLDER, content, make_card(content, {'candidate': tuple(classes)}))


@pytest.fixture
def folder(tmp_path):
    """Return a detector with a check."""
    write_check(tmp_path)
    return write_tiny_detector(tmp_path)


def image_with(*faces):
    """Paint faces of 64 pixels from left to right: score and how bright everything about it is."""
    image = np.zeros((96, 96 * len(faces), 3), np.uint8)
    for index, (score, level) in enumerate(faces):
        part = image[:, 96 * index : 96 * (index + 1)]
        part[..., 1:] = level
        part[48, 48] = round(score * 255), 0, 0
    return image


def checked_score(score, level):
    """Return what a score becomes, from the definition of both networks."""
    gray = level * (0.587 + 0.299)  # blue is 0 where faces are painted
    seen = 2 * ODDS * (gray - 127.5) / 255
    odds = WEIGHT * (math.log(score / (1 - score)) + min(seen, MOST))
    return 1 / (1 + math.exp(-odds))


def found(folder, image, **options):
    detector = RtcnnDetector.load(folder, DetectorConfig(width=8000, **options))
    return [(round(each.box.center[0] / 96 - 0.5), each.score) for each in detector.detect(image)]


@pytest.mark.parametrize(('score', 'level'), [(0.6, 255), (0.6, BRIGHT), (0.8, 120), (0.4, 255)])
def test_a_score_is_weighed_with_what_the_check_sees(folder, score, level):
    ((_, given),) = found(folder, image_with((score, level)), min_score=0.3)
    assert given == pytest.approx(checked_score(round(score * 255) / 255, level), abs=0.01)


def test_a_candidate_below_the_threshold_may_be_found_and_one_above_it_dropped(folder):
    image = image_with((0.45, 255), (0.55, DARK))
    assert [place for place, _ in found(folder, image, check=False)] == [1]
    assert [place for place, _ in found(folder, image)] == [0]


def test_faces_come_by_their_scores_after_the_check(folder):
    image = image_with((0.7, 120), (0.6, 255))
    assert [place for place, _ in found(folder, image, check=False)] == [0, 1]
    assert [place for place, _ in found(folder, image)] == [1, 0]


def test_what_the_detector_is_sure_of_is_not_looked_at(folder, monkeypatch):
    looked_at = []
    predict = AttributeModel.predict

    def spy(model, faces):
        looked_at.append(len(faces))
        return predict(model, faces)

    detector = RtcnnDetector.load(folder, DetectorConfig(width=8000))
    monkeypatch.setattr(AttributeModel, 'predict', spy)
    (face,) = detector.detect(image_with((0.98, DARK)))
    assert face.score == pytest.approx(250 / 255)
    assert face.score >= SURE
    assert detector.detect(image_with((least_score(0.5) - 0.01, 255))) == ()
    assert not looked_at
    detector.detect(image_with((0.98, DARK), (least_score(0.5) + 0.01, DARK), (0.7, DARK)))
    assert looked_at == [2]


def test_the_best_candidates_are_looked_at_and_the_others_left(folder, monkeypatch):
    monkeypatch.setattr(checks, 'MAX_CANDIDATES', 2)
    image = image_with((0.7, DARK), (0.6, DARK), (0.55, DARK), (0.2, 255))
    ((place, score),) = found(folder, image)
    assert place == 2
    assert score == pytest.approx(0.55, abs=0.01)


@pytest.mark.parametrize('min_score', [0.0, 0.06, 0.3, 0.5, 0.8, 0.95, 1.0])
def test_no_candidate_is_left_out_that_the_check_could_raise_to_the_threshold(min_score):
    least = least_score(min_score)
    assert 0 <= least <= min_score
    for score in np.linspace(0.001, 0.96, 200):
        raised = 1 / (1 + math.exp(-WEIGHT * (math.log(score / (1 - score)) + MOST)))
        assert score >= least or raised < min_score


def test_a_lower_threshold_looks_at_more(folder):
    image = image_with((0.15, 255))
    assert found(folder, image, min_score=0.5) == []
    ((_, score),) = found(folder, image, min_score=0.3)
    assert score == pytest.approx(checked_score(38 / 255, 255), abs=0.01)


def test_the_check_alone_makes_no_face_of_anything(folder):
    ((_, score),) = found(folder, image_with((0.2, 255)), min_score=0.1)
    assert score < 0.55 < 1 / (1 + math.exp(-WEIGHT * (math.log(0.25) + 2 * ODDS * 0.386)))


def test_the_check_sees_the_pixels_of_the_image_and_not_the_shrunk_ones(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(
        checks, 'cut_crops', lambda image, *_: seen.append(image) or np.zeros((1, 1, 8, 8), 'u1')
    )
    image = np.repeat(np.repeat(image_with((0.6, BRIGHT)), 2, axis=0), 2, axis=1)
    detector = RtcnnDetector.load(folder, DetectorConfig(width=96))
    detector.detect(image)
    assert [each.shape for each in seen] == [image.shape]


def test_a_face_beyond_the_border_is_looked_at(folder):
    image = np.full((STRIDE, STRIDE, 3), (0, 255, 255), np.uint8)
    image[STRIDE // 2, STRIDE // 2] = 153, 0, 0
    (face,) = RtcnnDetector.load(folder, DetectorConfig(width=8000)).detect(image)
    assert face.box.as_tuple() == pytest.approx((-16, -16, 48, 48))
    assert face.score == pytest.approx(checked_score(0.6, 255), abs=0.01)


def test_the_name_of_a_detector_has_its_check(folder):
    tag = RtcnnDetector.load(folder).tag
    assert tag.count('@') == 2
    assert tag == f'{found_tag(folder)[:-1]}, {AttributeModel.load(folder / FOLDER).card.tag})'


def found_tag(folder):
    return RtcnnDetector.load(folder, DetectorConfig(check=False)).tag


def test_a_detector_without_a_check_has_none(tmp_path):
    assert CandidateCheck.load(tmp_path, threads=1, precision='auto') is None
    detector = RtcnnDetector.load(write_tiny_detector(tmp_path))
    assert [face.score for face in detector.detect(image_with((0.6, DARK)))] == [
        pytest.approx(153 / 255)
    ]


def test_a_network_that_names_no_face_is_refused(tmp_path):
    model = make_graph({'hat': 2})
    write_model(tmp_path / FOLDER, model, make_card(model, {'hat': ('hat', 'bare')}))
    with pytest.raises(ModelError, match='one attribute with the class face, got 0; export'):
        RtcnnDetector.load(write_tiny_detector(tmp_path))


def test_a_damaged_check_is_refused_and_named(folder):
    graph = folder / FOLDER / 'model.onnx'
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(ModelError, match=f'{FOLDER}/model.onnx'):
        RtcnnDetector.load(folder)
    RtcnnDetector.load(folder, DetectorConfig(check=False))


def test_what_lies_there_and_is_no_folder_is_refused(tmp_path):
    folder = write_tiny_detector(tmp_path)
    (folder / FOLDER).symlink_to(tmp_path / 'nowhere')
    with pytest.raises(ModelError, match=FOLDER):
        RtcnnDetector.load(folder)


def test_the_log_says_which_graph_of_the_check_runs(folder):
    detector = RtcnnDetector.load(folder, DetectorConfig(precision='float'))
    assert detector.precision_note == 'float; its check float'
    assert not RtcnnDetector.load(folder).precision_note  # neither has another graph


def test_other_classes_beside_a_face_are_no_face(tmp_path):
    write_check(tmp_path, ('face', 'drawing', 'none'))
    folder = write_tiny_detector(tmp_path)
    assert [place for place, _ in found(folder, image_with((0.6, 255), (0.6, DARK)))] == [0]
