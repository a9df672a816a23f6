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

"""A detector is chosen by its name, by its model, or as the first that can be loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from rtcnn_perception.core.detection import registry
from rtcnn_perception.core.detection import rtcnn
from rtcnn_perception.core.detection import yunet
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import AUTO
from rtcnn_perception.core.detection.registry import detector_names
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.detection.registry import row_called
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from tiny_detector import write_tiny_detector

YUNET_FILE = yunet.PUBLISHED.path
TOO_OLD = 'OpenCV 4.6.0 cannot read it: install 4.8 or newer'
REINSTALL = 'it comes with the package: install that again'

pytestmark = pytest.mark.usefixtures('_threads_of_opencv', '_shipped_rows')


def let_opencv_say(monkeypatch, obstacle):
    """Let an OpenCV have this obstacle to YuNet, or none."""
    monkeypatch.setattr(yunet, 'obstacle', lambda: obstacle)
    monkeypatch.setitem(DETECTORS, 'yunet', replace(yunet.ROW, obstacle=lambda: obstacle))


@pytest.fixture
def _able_opencv(monkeypatch):
    """Let any OpenCV count as one that runs YuNet: these tests do not run it."""
    let_opencv_say(monkeypatch, '')


def test_names_are_those_of_the_rows_and_auto():
    assert detector_names() == ('auto', *DETECTORS)
    assert detector_names()[:4] == ('auto', 'rtcnn', 'yunet', 'haar')
    assert AUTO not in DETECTORS
    for name, row in DETECTORS.items():
        assert row.name == name
        assert row_called(name) is row
        assert 32 <= row.default_width <= 8192


@pytest.mark.parametrize(
    ('text', 'name', 'model'),
    [
        ('auto', 'auto', ''),
        ('haar', 'haar', ''),
        ('rtcnn=models/face', 'rtcnn', 'models/face'),
        ('auto=~/face', 'auto', '~/face'),
        ('yunet=', 'yunet', ''),
        ('haar=a=b.xml', 'haar', 'a=b.xml'),
    ],
)
def test_a_detector_is_parsed_from_its_name_and_its_model(text, name, model):
    assert parse_detector(text) == DetectorConfig(name=name, model_path=model)


def test_an_unknown_detector_is_refused_and_the_known_ones_are_listed():
    for choose in (
        lambda name: load_detector(DetectorConfig(name=name), ()),
        lambda name: parse_detector(f'{name}=model'),
        row_called,
    ):
        for name in ('viola', '', 'RTCNN'):
            with pytest.raises(ConfigurationError) as refusal:
                choose(name)
            assert str(refusal.value) == (
                f"expected a detector among auto, rtcnn, yunet, haar, got '{name}'"
            )


def test_a_detector_is_loaded_by_its_name():
    loaded = load_detector(DetectorConfig(name='haar', min_score=0.3), ())
    assert loaded.detector.min_score == 0.3
    assert loaded.default_min_score == 0.6
    assert load_detector(DetectorConfig(name='haar'), ()).detector.min_score == 0.6
    assert loaded.reason == 'the detector is haar, as configured'


def test_the_threads_of_opencv_are_those_of_the_configuration():
    load_detector(DetectorConfig(name='haar', threads=2), ())
    assert cv2.getNumThreads() == 2


@pytest.mark.usefixtures('_able_opencv')
def test_auto_is_haar_where_there_is_no_model_and_the_reason_names_the_places(tmp_path):
    loaded = load_detector(DetectorConfig(), (tmp_path / 'own', tmp_path / 'shared'))
    assert loaded.reason == (
        f'the detector is haar, since there is no model face in {tmp_path / "own"} or '
        f'{tmp_path / "shared"} ({REINSTALL}) and there is no model {YUNET_FILE} in '
        f"{tmp_path / 'own'} or {tmp_path / 'shared'} ('rtcnn_perception fetch yunet' gets it)"
    )


def test_auto_is_haar_where_there_is_no_rtcnn_and_opencv_is_too_old(tmp_path, monkeypatch):
    let_opencv_say(monkeypatch, TOO_OLD)
    assert load_detector(DetectorConfig(), (tmp_path,)).why == (
        f'since there is no model face in {tmp_path} ({REINSTALL}) and {TOO_OLD}'
    )


@pytest.mark.usefixtures('_able_opencv')
def test_auto_is_haar_where_no_folder_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_detector(DetectorConfig(), ()).detector.tag == 'haar'


def test_auto_is_refused_where_no_detector_can_be_loaded(tmp_path, monkeypatch):
    let_opencv_say(monkeypatch, TOO_OLD)
    no_cascade = replace(DETECTORS['haar'], obstacle=lambda: 'OpenCV 5 has no cascades')
    monkeypatch.setitem(DETECTORS, 'haar', no_cascade)
    with pytest.raises(ModelError) as refusal:
        load_detector(DetectorConfig(), (tmp_path,))
    assert str(refusal.value) == (
        f'no detector can be loaded: there is no model face in {tmp_path} ({REINSTALL}); '
        f'{TOO_OLD}; OpenCV 5 has no cascades'
    )


def test_a_detector_that_opencv_cannot_run_is_refused_and_the_others_are_named(monkeypatch):
    let_opencv_say(monkeypatch, TOO_OLD)
    with pytest.raises(ModelError) as refusal:
        load_detector(DetectorConfig(name='yunet'), ())
    assert str(refusal.value) == f'{TOO_OLD}, or use another detector (rtcnn, haar)'


@pytest.mark.usefixtures('_able_opencv')
def test_auto_is_rtcnn_where_its_model_exists_also_beside_a_yunet(tmp_path):
    first, second = tmp_path / 'own', tmp_path / 'shared'
    (first / YUNET_FILE).parent.mkdir(parents=True)
    (first / YUNET_FILE).write_bytes(b'never read')
    write_tiny_detector(second / 'face')
    loaded = load_detector(DetectorConfig(min_score=0.3), (first, second))
    assert loaded.detector.min_score == 0.3
    assert loaded.reason == f'the detector is rtcnn ({loaded.detector.card.tag}), the default'


def test_the_model_in_the_first_folder_is_taken(tmp_path):
    folders = (tmp_path / 'own', tmp_path / 'shared')
    for folder in folders:
        write_tiny_detector(folder / 'face')
    loaded = load_detector(DetectorConfig(), folders)
    assert loaded.detector.card.directory == tmp_path / 'own' / 'face'


def test_auto_is_yunet_where_its_file_exists(tmp_path, yunet_file):
    first, second = tmp_path / 'own', tmp_path / 'shared'
    target = second / YUNET_FILE
    target.parent.mkdir(parents=True)
    target.symlink_to(yunet_file)
    loaded = load_detector(DetectorConfig(), (first, second))
    assert loaded.reason == (
        f'the detector is yunet, since there is no model face in {first} or {second} ({REINSTALL})'
    )
    loaded = load_detector(DetectorConfig(model_path=str(target)), ())
    assert loaded.reason == f'the detector is yunet, since its model {target} is named'


def test_auto_is_the_detector_that_recognises_the_named_model(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    folder = write_tiny_detector(tmp_path / 'own')
    for path in (folder, folder / 'model.onnx', folder / 'model.json', Path('~/own')):
        loaded = load_detector(DetectorConfig(model_path=str(path)), ())
        assert loaded.detector.card.directory == folder
        assert loaded.why == f'since its model {path} is named'
    cascade = DETECTORS['haar'].locate(())
    loaded = load_detector(DetectorConfig(model_path=str(cascade)), ())
    assert loaded.reason == f'the detector is haar, since its model {cascade} is named'


def test_auto_refuses_a_file_without_a_card_where_opencv_is_too_old(tmp_path, monkeypatch):
    let_opencv_say(monkeypatch, TOO_OLD)
    for name in (YUNET_FILE.name, 'model.onnx'):
        (tmp_path / name).write_bytes(b'never read')
        with pytest.raises(ModelError) as refusal:
            load_detector(DetectorConfig(model_path=str(tmp_path / name)), ())
        assert TOO_OLD in str(refusal.value)
        assert str(refusal.value).endswith('its model is an .onnx file without a card')


@pytest.mark.usefixtures('_able_opencv')
def test_auto_refuses_a_graph_without_its_card_and_names_the_card(tmp_path):
    (write_tiny_detector(tmp_path) / 'model.json').unlink()
    with pytest.raises(ModelError, match=r'model\.onnx is damaged or no YuNet .* without a card'):
        load_detector(DetectorConfig(model_path=str(tmp_path / 'model.onnx')), ())


def test_auto_refuses_a_file_that_is_no_model_of_any_detector(tmp_path):
    path = tmp_path / 'notes.txt'
    path.write_text('no model')
    with pytest.raises(ModelError) as refusal:
        load_detector(DetectorConfig(model_path=str(path)), ())
    assert str(refusal.value) == (
        f'{path}: expected a model of a detector (rtcnn: a folder with model.json, its card or '
        'its graph; yunet: an .onnx file without a card; haar: a cascade (.xml), of which OpenCV '
        'brings one), got another file'
    )


@pytest.mark.parametrize('obstacle', ['', TOO_OLD])
@pytest.mark.parametrize('name', ['folder', 'named.onnx', '~no-such-user/a.onnx', 'x' * 300])
def test_auto_refuses_a_named_model_that_does_not_exist(tmp_path, monkeypatch, obstacle, name):
    let_opencv_say(monkeypatch, obstacle)
    monkeypatch.chdir(tmp_path)
    write_tiny_detector(tmp_path / 'face')
    expected = rf'^{name}: expected a model of a detector \(rtcnn: .*\), got nothing; name one'
    with pytest.raises(ModelError, match=expected):
        load_detector(DetectorConfig(model_path=name), (tmp_path,))


@pytest.mark.parametrize('name', ['auto', 'rtcnn'])
def test_a_damaged_model_of_rtcnn_is_refused_and_no_other_detector_is_taken(tmp_path, name):
    folder = write_tiny_detector(tmp_path / 'face')
    (folder / 'model.onnx').write_bytes(b'damaged')
    with pytest.raises(ModelError, match='sha256'):
        load_detector(DetectorConfig(name=name), (tmp_path,))
    (folder / 'model.onnx').unlink()
    with pytest.raises(ModelError, match='expected the graph that its card names'):
        load_detector(DetectorConfig(name=name), (tmp_path,))
    (folder / 'model.json').unlink()
    with pytest.raises(ModelError, match='expected the card of a model'):
        load_detector(DetectorConfig(name=name), (tmp_path,))


@pytest.mark.usefixtures('_able_opencv')
def test_auto_refuses_a_damaged_yunet_and_takes_no_other_detector(tmp_path):
    damaged = tmp_path / YUNET_FILE
    damaged.parent.mkdir()
    damaged.write_bytes(b'damaged')
    with pytest.raises(ModelError, match='sha256'):
        load_detector(DetectorConfig(), (tmp_path,))


@pytest.mark.parametrize(
    ('folders', 'expected'),
    [
        (('own', 'shared'), 'there is no model face in own or shared '),
        ((), 'there is no model face in the folders of models, of which none is given '),
    ],
)
def test_rtcnn_without_a_model_names_where_it_was_expected(
    tmp_path, monkeypatch, folders, expected
):
    monkeypatch.chdir(tmp_path)
    write_tiny_detector(tmp_path / 'face')  # the working folder is no folder of models
    with pytest.raises(ModelError) as refusal:
        load_detector(DetectorConfig(name='rtcnn'), [Path(folder) for folder in folders])
    assert str(refusal.value) == f'{expected}({REINSTALL})'


@pytest.mark.usefixtures('_able_opencv')
def test_yunet_without_a_file_names_the_command_that_gets_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folders in ((tmp_path,), ()):
        with pytest.raises(ModelError, match='fetch yunet'):
            load_detector(DetectorConfig(name='yunet'), folders)


def test_haar_takes_a_named_cascade(tmp_path):
    missing = tmp_path / 'cascade.xml'
    with pytest.raises(ModelError, match=r'cascade\.xml, there is no such file'):
        load_detector(DetectorConfig(name='haar', model_path=str(missing)), ())


@pytest.mark.usefixtures('_able_opencv')
@pytest.mark.parametrize('name', ['rtcnn', 'yunet', 'haar'])
def test_a_detector_refuses_a_path_that_does_not_exist(name):
    for path in ('x' * 300, '~no-such-user/model'):
        with pytest.raises(ModelError, match=path):
            load_detector(DetectorConfig(name=name, model_path=path), ())


@pytest.mark.parametrize('name', ['auto', 'rtcnn', 'yunet', 'haar'])
def test_a_detector_refuses_a_path_that_is_no_utf_8(tmp_path, name):
    path = tmp_path / 'h\udce9.onnx'
    path.write_bytes(b'a model')
    with pytest.raises(ModelError, match=r'is no UTF-8, as models need here; rename it'):
        load_detector(DetectorConfig(name=name, model_path=str(path)), ())


@pytest.mark.usefixtures('_able_opencv')
def test_a_folder_of_models_that_cannot_be_read_is_passed_over(tmp_path):
    write_tiny_detector(tmp_path / 'face')
    unreadable = tmp_path / ('x' * 300)
    loaded = load_detector(DetectorConfig(), (unreadable, tmp_path))
    assert loaded.detector.tag.startswith('rtcnn')
    loaded = load_detector(DetectorConfig(), (unreadable,))
    assert loaded.why.startswith(f'since there is no model face in {unreadable}')


def test_rtcnn_has_the_settings_of_the_configuration(tmp_path, monkeypatch):
    threads = []
    opened = rtcnn.open_session
    monkeypatch.setattr(
        rtcnn, 'open_session', lambda *a, **kw: threads.append(kw['threads']) or opened(*a, **kw)
    )
    write_tiny_detector(tmp_path)
    config = DetectorConfig('rtcnn', str(tmp_path), width=416, min_score=0.3, threads=2)
    detector = load_detector(config, ()).detector
    assert (detector.min_score, detector._width, threads) == (0.3, 416, [2])
    with pytest.raises(ModelError, match='expected a model with a graph in eight bits'):
        load_detector(replace(config, precision='int8'), ())


def test_the_reason_of_a_choice_ends_a_sentence_that_names_the_detector():
    loaded = load_detector(DetectorConfig(name='haar'), ())
    assert registry.LoadedDetector(loaded.detector, 'the default', 0.5).reason == (
        'the detector is haar, the default'
    )
