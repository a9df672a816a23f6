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

import hashlib
import json
from pathlib import Path

from drawn_faces import write_photographs
import numpy as np
import onnx
import pytest
from rtcnn_perception.commands import export
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.models import onnx_export
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.tasks.detector import export as exporting
from rtcnn_perception.training.tasks.detector.calibration import ScoreCalibration
from rtcnn_perception.training.tasks.detector.eight_bits import calibration_inputs
from rtcnn_perception.training.tasks.detector.export import detector_to_onnx
from rtcnn_perception.training.tasks.detector.export import WIDTH
from rtcnn_perception.training.tasks.detector.figures import width_figures
from rtcnn_perception.training.tasks.detector.loss import anchors_of
from rtcnn_perception.training.tasks.detector.predictions import predict_faces
from small_detector import calibrated
from small_detector import lively
from small_detector import PARTS
from small_detector import run
import torch

pytestmark = pytest.mark.usefixtures('_with_tiny')


def test_learnt_faces_are_found_in_new_pictures_by_the_exported_model(trained, tmp_path):
    """Not all of them, after seconds, and how many depends on how a processor rounds."""
    write_photographs(tmp_path / 'new', {'test': [0, 0, *[1, 2] * 10]}, side=WIDTH, seed=99)
    photographs = read_photographs(tmp_path / 'new')
    predicted = list(
        predict_faces(
            RtcnnDetector.load(trained / 'model', DetectorConfig(precision='float')),
            photographs,
            WIDTH,
        )
    )
    found = width_figures(photographs, predicted, width=WIDTH, min_iou=0.5, threshold=0.6)
    assert found.sizes[0].faces == 30
    assert found.sizes[0].recall > 0.3  # an untrained one would find none
    assert found.sizes[0].precision > 0.6
    assert found.agreement.landmark_error < 0.12  # of the height of a face


def test_the_card_says_what_was_made(trained):
    made = DetectorCard.load(trained / 'model')
    card = json.loads((trained / 'model/model.json').read_text())
    assert (made.name, made.strides, made.multiple) == ('drawn', (8, 16, 32), 32)
    assert (
        card['sha256'] == hashlib.sha256((trained / 'model/model.onnx').read_bytes()).hexdigest()
    )
    assert (card['architecture'], card['parameters']) == ('tiny', 14177)
    assert card['weights'].startswith('float16')
    assert card['largest_deviation_from_pytorch'] <= 1e-4
    assert card['largest_deviation_with_float16'].keys() == {'score', 'box', 'landmarks'}
    assert card['metrics'].keys() == {
        'held_out_average_precision_20_at_320',
        'held_out_average_precision_40_at_320',
        'average_precision_20_at_320',
        'average_precision_40_at_320',
        'average_precision_20_at_416',
        'average_precision_40_at_416',
    }
    assert card['data'] == [{'name': 'photographs', 'terms': "the owner's"}]
    assert card['command'] == (
        f'rtcnn_perception train {trained}/drawn.toml --output {trained}/run && '
        f'rtcnn_perception export {trained}/run/last.pt --output {trained}/model'
    )
    page = (trained / 'model/README.md').read_text()
    for expected in ('# drawn', '14,177', card['sha256'], card['command']):
        assert expected in page
    assert 'detection/train' not in page
    assert 'teacher' not in page


@pytest.mark.parametrize('half', [False, True])
def test_an_exported_graph_agrees_with_pytorch(half):
    content, fields = detector_to_onnx(lively(), ScoreCalibration(2.0, 0.7, 0.4), half)
    assert fields['largest_deviation_from_pytorch'] <= 1e-4
    model = onnx.load_from_string(content)
    assert not {node.op_type for node in model.graph.node} & {'BatchNormalization', 'Pad'}
    dims = [
        [d.dim_value or d.dim_param for d in each.type.tensor_type.shape.dim]
        for each in (*model.graph.input, *model.graph.output)
    ]
    assert dims == [
        [1, 'height', 'width', 3],
        [1, 'anchors'],
        [1, 'anchors', 4],
        [1, 'anchors', 10],
    ]


def test_an_error_of_folding_the_detector_is_found(monkeypatch):
    def wrongly(network):
        network = folded(network)
        with torch.no_grad():
            network.outputs[2].bias[5] += 0.01
        return network

    monkeypatch.setattr(exporting, 'folded', wrongly)
    with pytest.raises(ModelError, match='deviates from PyTorch by'):
        detector_to_onnx(lively(), ScoreCalibration(), half=True)


def test_a_calibration_changes_the_score_alone():
    network, image = lively(), np.full((1, 32, 64, 3), 90, np.uint8)
    plain, changed = (
        onnx_export.open_session(
            detector_to_onnx(network, calibration, half=False)[0], Path('a')
        ).run(None, {'image': image})
        for calibration in (ScoreCalibration(), ScoreCalibration(2.0, 1.5, 0.5))
    )
    heights = np.exp(plain[1][0, :, 3]) * anchors_of((32, 64))[1][:, 0].numpy()
    expected = [
        calibrated(float(score), height, 2.0, 1.5, 0.5)
        for score, height in zip(plain[0][0], heights, strict=True)
    ]
    np.testing.assert_allclose(changed[0][0], expected, atol=1e-5)
    np.testing.assert_allclose(changed[1], plain[1], atol=1e-5)
    np.testing.assert_allclose(changed[2], plain[2], atol=1e-5)


def test_an_export_that_deviates_writes_nothing(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, 'TOLERANCE', -1.0)
    with pytest.raises(ModelError, match=r'deviates from PyTorch by .* nothing was written'):
        run(export, trained / 'run/last.pt', '--output', tmp_path / 'model')
    assert not (tmp_path / 'model').exists()


def test_a_detector_whose_weights_are_no_numbers_is_refused():
    network = lively()
    with torch.no_grad():
        network.outputs[1].bias[7] = float('nan')
    with pytest.raises(ModelError, match='deviates from PyTorch by nan'):
        detector_to_onnx(network, ScoreCalibration(), half=False)


def test_a_checkpoint_of_another_architecture_is_refused(trained, tmp_path):
    values = load_checkpoint(trained / 'run/last.pt')
    values['config']['detector'] = 'face_dense'
    save_checkpoint(tmp_path / 'other.pt', values)
    with pytest.raises(ModelError, match='weights of the architecture face_dense'):
        run(export, tmp_path / 'other.pt', '--output', tmp_path / 'model')


@pytest.mark.parametrize(
    ('key', 'part'), [('photographs', 'train had 18 pictures'), ('test', 'test had 3 pictures')]
)
def test_a_checkpoint_is_not_exported_with_other_photographs(trained, tmp_path, key, part):
    values = load_checkpoint(trained / 'run/last.pt')
    write_photographs(tmp_path / 'photographs', {**PARTS, 'train': [1]}, side=WIDTH)
    path = str(tmp_path / 'photographs')
    values['config'][key] = path if key == 'test' else [path]
    save_checkpoint(tmp_path / 'other.pt', values)
    with pytest.raises(ModelError, match=rf'other\.pt learnt from other data: .*{part}'):
        run(export, tmp_path / 'other.pt', '--output', tmp_path / 'model')
    assert not (tmp_path / 'model').exists()


def test_an_older_checkpoint_is_exported_with_what_the_data_is_now(trained, tmp_path):
    values = load_checkpoint(trained / 'run/last.pt')
    del values['fingerprint']
    values['config']['test'] = ''
    save_checkpoint(tmp_path / 'older.pt', values)
    run(export, tmp_path / 'older.pt', '--output', tmp_path / 'model')
    card = json.loads((tmp_path / 'model/model.json').read_text())
    assert {name for name in card['metrics'] if 'held_out' not in name} == set()


@pytest.mark.parametrize(
    'option', [['--mix', 'a=b:0.5'], ['--heads', 'a'], ['--margin', 0], ['--saliency']]
)
def test_options_of_attribute_networks_are_refused(trained, tmp_path, option):
    with pytest.raises(ConfigurationError, match=f'{option[0]} is for attribute networks'):
        run(export, trained / 'run/last.pt', '--output', tmp_path / 'model', *option)
    assert not (tmp_path / 'model').exists()


def test_a_name_and_weights_as_float32_may_be_given(trained, tmp_path):
    run(export, trained / 'run/last.pt', '--output', tmp_path, '--name', 'mine', '--float32')
    card = json.loads((tmp_path / 'model.json').read_text())
    assert (card['name'], card['weights']) == ('mine', 'float32')
    full, half = (
        {each.data_type for each in onnx.load(folder / 'model.onnx').graph.initializer}
        for folder in (tmp_path, trained / 'model')
    )
    assert half - full == {onnx.TensorProto.FLOAT16}


def test_an_export_says_that_a_check_is_of_the_detector_before(trained, tmp_path, capsys):
    (tmp_path / 'check').mkdir()
    run(export, trained / 'run/last.pt', '--output', tmp_path, '--float32')
    assert f'{tmp_path / "check"} is of the detector before' in capsys.readouterr().out


def test_a_graph_in_eight_bits_finds_nearly_what_the_float_one_does(trained, tmp_path):
    run(export, trained / 'run/last.pt', '--output', tmp_path, '--int8')
    card = json.loads((tmp_path / 'model.json').read_text())
    named = card['int8']
    content = (tmp_path / named['file']).read_bytes()
    assert named['sha256'] == hashlib.sha256(content).hexdigest()
    assert named['calibration'] == {'photographs': len(PARTS['train']), 'part': 'train'}
    assert named['parity']['photographs'] == len(PARTS['val'])
    assert 0 < named['parity']['largest_change_of_a_score'] < 0.5
    apart = (
        card['metrics']['held_out_average_precision_20_at_320']
        - named['parity']['held_out_average_precision_20_at_320']
    )
    assert abs(apart) < 0.1
    assert named['sha256'] in (tmp_path / 'README.md').read_text()
    graph = onnx.load_from_string(content).graph
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert not {'Cast', 'Sub'} & {node.op_type for node in graph.node}  # of the pixels
    photographs = read_photographs(trained / 'photographs')
    found = [
        list(
            predict_faces(
                RtcnnDetector.load(tmp_path, DetectorConfig(precision=each)), photographs, WIDTH
            )
        )
        for each in ('float', 'int8')
    ]
    counts = [sum(len(each.boxes) for each in predicted) for predicted in found]
    assert counts[0] >= 10
    assert abs(counts[0] - counts[1]) <= 0.2 * counts[0]


def test_eight_bits_are_calibrated_with_photographs_that_exist(trained, tmp_path):
    with pytest.raises(PerceptionError, match='there is no data at nowhere'):
        run(export, trained / 'run/last.pt', '--output', tmp_path / 'm', '--int8', 'nowhere')
    assert not (tmp_path / 'm').exists()


def test_inputs_for_eight_bits_are_as_the_detector_takes_them(trained):
    photographs = read_photographs(trained / 'photographs')
    inputs = calibration_inputs(photographs)
    assert len(inputs) == len(photographs)
    assert {each.shape for each in inputs} == {(1, w, w, 3) for w in (192, 320, 416)}
    assert all(each.dtype == np.uint8 for each in inputs)
    again = calibration_inputs(photographs)
    assert all(map(np.array_equal, inputs, again))
