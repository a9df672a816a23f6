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

"""What cannot be done ends in one line that says what to do, and in exit code 1."""

from __future__ import annotations

import builtins
from importlib.util import find_spec

from lively_networks import CLASSES
from lively_networks import labelled
from lively_networks import save
import pytest
from rtcnn_perception import cli
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from small_data import pictures
from small_data import write_fer_npz
from tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(
    find_spec('tensorboard') is None, reason='tensorboard is not installed'
)

CONFIG = """
name = "small"
architecture = "tiny_xception"
epochs = 1
batch_size = 8
"""


def write_faces(folder):
    """Write a handful of faces."""
    return write_fer_npz(folder / 'e.npz', pictures(22), [0] * 22, 20)


@pytest.fixture
def config(tmp_path):
    """Return a configuration for them."""
    path = tmp_path / 'small.toml'
    path.write_text(f'{CONFIG}[data.emotion]\npath = "{write_faces(tmp_path).as_posix()}"\n')
    return path


@pytest.fixture
def model(tmp_path):
    """Return a model of the same attribute."""
    return write_tiny_model(tmp_path / 'model', {'emotion': CLASSES['emotion']})


def refusal(capsys, *words):
    """Return the one line with which a command refuses."""
    capsys.readouterr()
    assert cli.main([str(word) for word in words]) == 1
    line = capsys.readouterr().err
    assert line.startswith('rtcnn_perception: ')
    assert line.count('\n') == 1
    return line


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['train', 'nothing.toml'], 'cannot read the configuration nothing.toml'),
        (['export', 'nothing.pt', '--output', 'x'], 'there is no checkpoint nothing.pt'),
        (['evaluate', 'nothing', 'x.npz'], "no model at nothing; expected a model's folder"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert message in refusal(capsys, *words)
    assert not list(tmp_path.iterdir())


def test_a_training_without_workers_is_refused(config, capsys):
    assert '--workers must be at least 1, got 0' in refusal(
        capsys, 'train', config, '--workers', 0
    )


def test_an_unknown_architecture_is_refused_with_the_known_ones(tmp_path, config, capsys):
    config.write_text(config.read_text().replace('tiny_xception', 'resnet50'))
    line = refusal(capsys, 'train', config, '--preview', tmp_path / 'a.png')
    assert "no architecture is called 'resnet50'; there are mini_xception, mobilenet" in line


def test_votes_that_the_data_lacks_are_refused(tmp_path, config, capsys):
    more = f'[data.emotion_votes]\npath = "{(tmp_path / "e.npz").as_posix()}"\n'
    config.write_text(config.read_text() + more)
    line = refusal(capsys, 'train', config, '--output', tmp_path / 'run')
    assert 'e.npz has no labels of emotion_votes; it has emotion' in line
    assert not (tmp_path / 'run').exists()


def test_a_configuration_without_an_architecture_is_refused_by_name(config, capsys):
    config.write_text(config.read_text().replace('architecture = "tiny_xception"\n', ''))
    assert 'small.toml lacks architecture' in refusal(capsys, 'train', config)


@pytest.mark.parametrize('name', ['small.toml', 'e.npz', 'sheet'])
def test_a_preview_is_a_png_and_writes_over_nothing_that_is_read(tmp_path, config, capsys, name):
    before = config.read_text(), (tmp_path / 'e.npz').read_bytes()
    line = refusal(capsys, 'train', config, '--preview', tmp_path / name)
    assert f'--preview must name a .png file, got {tmp_path / name}' in line
    assert (config.read_text(), (tmp_path / 'e.npz').read_bytes()) == before


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path, capsys):
    (tmp_path / 'file').touch()
    line = refusal(capsys, 'evaluate', 'nothing', 'none.npz', '--output', tmp_path / 'file/x')
    assert f'cannot write to the folder {tmp_path}/file/x' in line


def test_a_preview_that_cannot_be_written_is_refused(tmp_path, config, capsys):
    (tmp_path / 'file').touch()
    line = refusal(capsys, 'train', config, '--preview', tmp_path / 'file/sheet.png')
    assert 'cannot write the picture' in line


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--mix', 'emotion'], '--mix must be HEAD=OTHER:SHARE, got emotion'),
        (['--mix', 'emotion=votes'], '--mix must be HEAD=OTHER:SHARE, got emotion=votes'),
        (['--mix', 'emotion=gender:2'], '--mix emotion=gender:2: share must be in [0, 1], got 2'),
        (['--mix', 'emotion=gender:x'], '--mix emotion=gender:x: could not convert'),
        (['--mix', 'emotion=age:0.5'], 'has no head age; it has emotion, gender'),
        (['--mix', 'emotion=gender:0.5'], "has no class 'angry' or"),
        (['--heads', 'age'], 'has no head age; it has emotion, gender'),
        (['--margin', '9'], '--margin must be in [-0.25, 2], got 9'),
        (['--margin', '0.1'], '--margin is for published weights; a checkpoint has its crop'),
    ],
)
def test_a_wrong_export_is_refused(tmp_path, capsys, options, message):
    data = {'attributes': {name: {'path': ['x.npz']} for name in CLASSES}}
    checkpoint = save(labelled(classes=CLASSES), tmp_path / 'best.pt', data=data)
    line = refusal(capsys, 'export', checkpoint, '--output', tmp_path / 'x', *options)
    assert message in line
    assert not (tmp_path / 'x').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--margin', '9'], '--margin must be in [-0.25, 2], got 9'),
        (['--through-pipeline', '-3'], '--through-pipeline must be at least 0, got -3'),
        (['--votes', 'nowhere.csv'], "e.npz: FER+'s votes are read beside fer2013.csv alone"),
        (['--reader', 'fer'], 'reader must be one of packed, fer2013, fer2013_csv, class_folders'),
        (['--where', 'tone=light'], 'nothing is known of tone; expected one of emotion'),
        (['--pictures', 'x.npz'], 'e.npz has pictures of its own; `pictures` is for files that'),
        (['--where', 'emotion'], '--where emotion is no condition; expected NAME>=NUMBER or NAME'),
        (['--where', 'age<=9'], '--where age<=9 is no condition'),
        (['--against', 'haar'], '--against is for face detectors'),
        (['--width', '320'], '--width is for face detectors'),
        (['--iou', '0.4'], '--iou is for face detectors'),
        (['--detector', 'auto'], '--detector is for --through-pipeline'),
        (['--detector', 'haar', '--through-pipeline', '0'], '--detector is for --through-pipel'),
    ],
)
def test_a_wrong_evaluation_is_refused(tmp_path, model, capsys, options, message):
    data = write_faces(tmp_path)
    line = refusal(capsys, 'evaluate', model, data, '--output', tmp_path / 'x', *options)
    assert message in line
    assert not (tmp_path / 'x').exists()


def test_a_checkpoint_of_a_detector_is_refused_with_how_to_export_it(tmp_path, capsys):
    path = tmp_path / 'best.pt'
    save_checkpoint(path, {'config': {'detector': 'face_dense'}, 'average': {}})
    line = refusal(capsys, 'evaluate', path, tmp_path, '--width', 320)
    assert f'{path} is a checkpoint of a face detector: export it first, with ' in line
    assert f'`rtcnn_perception export {path} --output FOLDER`' in line


@pytest.mark.parametrize(
    'words', [('train', 'x'), ('export', 'x', '--output', 'y'), ('evaluate', 'x', 'y')]
)
def test_without_the_extra_a_command_says_how_to_install_it(monkeypatch, capsys, words):
    whole = builtins.__import__

    def without_training(name, *args, **kwargs):
        if name == 'torch' or name.startswith('rtcnn_perception.training'):
            raise ModuleNotFoundError("No module named 'torch'", name='torch')
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without_training)
    assert cli.main(words) == 1
    assert '[training]' in capsys.readouterr().err
