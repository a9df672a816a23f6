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

from __future__ import annotations

from dataclasses import replace
import json

import cv2
from drawn_faces import TINY
from drawn_faces import write_photographs
import numpy as np
import pytest
from rtcnn_perception.commands import train
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.loop import DivergenceError
from rtcnn_perception.training.models.detector import build_detector
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.tasks.detector import train as training
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.export import WIDTH
from rtcnn_perception.training.tasks.detector.loss import detector_loss
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from rtcnn_perception.training.tasks.detector.predictions import Predictions
from rtcnn_perception.training.tasks.detector.scenes.batches import SceneBatches
from rtcnn_perception.training.tasks.detector.scenes.negatives import negative_weights
from rtcnn_perception.training.tasks.detector.scenes.process import SceneProcess
from rtcnn_perception.training.tasks.detector.train import train_detector
from rtcnn_perception.training.tasks.preview import GREEN
from small_detector import assert_same
from small_detector import calibrated
from small_detector import PARTS
from small_detector import restored
from small_detector import run
from small_detector import small
from small_detector import weights_of
from small_detector import write_config
import torch

pytestmark = pytest.mark.usefixtures('_with_tiny')


@pytest.fixture
def data(tmp_path):
    return read_photographs(write_photographs(tmp_path / 'photographs', PARTS))


def test_a_detector_learns_one_batch_by_heart(data):
    torch.manual_seed(0)
    train_part = [p for p in data if p.split == 'train']
    with SceneProcess(train_part, SceneConfig(sizes=(96,))) as scenes:
        ((batch,),) = SceneBatches(scenes, steps=1, batch_size=6, parts=1, seed=0)
    network = FaceNetwork('tiny', TINY)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(120):
        loss = detector_loss(network(batch.pixels), batch.faces, (96, 96), DetectorLossConfig())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert batch.faces.weights.any()
    assert losses[-1] < 0.15 * losses[0]


def test_a_run_leaves_checkpoints_history_and_a_log(trained):
    history = json.loads((trained / 'run/history.json').read_text())
    assert [record['epoch'] for record in history] == [1, 2, 3]
    best = max(history, key=lambda record: record['average_precision_20'])
    assert load_checkpoint(trained / 'run/best.pt')['epoch'] == best['epoch']
    assert load_checkpoint(trained / 'run/last.pt')['epoch'] == 3
    assert list((trained / 'run').glob('events.out.tfevents.*'))


@torch.inference_mode()
def test_the_training_finds_the_faces_that_the_pipeline_finds(trained):
    """An epoch is evaluated in PyTorch, not through an export."""
    network, _ = restored(trained / 'run/last.pt')
    card = json.loads((trained / 'model/model.json').read_text())
    detector = RtcnnDetector.load(
        trained / 'model', DetectorConfig('rtcnn', width=WIDTH, min_score=0.4)
    )
    found = others = 0
    for photograph in read_photographs(trained / 'photographs'):
        theirs = Predictions.of(detector, photograph.read())
        ours = training.predict(network, photograph)
        overlaps = iou_matrix(theirs.boxes, ours.boxes)
        same = overlaps.argmax(1)
        # The calibration may change which of two boxes on one face has the higher score.
        is_same = overlaps.max(1, initial=0.0) > 0.95
        heights = (ours.boxes[:, 3] - ours.boxes[:, 1])[same] * WIDTH / photograph.width
        scores = [
            calibrated(score, height, **card['score_calibration'])
            for score, height in zip(ours.scores[same], heights, strict=True)
        ]
        for name, expected, tolerance in (
            ('scores', np.array(scores), 0.01),  # weights are rounded
            ('boxes', ours.boxes[same], 0.5),
            ('landmarks', ours.landmarks[same], 0.5),
        ):
            given = getattr(theirs, name)[is_same]
            np.testing.assert_allclose(given, expected[is_same], atol=tolerance)
        found += int(is_same.sum())
        others += int((~is_same).sum())
    assert found >= 10
    assert others <= 0.1 * found


def test_an_epoch_is_evaluated_on_the_val_part(trained):
    network, values = restored(trained / 'run/last.pt')
    photographs = read_photographs(trained / 'photographs')
    held_out = [photograph for photograph in photographs if photograph.split == 'val']
    predictions = [training.predict(network, photograph) for photograph in held_out]
    figures = training.average_precisions(held_out, predictions, training.MIN_IOU)
    assert figures['average_precision_20'] > 0.5
    assert values['history'][-1].items() >= figures.items()


def test_the_averaged_weights_are_evaluated(tmp_path, monkeypatch, data):
    predict, evaluated = training.predict, []

    def noting(network, photograph):
        evaluated.append({name: value.clone() for name, value in network.state_dict().items()})
        return predict(network, photograph)

    monkeypatch.setattr(training, 'predict', noting)
    train_detector(small(epochs=1), data, tmp_path)
    kept = load_checkpoint(tmp_path / 'last.pt')
    assert_same(kept['average'], evaluated[0])
    assert not torch.equal(kept['network']['outputs.0.weight'], evaluated[0]['outputs.0.weight'])


@pytest.mark.parametrize('workers', [1, 2])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch, data, workers):
    whole = train_detector(small(), data, tmp_path / 'whole', workers)
    take_steps, done = training.take_steps, []

    def interrupted(*args, **kwargs):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(take_steps(*args, **kwargs))
        return done[-1]

    monkeypatch.setattr(training, 'take_steps', interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_detector(small(), data, tmp_path / 'parts', workers)
    monkeypatch.setattr(training, 'take_steps', take_steps)
    parts = train_detector(small(), data, tmp_path / 'parts', workers)
    assert_same(weights_of(tmp_path / 'whole/last.pt'), weights_of(tmp_path / 'parts/last.pt'))
    assert {**whole, 'seconds': 0} == {**parts, 'seconds': 0}


def test_a_finished_run_is_not_trained_further_and_says_that_it_is_complete(
    tmp_path, data, capsys
):
    first = train_detector(small(epochs=1), data, tmp_path / 'run')
    before = weights_of(tmp_path / 'run/last.pt')
    assert 'complete' not in capsys.readouterr().out
    assert train_detector(small(epochs=1), data, tmp_path / 'run') == first
    assert_same(before, weights_of(tmp_path / 'run/last.pt'))
    assert f'{tmp_path}/run is complete (1 epochs), nothing is trained' in capsys.readouterr().out


def test_a_run_is_not_resumed_with_other_annotations(tmp_path, data):
    train_detector(small(epochs=1), data, tmp_path / 'run')
    moved = replace(data[0], boxes=data[0].boxes + 1)
    with pytest.raises(ModelError, match=r'learnt from other data: train had 18 pictures, [^;]*$'):
        train_detector(small(epochs=1), [moved, *data[1:]], tmp_path / 'run')
    with pytest.raises(ModelError, match=r'learnt from other data: test had 0 pictures, [^;]*$'):
        train_detector(small(epochs=1), data, tmp_path / 'run', test=data)


def test_a_folder_of_another_run_is_refused(tmp_path, data):
    train_detector(small(epochs=1), data, tmp_path / 'run')
    changed = small(epochs=1, seed=2, scenes=SceneConfig(sizes=(32,)))
    with pytest.raises(ModelError, match='other values of seed, scenes'):
        train_detector(changed, data, tmp_path / 'run')


def test_a_run_may_start_from_the_weights_of_another(tmp_path, data):
    train_detector(small(epochs=1), data, tmp_path / 'first')
    path = tmp_path / 'first/best.pt'
    still = small(epochs=1, steps=1, learning_rate=1e-12, start_from=str(path))
    train_detector(still, data, tmp_path / 'second')
    trained, kept = load_checkpoint(path)['average'], weights_of(tmp_path / 'second/last.pt')
    torch.testing.assert_close(kept['outputs.0.weight'], trained['outputs.0.weight'])
    with pytest.raises(ModelError, match='weights of the architecture face_dense'):
        train_detector(replace(still, detector='face_dense'), data, tmp_path / 'third')


def test_a_run_may_start_from_an_exported_model(tmp_path, data, trained):
    still = small(epochs=1, steps=1, learning_rate=1e-12, start_from=str(trained / 'model'))
    best = train_detector(still, data, tmp_path / 'run')
    assert best['average_precision_20'] > 0.8
    with pytest.raises(ModelError, match='weights of the architecture face_dense'):
        train_detector(replace(still, detector='face_dense'), data, tmp_path / 'other')


def test_negatives_in_which_the_first_weights_see_a_face_come_more_often(
    tmp_path, monkeypatch, data, trained
):
    sent = []
    weigh = SceneProcess.weigh_negatives
    monkeypatch.setattr(
        SceneProcess,
        'weigh_negatives',
        lambda self, weights: sent.append(weights) or weigh(self, weights),
    )
    config = small(epochs=1, start_from=str(trained / 'model'), hard_negatives=8.0)
    train_detector(config, data, tmp_path / 'run')
    network = build_detector('tiny').eval()
    network.load_state_dict(load_checkpoint(tmp_path / 'run/start.pt')['average'])
    train = [each for each in data if each.split == 'train']
    negatives = [each for each in train if each.is_negative]
    np.testing.assert_array_equal(sent[0], negative_weights(network, negatives, 8.0))
    faces = negative_weights(network, [each for each in train if len(each.boxes)], 8.0)
    assert 1.0 <= sent[0].min() <= sent[0].max() < faces.mean() <= 9.0


def test_a_batch_may_be_smaller_than_the_workers(tmp_path, data):
    best = train_detector(small(epochs=1, batch_size=1), data, tmp_path / 'run', workers=2)
    assert best['epoch'] == 1


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(
    tmp_path, monkeypatch, data
):
    whole, calls = training.detector_loss, []

    def broken(*args):
        calls.append(1)
        return whole(*args) * (float('nan') if len(calls) == 4 else 1.0)

    monkeypatch.setattr(training, 'detector_loss', broken)
    with pytest.raises(DivergenceError, match='loss of batch 2 of epoch 2 is nan'):
        train_detector(small(), data, tmp_path / 'run')
    assert load_checkpoint(tmp_path / 'run/last.pt')['epoch'] == 1


@pytest.mark.parametrize(
    ('parts', 'message'),
    [
        ({'train': [1]}, 'no face in the val part'),
        ({'train': [1], 'val': [0]}, 'no face in the val part'),
        ({'val': [1]}, 'no face in the photographs to learn from'),
        ({'train': [0], 'val': [1]}, 'no face in the photographs to learn from'),
    ],
)
def test_a_part_without_a_face_is_refused(tmp_path, parts, message):
    photographs = read_photographs(write_photographs(tmp_path / 'photographs', parts))
    with pytest.raises(ConfigurationError, match=message):
        train_detector(small(), photographs, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_a_preview_has_scenes_and_trains_nothing(tmp_path, capsys):
    sheet = tmp_path / 'sheet.png'
    config = write_config(tmp_path)
    assert run(train, config, '--preview', sheet, '--output', tmp_path / 'run') == 0
    assert 'train 18 photographs with 24 faces' in capsys.readouterr().out
    picture = cv2.imread(str(sheet))
    assert picture.shape == (4 * 96, 6 * 96, 3)
    assert (picture == GREEN).all(2).sum() > 500
    assert not (tmp_path / 'run').exists()


def test_a_preview_without_faces_is_refused(tmp_path):
    config = write_config(tmp_path, parts={'train': [0], 'val': [1], 'test': [1]})
    with pytest.raises(ConfigurationError, match='no face in the photographs'):
        run(train, config, '--preview', tmp_path / 'sheet.png')
