from __future__ import annotations

import argparse
import builtins
import json
from pathlib import Path
import re

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')
onnx = pytest.importorskip('onnx')
pytest.importorskip('tensorboard')

from rtcnn_perception import cli
from rtcnn_perception.commands import evaluate
from rtcnn_perception.commands import export
from rtcnn_perception.commands import train
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.models import onnx_export as onnx_graph
from rtcnn_perception.training.tasks.attributes import evaluate_run
from rtcnn_perception.training.tasks.attributes import train as training
from rtcnn_perception.training.tasks.attributes.evaluate_run import run_pipeline
from rtcnn_perception.training.tasks.attributes.export_run import labels_meant
from small_data import pictures
from small_data import write_emotion_npz
from small_data import write_gender_npz
from tiny_model import write_tiny_model

EMOTION_CONFIG = """# For a test.
name = "small_emotion"
architecture = "tiny_xception"
epochs = 1
batch_size = 8
[data]
emotion = "{data}"
[loss]
votes = 0.5
votes_head = true
"""


def run(command, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.execute(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def emotion(tmp_path):
    """Return a configuration for a handful of pictures, and their file."""
    votes = np.full((48, 10), 1, np.int8)
    labels = [i % 7 for i in range(48)]
    data = write_emotion_npz(tmp_path / 'e.npz', pictures(48), labels, 40, ferplus_votes=votes)
    config = tmp_path / 'small.toml'
    config.write_text(EMOTION_CONFIG.format(data=data.as_posix()))
    return config, data


def test_a_network_is_trained_exported_and_judged(tmp_path, emotion, capsys):
    config, data = emotion
    assert run(train, config, '--output', tmp_path / 'run', '--workers', 1) == 0
    assert 'train 36, val 4, test 8 faces' in capsys.readouterr().out
    words = ('--output', tmp_path / 'model', '--name', 'my own', '--float32', '--votes', 0.0)
    assert run(export, tmp_path / 'run/best.pt', *words, '--saliency') == 0
    card = json.loads((tmp_path / 'model/model.json').read_text())
    assert card['metrics'].keys() >= {'emotion_accuracy', 'emotion_calibration_error'}
    assert card['data'] == [{'name': 'e.npz', 'terms': "the owner's"}]
    assert card['command'] == (
        f'rtcnn_perception train {config} --output {tmp_path}/run --workers 1 && '
        f'rtcnn_perception export {tmp_path}/run/best.pt --output {tmp_path}/model '
        "--name 'my own' --float32 --votes 0.0 --saliency"
    )
    assert AttributeCard.load(tmp_path / 'model').attributes == ('emotion',)
    output = tmp_path / 'report'
    assert run(evaluate, tmp_path / 'model', data, '--output', output) == 0
    assert 'of 8 faces' in capsys.readouterr().out
    report = json.loads((output / 'report.json').read_text())
    accuracy = report['attributes'][0]['figures']['accuracy']
    assert accuracy == pytest.approx(card['metrics']['emotion_accuracy'], abs=1e-3)


def test_the_mean_of_two_states_of_a_training_is_exported(tmp_path, emotion):
    assert run(train, emotion[0], '--output', tmp_path / 'run', '--workers', 1) == 0
    states = tmp_path / 'run/best.pt', tmp_path / 'run/last.pt'
    assert run(export, *states, '--output', tmp_path / 'mean', '--name', 'mean') == 0
    card = json.loads((tmp_path / 'mean/model.json').read_text())
    assert card['name'] == 'mean'
    assert card['command'].count('rtcnn_perception train') == 1
    assert f'rtcnn_perception export {states[0]} {states[1]} --output' in card['command']


def test_nothing_is_judged_on_what_it_learnt_from_whatever_the_seed(tmp_path, monkeypatch):
    for label in ('happy', 'sad'):
        (tmp_path / 'data' / label).mkdir(parents=True)
    for index, picture in enumerate(pictures(60)):
        cv2.imwrite(str(tmp_path / 'data' / ('happy', 'sad')[index % 2] / f'{index}.png'), picture)
    (tmp_path / 'small.toml').write_text(
        'name = "a"\narchitecture = "tiny_xception"\nepochs = 1\nseed = 7\n'
        f'[data]\nemotion = "{(tmp_path / "data").as_posix()}"\n'
    )
    learn, judge, seen = training.train, evaluate_run.evaluate, {}

    def learning(config, splits, *rest, **others):
        seen['learnt'] = set(splits.train.names)
        return learn(config, splits, *rest, **others)

    def judging(model, faces, **others):
        seen['judged'] = set(faces.names)
        return judge(model, faces, **others)

    monkeypatch.setattr(training, 'train', learning)
    monkeypatch.setattr(evaluate_run, 'evaluate', judging)
    run(train, tmp_path / 'small.toml', '--output', tmp_path / 'run')
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model')
    words = ['--output', tmp_path / 'report', '--quick']
    run(evaluate, tmp_path / 'model', tmp_path / 'data', *words)
    assert len(seen['learnt']) == 49
    assert len(seen['judged']) == 6
    assert not seen['learnt'] & seen['judged']


def test_a_card_has_the_figures_of_its_file(tmp_path, emotion, monkeypatch):
    config, data = emotion
    store_half = onnx_graph.store_half

    def storing(model):
        store_half(model)
        (bias,) = (
            each
            for each in model.graph.initializer
            if each.name.startswith('network.heads.emotion.bias')
        )
        values = np.where(np.arange(7) == 1, 1e3, 0.0).astype(np.float32)
        bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))

    monkeypatch.setattr(onnx_graph, 'store_half', storing)
    run(train, config, '--output', tmp_path / 'run')
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model')
    card = json.loads((tmp_path / 'model/model.json').read_text())
    assert card['largest_deviation_with_float16']['emotion'] > 0.5
    with np.load(data) as arrays:
        disgusted = float((arrays['labels'][40:] == 1).mean())
    assert card['metrics']['emotion_accuracy'] == pytest.approx(disgusted, abs=1e-3)
    assert card['metrics']['emotion_calibration_error'] == pytest.approx(1 - disgusted, abs=1e-3)


@pytest.fixture
def model(tmp_path):
    """Return a model that judges emotion, however badly."""
    return write_tiny_model(tmp_path / 'model', {'emotion': EMOTION_LABELS})


def test_a_model_is_judged_through_the_pipeline_as_well(tmp_path, emotion, model, capsys):
    _, data = emotion
    words = ('--quick', '--through-pipeline', 2)
    run(evaluate, model, data, *words, '--output', tmp_path / 'report')
    assert 'of 0 faces found of 2' in capsys.readouterr().out  # noise shows no face
    page = (tmp_path / 'report/report.md').read_text()
    assert re.search(r'### Through the pipeline\n\nthrough the detector \w+@', page)
    command = f'rtcnn_perception evaluate {model} {data} --through-pipeline 2 --quick'
    assert f'\n`{command}`\n' in page


def test_another_margin_is_tried_about_the_same_faces(tmp_path, emotion, model, monkeypatch):
    judge, seen = evaluate_run.evaluate, []

    def judging(asked, faces, **others):
        seen.append((asked.geometry.margin, faces.boxes.tolist()))
        return judge(asked, faces, **others)

    monkeypatch.setattr(evaluate_run, 'evaluate', judging)
    for words in ([], ['--margin', 0.3]):
        run(evaluate, model, emotion[1], '--quick', '--output', tmp_path / 'report', *words)
    (own, faces), (other, same) = seen
    assert other == 0.3 != own
    assert same == faces
    with pytest.raises(ConfigurationError, match='leave out --margin or --through-pipeline'):
        run(evaluate, model, emotion[1], '--margin', 0.3, '--through-pipeline', 2)


@pytest.mark.parametrize(
    ('attribute', 'votes', 'meant'),
    [
        ('emotion', 0.0, 'labels'),
        ('emotion', 0.5, 'labels'),
        ('emotion', 0.8, 'majority'),
        ('gender', 0.8, 'gender'),
    ],
)
def test_probabilities_are_to_be_right_about_what_a_network_learnt_most_from(
    attribute, votes, meant
):
    labels = {'labels': np.array([0]), 'gender': np.array([1]), 'majority': np.array([2])}
    faces = FaceSet(
        pictures=[np.zeros((4, 4), np.uint8)],
        boxes=np.zeros((1, 4)),
        labels={'emotion': labels['labels'], 'gender': labels['gender']},
        targets={},
        names=['a'],
        facts={'ferplus': labels['majority']},
    )
    assert labels_meant(faces, attribute, votes) is labels[meant]


def test_without_votes_labels_are_what_is_meant():
    faces = FaceSet([], np.zeros((0, 4)), {'emotion': np.zeros(0, np.int64)}, {}, [])
    assert labels_meant(faces, 'emotion', 1.0) is faces.labels['emotion']


def test_keras_weights_are_exported_before_the_pipeline_runs_them():
    with pytest.raises(ConfigurationError, match=r'a\.hdf5 has to be exported'):
        run_pipeline(Path('a.hdf5'), None, None, 'emotion', count=1, yunet='')


def test_a_share_of_votes_is_for_a_network_that_has_a_head_for_them(tmp_path, emotion):
    config, _ = emotion
    config.write_text(config.read_text().replace('votes_head = true', ''))
    run(train, config, '--output', tmp_path / 'run')
    for weights, message in (('run/best.pt', r'not .*best\.pt'), ('a.hdf5', 'have one head')):
        with pytest.raises(ConfigurationError, match=f'--votes is for .*{message}'):
            run(export, tmp_path / weights, '--output', tmp_path / 'model', '--votes', 0.0)
    assert not (tmp_path / 'model').exists()


def test_one_network_judges_both_attributes(tmp_path, emotion):
    config, _ = emotion
    gender = write_gender_npz(
        tmp_path / 'g.npz', pictures(16, seed=5), [0, 1] * 8, [0] * 10 + [1] * 3 + [2] * 3
    )
    text = config.read_text().replace('[loss]', f'gender = "{gender.as_posix()}"\n[loss]')
    config.write_text(text)
    run(train, config, '--output', tmp_path / 'run', '--workers', 1)
    run(export, tmp_path / 'run/best.pt', '--output', tmp_path / 'model', '--name', 'both')
    spec = AttributeCard.load(tmp_path / 'model')
    assert spec.attributes == ('emotion', 'gender')
    assert spec.name == 'both'
    run(evaluate, tmp_path / 'model', gender, '--output', tmp_path / 'report', '--quick')
    assert '## gender' in (tmp_path / 'report/report.md').read_text()


def test_a_preview_shows_faces_and_trains_nothing(tmp_path, emotion):
    config, _ = emotion
    sheet = tmp_path / 'sheet.png'
    run(train, config, '--preview', sheet, '--output', tmp_path / 'run')
    picture = cv2.imread(str(sheet))
    assert picture.shape[0] > 8 * 100
    assert np.ptp(picture) > 100
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize(
    ('command', 'arguments', 'message'),
    [
        (train, ['nothing.toml'], 'cannot read the configuration nothing.toml'),
        (export, ['nothing.pt', '--output', 'x'], 'there is no checkpoint nothing.pt'),
        (evaluate, ['nothing', 'x.npz'], 'nothing'),
    ],
)
def test_what_does_not_exist_is_named(command, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PerceptionError, match=message):
        run(command, *arguments)
    assert not list(tmp_path.iterdir())


def test_no_workers_are_refused(emotion):
    with pytest.raises(ConfigurationError, match='--workers must be at least 1'):
        run(train, emotion[0], '--workers', 0)


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


def test_a_head_for_votes_needs_votes(tmp_path, emotion):
    config, data = emotion
    write_emotion_npz(data, pictures(48), [i % 7 for i in range(48)], 40)
    with pytest.raises(ConfigurationError, match='the emotion data has no FER'):
        run(train, config, '--output', tmp_path / 'run')


def test_a_picture_that_cannot_be_written_is_refused(tmp_path, emotion):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigurationError, match='cannot write the picture'):
        run(train, emotion[0], '--preview', tmp_path / 'file/sheet.png')
