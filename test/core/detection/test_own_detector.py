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

"""A detector with a class and a row of its own is chosen and used like those of the package."""

from __future__ import annotations

import numpy as np
from own_detector import BrightDetector
from own_detector import FILE
from own_detector import ROW
from own_detector import SIX_POINTS
from own_detector import write_level
import pytest
from rtcnn_perception.core.detection import registry
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import detector_names
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from tiny_detector import write_tiny_detector

pytestmark = pytest.mark.usefixtures('_shipped_rows', '_own_row', '_threads_of_opencv')


@pytest.fixture
def _own_row(monkeypatch):
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)


def bright_image():
    image = np.zeros((120, 320, 3), np.uint8)
    image[20:80, 40:88] = 230
    return image


def test_it_is_loaded_by_its_name_with_the_settings_of_the_configuration(tmp_path):
    write_level(tmp_path / FILE)
    loaded = load_detector(DetectorConfig(name='bright', min_score=0.3), (tmp_path,))
    assert isinstance(loaded.detector, BrightDetector)
    assert loaded.detector.min_score == 0.3
    assert loaded.reason == 'the detector is bright (level 100), as configured'


def test_it_is_loaded_by_its_name_and_its_model(tmp_path):
    model = write_level(tmp_path / 'other.level', level=90)
    config = parse_detector(f'bright={model}')
    assert config == DetectorConfig(name='bright', model_path=str(model))
    assert load_detector(config, ()).detector.tag == 'bright (level 90)'


def test_its_model_alone_is_recognised(tmp_path):
    model = write_level(tmp_path / 'other.level')
    loaded = load_detector(DetectorConfig(model_path=str(model)), ())
    assert loaded.reason == (
        f'the detector is bright (level 100), since its model {model} is named'
    )


def test_auto_takes_it_where_it_is_the_first_in_the_registry(tmp_path, monkeypatch):
    others = {name: row for name, row in DETECTORS.items() if name != ROW.name}
    monkeypatch.setattr(registry, 'DETECTORS', {ROW.name: ROW, **others})
    write_level(tmp_path / FILE)
    write_tiny_detector(tmp_path / 'face')
    loaded = load_detector(DetectorConfig(), (tmp_path,))
    assert loaded.reason == 'the detector is bright (level 100), the default'


def test_auto_passes_over_it_where_its_model_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, 'DETECTORS', {ROW.name: ROW, 'rtcnn': DETECTORS['rtcnn']})
    write_tiny_detector(tmp_path / 'face')
    loaded = load_detector(DetectorConfig(), (tmp_path,))
    assert loaded.detector.tag.startswith('rtcnn (tiny_face@')
    assert loaded.why == (
        f'since there is no model {FILE} in {tmp_path} (write it by write_level)'
    )


def test_it_is_listed_among_the_known_detectors():
    assert detector_names() == ('auto', 'rtcnn', 'yunet', 'haar', 'bright')
    with pytest.raises(ConfigurationError, match="auto, rtcnn, yunet, haar, bright, got 'dark'"):
        parse_detector('dark')


def test_the_models_it_takes_are_listed_where_none_is_recognised(tmp_path):
    with pytest.raises(ModelError, match=r'bright: a \.level file\), got nothing'):
        load_detector(DetectorConfig(model_path=str(tmp_path / 'none')), ())


def test_its_six_landmarks_go_through_detection_and_turn_a_crop_upright(tmp_path):
    config = DetectorConfig(model_path=str(write_level(tmp_path / 'a.level')), min_score=0.5)
    stage = DetectionStage(load_detector(config, ()).detector, FaceTracker())
    frame = Frame(bright_image(), stamp_ns=1, frame_id='camera', received_ns=1)
    result = stage.process(FrameResult(frame))
    assert result.detector == 'bright (level 100)'
    assert result.landmark_names == SIX_POINTS
    (face,) = result.faces
    np.testing.assert_allclose(face.box.as_tuple(), BoundingBox(40, 20, 88, 80).as_tuple())
    assert face.landmarks.shape == (6, 2)
    np.testing.assert_allclose(face.landmarks[0], (88, 44), atol=1e-3)
    region = result.region(face)
    assert region.landmark_names == SIX_POINTS
    upright = CropGeometry(0.0, upright=True)
    assert upright.crop(region).roll == 0.0
    # Its left eye lower in the image than its right one: the head leans clockwise.
    leaning = face.landmarks.copy()
    leaning[1] += (0, 20)
    leaning[4] += (0, 20)
    assert upright.crop(type(region)(region.box, leaning, SIX_POINTS)).roll > 10.0
