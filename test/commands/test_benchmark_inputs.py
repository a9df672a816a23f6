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

from dataclasses import replace

import cv2
from own_detector import ROW
from own_detector import write_level
import pytest
from rtcnn_perception.commands.benchmark.inputs import crowd_clip
from rtcnn_perception.commands.benchmark.inputs import find_inputs
from rtcnn_perception.core.detection.haar import HaarDetector
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.images import to_gray
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import models_directory

ATTRIBUTES = ('emotion', 'gender')


def names_of(inputs):
    return [each.name for each in inputs.detectors]


@pytest.fixture(autouse=True)
def _shipped_rows(monkeypatch):
    """Leave the three detectors of the package alone in the registry."""
    for name in set(DETECTORS) - {'rtcnn', 'yunet', 'haar'}:
        monkeypatch.delitem(DETECTORS, name)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return a folder of data with one clip; a file stands where YuNet's model is searched."""
    monkeypatch.setenv('RTCNN_BASELINES', '')
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    folder = tmp_path / 'data'
    (folder / 'video').mkdir(parents=True)
    (folder / 'video' / 'book.mkv').write_bytes(b'')
    yunet = tmp_path / 'baselines' / DETECTORS['yunet'].published.path
    yunet.parent.mkdir(parents=True)
    yunet.write_bytes(b'')
    return folder


def test_clips_and_models_are_found_beside_the_data(data):
    inputs = find_inputs(data, None, ATTRIBUTES)
    assert [clip.name for clip in inputs.clips] == ['book.mkv']
    assert inputs.one_face.endswith('book.mkv')
    assert inputs.substitutes == ()
    assert names_of(inputs) == ['rtcnn', 'yunet', 'haar']
    assert inputs.left_out == ()
    assert inputs.parameters() == {
        'attributes': ATTRIBUTES,
        'detector.name': 'rtcnn',
        'detector.model_path': str(models_directory() / 'face'),
    }
    yunet = data.parent / 'baselines' / DETECTORS['yunet'].published.path
    assert inputs.parameters('yunet')['detector.model_path'] == str(yunet.resolve())
    assert inputs.parameters('haar')['detector.model_path'].endswith('.xml')


def test_without_data_the_builtin_clip_is_used_and_a_detector_without_a_model_is_left_out(
    tmp_path, monkeypatch
):
    monkeypatch.setenv('RTCNN_BASELINES', str(tmp_path))
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    monkeypatch.setenv('RTCNN_DATA', str(tmp_path / 'nothing'))
    inputs = find_inputs(None, None, ATTRIBUTES)
    assert inputs.clips == ()
    assert inputs.one_face == 'builtin'
    assert 'built-in' in inputs.substitutes[0]
    assert names_of(inputs) == ['rtcnn', 'haar']
    (reason,) = inputs.left_out
    assert 'there is no model yunet/' in reason
    assert "'rtcnn_perception fetch yunet' gets it" in reason


def test_a_detector_that_is_not_part_of_the_package_is_measured_by_its_row(data, monkeypatch):
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)
    inputs = find_inputs(data, None, ATTRIBUTES)
    assert names_of(inputs) == ['rtcnn', 'yunet', 'haar'], 'no model of it exists'
    assert 'there is no model bright/' in inputs.left_out[0]
    model = write_level(data.parent / 'rtcnn_perception' / 'models' / 'bright' / 'model.level')
    inputs = find_inputs(data, None, ATTRIBUTES)
    assert names_of(inputs) == ['rtcnn', 'yunet', 'haar', 'bright']
    assert inputs.parameters('bright')['detector.model_path'] == str(model.resolve())


def test_detectors_are_measured_in_the_order_in_which_they_are_named(data, monkeypatch):
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)
    model = write_level(data / 'my.level')
    inputs = find_inputs(data, [f'bright={model}', 'haar'], ['gender'])
    assert names_of(inputs) == ['bright', 'haar']
    assert inputs.parameters() == {
        'attributes': ('gender',),
        'detector.name': 'bright',
        'detector.model_path': str(model.resolve()),
    }, 'the first, where no detectors are compared'


def test_the_home_of_the_user_may_stand_for_itself(data, monkeypatch):
    monkeypatch.setenv('HOME', str(data))
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)
    model = write_level(data / 'my.level')
    inputs = find_inputs(data, ['bright=~/my.level'], ATTRIBUTES)
    assert inputs.detector('bright').model_path == str(model.resolve())


@pytest.mark.parametrize(
    ('detectors', 'words'),
    [
        (['eyes'], "expected a detector among auto, rtcnn, yunet, haar, got 'eyes'"),
        (['auto'], 'expected a detector to measure, one of rtcnn, yunet, haar, got auto'),
        ([], 'expected a detector to measure, one of rtcnn, yunet, haar, got none'),
        (['haar', 'rtcnn', 'haar'], 'expected each detector once, got haar twice'),
        (['rtcnn=nowhere'], 'there is no model of rtcnn at nowhere'),
        (['yunet=nowhere.onnx'], 'yunet at nowhere.onnx; name one that exists'),
    ],
)
def test_detectors_that_cannot_be_measured_are_refused(data, detectors, words):
    with pytest.raises(ConfigurationError) as refused:
        find_inputs(data, detectors, ATTRIBUTES)
    assert words in str(refused.value)


def test_a_detector_that_cannot_run_here_is_left_out_and_refused_where_it_is_named(
    data, monkeypatch
):
    row = replace(DETECTORS['haar'], obstacle=lambda: 'OpenCV has no cascades')
    monkeypatch.setitem(DETECTORS, 'haar', row)
    inputs = find_inputs(data, None, ATTRIBUTES)
    assert names_of(inputs) == ['rtcnn', 'yunet']
    assert inputs.left_out == ('OpenCV has no cascades: haar is left out.',)
    with pytest.raises(ConfigurationError, match='OpenCV has no cascades'):
        find_inputs(data, ['haar'], ATTRIBUTES)


@pytest.mark.parametrize('name', ['nothing', 'x' * 300])
def test_a_missing_folder_of_data_is_refused_by_name(tmp_path, name):
    with pytest.raises(ConfigurationError, match=f'there is no folder .*{name}'):
        find_inputs(tmp_path / name, None, ATTRIBUTES)


@pytest.mark.parametrize('faces', [0, -1, 2, 15])
def test_a_crowd_has_a_square_number_of_faces(faces):
    with pytest.raises(ValueError, match='square number'):
        crowd_clip(faces, 1)


@pytest.mark.parametrize('faces', [1, 4, 16])
def test_the_frames_show_as_many_faces_as_named(faces):
    cv2.setNumThreads(1)
    detector = HaarDetector.load()
    for frame in crowd_clip(faces, 12)[::4]:
        assert frame.shape == (480, 640, 3)
        assert len(detector.find_squares(to_gray(frame))[0]) == faces
