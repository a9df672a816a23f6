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

"""From a configuration to a model and a report, by the commands."""

from __future__ import annotations

import argparse
import json
import re
import shlex

import cv2
import numpy as np
import onnx
import pytest
from rtcnn_perception import cli
from rtcnn_perception.commands import evaluate
from rtcnn_perception.commands import export
from rtcnn_perception.commands import train
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.training.data.classes import band_names
from rtcnn_perception.training.models import onnx_export
from rtcnn_perception.training.tasks.attributes import evaluate as evaluating
from rtcnn_perception.training.tasks.attributes import train as training
from small_data import pictures
from small_data import write_fer_csv
from small_data import write_fer_npz
from small_data import write_packed_npz
from small_data import write_pictures
from small_data import write_votes_csv

CONFIG = """# For a test.
name = "small"
architecture = "tiny_xception"
epochs = 1
batch_size = 8
{top}
[data.emotion]
path = "{data}"
[data.emotion_votes]
path = "{data}"
{more}
"""


def run(command, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = [str(argument) for argument in arguments]
    args = parser.parse_args(words)
    name = command.__name__.rpartition('.')[2]
    args.command_line = shlex.join(['rtcnn_perception', name, *words])
    assert command.execute(args) == 0


def report_of(folder):
    return json.loads((folder / 'report.json').read_text())


@pytest.fixture
def emotion(tmp_path):
    """Return a function that writes a configuration of two heads, and their data."""
    labels = [i % 7 for i in range(48)]
    votes = np.ones((48, 10), np.int8)
    votes[np.arange(48), np.arange(48) % 5] += 3
    data = write_fer_npz(tmp_path / 'e.npz', pictures(48), labels, 40, ferplus_votes=votes)

    def write(top='', more=''):
        text = CONFIG.format(data=data.as_posix(), top=top, more=more)
        (tmp_path / 'small.toml').write_text(text)
        return tmp_path / 'small.toml', data

    return write


def test_a_network_is_trained_exported_and_evaluated(tmp_path, emotion, capsys):
    config, data = emotion()
    run(train, config, '--output', tmp_path / 'run', '--workers', 1)
    printed = capsys.readouterr().out
    assert 'small: train 36, val 4, test 8 faces' in printed
    assert 'emotion (angry, disgust, ' in printed
    words = ['--output', tmp_path / 'model', '--name', 'my own', '--float32', '--saliency']
    words += ['--mix', 'emotion=emotion_votes:0.1', '--heads', 'emotion', '--int8']
    run(export, tmp_path / 'run/best.pt', *words)
    card = json.loads((tmp_path / 'model/model.json').read_text())
    assert card['metrics'].keys() >= {'emotion.accuracy', 'emotion.accuracy_on_emotion_votes'}
    assert card['data'] == [{'name': 'e.npz', 'terms': "the owner's"}]
    assert card['command'] == (
        f'rtcnn_perception train {config} --output {tmp_path}/run --workers 1 && '
        f'rtcnn_perception export {tmp_path}/run/best.pt --output {tmp_path}/model '
        "--name 'my own' --float32 --saliency --mix emotion=emotion_votes:0.1 "
        '--heads emotion --int8'
    )
    assert [head['attribute'] for head in card['heads']] == ['emotion']
    run(evaluate, tmp_path / 'model', data, '--output', tmp_path / 'report')
    assert 'of 8 faces' in capsys.readouterr().out
    (found,) = report_of(tmp_path / 'report')['attributes']
    assert found['figures']['accuracy'] == pytest.approx(
        card['metrics']['emotion.accuracy'], abs=1e-3
    )
    run(evaluate, tmp_path / 'model', data, '--int8', '--quick', '--output', tmp_path / 'int8')
    assert report_of(tmp_path / 'int8')['model'].startswith('my own_int8@')


def test_the_mean_of_two_states_of_a_training_is_exported(tmp_path, emotion):
    run(train, emotion()[0], '--output', tmp_path / 'run', '--workers', 1)
    states = tmp_path / 'run/best.pt', tmp_path / 'run/last.pt'
    run(export, *states, '--output', tmp_path / 'mean', '--name', 'mean')
    card = json.loads((tmp_path / 'mean/model.json').read_text())
    assert card['name'] == 'mean'
    assert card['command'].count('rtcnn_perception train') == 1
    assert f'rtcnn_perception export {states[0]} {states[1]} --output' in card['command']


AGES = """
[data.age]
path = ["{first}", "{second}"]
bands = [0, 10, 20, 40]
balance = 0.5
balance_groups = ["place", "age"]
[select]
metrics = ["age.within_one_band", "emotion.accuracy"]
"""


def test_another_attribute_is_a_matter_of_the_configuration(tmp_path, emotion, capsys):
    files = [
        write_packed_npz(
            tmp_path / f'{name}.npz',
            pictures(40, seed=seed),
            [0] * 40,
            np.tile([0, 0, 1, 2], 10),
            labels=None,
            label_names=None,
            age=np.arange(40) * 2 % 75,
            place=np.arange(40) % 2,
            place_names=np.array(['inside', 'outside']),
        )
        for seed, name in ((5, 'a'), (6, 'b'))
    ]
    more = AGES.format(first=files[0].as_posix(), second=files[1].as_posix())
    config, data = emotion(more=more)
    run(train, config, '--output', tmp_path / 'run', '--workers', 1)
    out = capsys.readouterr().out
    assert 'age (0-9, 10-19, 20-39, 40+): train 40, val 20, test 20 labelled\n  0-9: train ' in out
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model')
    card = AttributeCard.load(tmp_path / 'model')
    assert card.head('age').labels == band_names((0, 10, 20, 40))
    metrics = json.loads((tmp_path / 'model/model.json').read_text())['metrics']
    assert metrics.keys() >= {'age.within_one_band', 'age.mean_band_error', 'emotion.accuracy'}
    words = ['--where', 'age>=10', '--quick', '--part', 'all', '--output', tmp_path / 'report']
    run(evaluate, tmp_path / 'model', *files, *words)
    report = report_of(tmp_path / 'report')
    (age,) = report['attributes']
    assert age['figures']['faces'] == report['faces'] == 66
    assert set(age['groups']) >= {'place', 'age'}
    page = (tmp_path / 'report/report.md').read_text()
    assert '| within one band |' in page
    assert 'a.npz, b.npz (all), age>=10' in page
    run(evaluate, tmp_path / 'model', data, '--quick', '--output', tmp_path / 'other')
    assert [each['attribute'] for each in report_of(tmp_path / 'other')['attributes']] == [
        'emotion',
        'emotion_votes',
    ]


def test_no_face_is_learnt_from_and_evaluated_on_whatever_the_seed(tmp_path, monkeypatch):
    for label in ('happy', 'sad'):
        write_pictures(tmp_path / 'data' / label, [f'{i}.png' for i in range(30)])
    (tmp_path / 'small.toml').write_text(
        'name = "a"\narchitecture = "tiny_xception"\nepochs = 1\nseed = 7\n'
        f'[data.mood]\npath = "{(tmp_path / "data").as_posix()}"\n'
    )
    learn, measure, names = training.train, evaluating.evaluate, {}

    def learning(config, splits, *rest, **others):
        names['learnt'] = set(splits.train.names)
        return learn(config, splits, *rest, **others)

    def measuring(model, faces, **others):
        names['evaluated'] = set(faces.names)
        return measure(model, faces, **others)

    monkeypatch.setattr(training, 'train', learning)
    monkeypatch.setattr(evaluating, 'evaluate', measuring)
    run(train, tmp_path / 'small.toml', '--output', tmp_path / 'run')
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model')
    words = ['--output', tmp_path / 'report', '--quick']
    run(evaluate, tmp_path / 'model', tmp_path / 'data', *words)
    assert len(names['learnt']) > 40
    assert names['evaluated']
    assert not names['learnt'] & names['evaluated']


def test_a_card_has_the_figures_of_its_file(tmp_path, emotion, monkeypatch):
    config, data = emotion()
    store_half = onnx_export.store_half

    def storing(model):
        store_half(model)
        (bias,) = (
            each for each in model.graph.initializer if each.name == 'network.heads.emotion.bias'
        )
        values = np.where(np.arange(7) == 1, 1e3, 0.0).astype(np.float32)
        bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))

    monkeypatch.setattr(onnx_export, 'store_half', storing)
    run(train, config, '--output', tmp_path / 'run')
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model')
    card = json.loads((tmp_path / 'model/model.json').read_text())
    assert card['largest_deviation_with_float16']['emotion'] > 0.5
    with np.load(data) as arrays:
        disgusted = float((arrays['labels'][40:] == 1).mean())
    assert card['metrics']['emotion.accuracy'] == pytest.approx(disgusted, abs=1e-3)
    assert card['metrics']['emotion.calibration_error'] == pytest.approx(1 - disgusted, abs=1e-3)


def test_a_report_has_the_command_that_made_it(tmp_path, emotion):
    config, _ = emotion()
    run(train, config, '--output', tmp_path / 'run')
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model', '--heads', 'emotion')
    data = write_fer_csv(tmp_path / 'fer2013.csv')
    votes = write_votes_csv(tmp_path / 'fer2013new.csv')
    words = ['--quick', '--votes', votes, '--through-pipeline', 2, '--detector', 'haar']
    run(evaluate, tmp_path / 'model', data, *words, '--output', tmp_path / 'report')
    page = (tmp_path / 'report/report.md').read_text()
    assert 'accuracy on emotion votes' in page
    assert re.search(r'### Through the pipeline\n\nthrough the detector haar', page)
    command = f'evaluate {tmp_path}/model {data} --quick --votes {votes} --through-pipeline 2'
    command += f' --detector haar --output {tmp_path}/report'
    assert f'\n`rtcnn_perception {command}`\n' in page


def test_a_preview_has_faces_and_trains_nothing(tmp_path, emotion):
    config, _ = emotion()
    sheet = tmp_path / 'sheet.png'
    run(train, config, '--preview', sheet, '--output', tmp_path / 'run')
    assert np.ptp(cv2.imread(str(sheet))) > 100
    assert not (tmp_path / 'run').exists()


def test_the_commands_are_run_by_their_names(tmp_path, emotion, monkeypatch, capsys):
    config, _ = emotion()
    monkeypatch.chdir(tmp_path)
    assert cli.main(['train', str(config)]) == 0
    assert capsys.readouterr().err == '', 'a bar is for a terminal, and would fill a log'
    assert cli.main(['train', str(config)]) == 0
    *_, complete, figures = capsys.readouterr().out.splitlines()
    assert complete.startswith('the run in runs/small is complete (1 epochs), nothing is trained')
    assert figures.startswith('best on the held-out part (epoch 1): ')
    assert 'train_accuracy' not in figures
    assert cli.main(['export', 'runs/small/best.pt', '--output', 'model']) == 0
    assert cli.main(['evaluate', 'model', 'e.npz', '--quick']) == 0
    assert (tmp_path / 'out/evaluate/model/e/report.md').exists()
