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

from bright_faces import CONFIG
from lively_networks import CLASSES
from lively_networks import EMOTIONS
from lively_networks import export
from lively_networks import labelled
import numpy as np
import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.load import load_faces
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.data.splits import fingerprints_of
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.provenance import data_entry
from rtcnn_perception.training.models import onnx_export
from rtcnn_perception.training.tasks.attributes import export as exporting
from rtcnn_perception.training.tasks.attributes.export import export_run
from rtcnn_perception.training.tasks.attributes.export import ExportSettings
from small_data import pictures
from small_data import write_fer_npz
import torch

TEMPERATURES = {'emotion': 1.5, 'gender': 0.8}


def read_card(folder):
    return json.loads((folder / 'model.json').read_text())


@pytest.mark.parametrize('name', ['face', 'pixels', 'scores'])
def test_an_attribute_may_be_called_as_parts_of_a_graph_are(tmp_path, name):
    export(labelled(classes={name: ('a', 'b')}), tmp_path)
    rows = AttributeModel.load(tmp_path).predict(np.zeros((1, 1, 64, 64), np.uint8))[name]
    assert rows.shape == (1, 2)


def test_an_exported_model_gives_the_calibrated_probabilities_of_its_network(tmp_path):
    source = labelled('slim_resnet', crop=CropGeometry(0.2, 0.05))
    export(source, tmp_path, temperatures=TEMPERATURES)
    card = AttributeCard.load(tmp_path)
    assert card.crop == CropGeometry(0.2, 0.05)
    assert {head.attribute: head.labels for head in card.heads} == CLASSES
    crops = np.random.default_rng(0).integers(0, 256, (5, 1, 64, 64)).astype(np.uint8)
    found = AttributeModel.load(tmp_path).predict(crops)
    with torch.inference_mode():
        logits = source.network(torch.from_numpy(crops).float() / 127.5 - 1)
    for attribute, temperature in TEMPERATURES.items():
        expected = (logits[attribute] / temperature).softmax(1).numpy()
        np.testing.assert_allclose(found[attribute], expected, atol=1e-4)


def test_a_card_says_what_the_model_is(tmp_path):
    def measure(model):
        assert AttributeModel.load(model).card.name == 'made'
        return {'emotion.accuracy': 0.65996}

    data = [data_entry('FER-2013'), data_entry('mine')]
    export(labelled(), tmp_path, temperatures=TEMPERATURES, data=data, measured=measure)
    card = read_card(tmp_path)
    assert card['kind'] == AttributeCard.KIND
    assert card['parameters'] == 18_314 + 2 * (9 * 64 + 1)
    assert card['heads'][0]['temperature'] == 1.5
    assert card['metrics'] == {'emotion.accuracy': 0.66}
    assert card['data'] == data
    page = (tmp_path / 'README.md').read_text()
    for expected in (
        '# made',
        '0.6600',
        'Classifies gender: woman, man (temperature 0.800, built in).',
        'An expression is not a feeling',
        'no fact about a person',
        card['sha256'],
        card['command'],
    ):
        assert expected in page
    assert sorted(p.name for p in tmp_path.iterdir()) == ['README.md', 'model.json', 'model.onnx']


@pytest.mark.parametrize('upright', [False, True])
def test_the_page_says_whether_the_crop_is_upright(tmp_path, upright):
    export(labelled(crop=CropGeometry(0.0, upright=upright)), tmp_path)
    assert ('rotated upright' in (tmp_path / 'README.md').read_text()) == upright


def test_an_export_that_deviates_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, 'TOLERANCE', -1.0)
    with pytest.raises(ModelError, match=r'deviates from PyTorch by .* nothing was written'):
        export(labelled(), tmp_path / 'model')
    assert not (tmp_path / 'model').exists()


@pytest.fixture
def checkpoint(tmp_path):
    """Return a checkpoint whose data are 48 faces with labels, all votes for sadness."""
    votes = np.tile([0, 0, 0, 9, *[0] * 6], (48, 1)).astype(np.int8)
    labels = np.arange(48) % 7
    path = write_fer_npz(tmp_path / 'e.npz', pictures(48), labels, 40, ferplus_votes=votes)
    table = AttributeData(path=(str(path),))
    config = replace(
        CONFIG,
        data=DataConfig({'emotion': table, 'emotion_votes': table}),
        mix={'emotion': Mix('emotion_votes', 0.25)},
    )
    source = labelled(classes={'emotion': EMOTIONS, 'emotion_votes': EMOTIONS})
    values = {
        'config': config.as_dict(),
        'average': source.network.state_dict(),
        'classes': {name: list(names) for name, names in source.classes.items()},
    }
    save_checkpoint(tmp_path / 'best.pt', values)
    return tmp_path / 'best.pt'


def test_a_checkpoint_is_calibrated_and_measured_on_its_data(checkpoint, tmp_path):
    export_run(checkpoint, tmp_path / 'model', ExportSettings(command='export it'))
    card = read_card(tmp_path / 'model')
    assert card['name'] == 'small'
    assert card['command'] == 'rtcnn_perception train small && export it'
    assert [entry['name'] for entry in card['data']] == ['e.npz']
    assert card['weights'].startswith('float16')
    assert [head['attribute'] for head in card['heads']] == ['emotion', 'emotion_votes']
    assert all(head['temperature'] != 1.0 for head in card['heads'])
    for expected in (
        'emotion.accuracy',
        'emotion.accuracy_on_emotion_votes',
        'emotion.calibration_error',
        'emotion_votes.surely_wrong',
        'held_out.emotion.balanced_accuracy',
    ):
        assert expected in card['metrics']


def test_a_checkpoint_is_not_exported_with_other_data(checkpoint, tmp_path):
    values = torch.load(checkpoint)
    splits = load_faces(str(tmp_path / 'e.npz'), CONFIG.crop)
    save_checkpoint(checkpoint, {**values, 'fingerprint': fingerprints_of(splits)})
    export_run(checkpoint, tmp_path / 'model', ExportSettings())
    votes = np.tile([0, 0, 0, 9, *[0] * 6], (48, 1)).astype(np.int8)
    images = [*pictures(47), pictures(1, seed=1)[0]]
    write_fer_npz(tmp_path / 'e.npz', images, np.arange(48) % 7, 40, ferplus_votes=votes)
    message = r'best\.pt learnt from other data: test had 8 pictures, .*\. Bring that data back'
    with pytest.raises(ModelError, match=message):
        export_run(checkpoint, tmp_path / 'other', ExportSettings())
    assert not (tmp_path / 'other').exists()


@pytest.mark.parametrize('is_named', [False, True])
def test_a_graph_in_eight_bits_agrees_with_the_float_one(checkpoint, tmp_path, is_named):
    data = (str(tmp_path / 'e.npz'),) if is_named else ()
    export_run(checkpoint, tmp_path / 'model', ExportSettings(int8=data))
    card = read_card(tmp_path / 'model')['int8']
    calibrated_with = {'faces': card['calibration']['faces'], 'part': 'train', 'data': ['e.npz']}
    assert card['calibration'] == calibrated_with
    assert 0 < card['calibration']['faces'] < 48
    found = card['parity']['emotion']
    assert {'accuracy_float', 'accuracy_int8', 'labels_changed'} < set(found)
    model = tmp_path / 'model'
    assert 'Graph in eight bits' in (model / 'README.md').read_text()
    crops = np.random.default_rng(0).integers(0, 256, (64, 1, 64, 64)).astype(np.uint8)
    in_float, in_int8 = (
        AttributeModel.load(model, precision=precision).predict(crops)['emotion']
        for precision in ('float', 'int8')
    )
    assert 0 < np.abs(in_float - in_int8).max() < 0.1
    # Exported again without it, nothing of it is left.
    export_run(checkpoint, model, ExportSettings())
    assert sorted(each.name for each in model.iterdir()) == [
        'README.md',
        'model.json',
        'model.onnx',
    ]


def test_a_head_is_exported_without_its_prior(checkpoint, tmp_path):
    export_run(checkpoint, tmp_path / 'plain', ExportSettings(half=False))
    values = torch.load(checkpoint)
    values['config']['prior'] = {'emotion': 1.0}
    save_checkpoint(checkpoint, values)
    export_run(checkpoint, tmp_path / 'model', ExportSettings(half=False))
    plain, found = logits_of(tmp_path / 'plain'), logits_of(tmp_path / 'model')
    shift = (found['emotion'] - plain['emotion']).mean(0)
    labels = load_faces(str(tmp_path / 'e.npz'), CONFIG.crop).train.labels['emotion'].indices
    rare = -np.log(np.bincount(labels, minlength=7))
    np.testing.assert_allclose(shift, rare - rare.mean(), atol=2e-3)
    np.testing.assert_allclose(found['emotion_votes'], plain['emotion_votes'], atol=2e-3)


def logits_of(folder):
    crops = np.random.default_rng(0).integers(0, 256, (5, 1, 64, 64)).astype(np.uint8)
    model = AttributeModel.load(folder)
    rows = {name: np.log(found) for name, found in model.predict(crops).items()}
    heads = {head.attribute: head.temperature for head in model.card.heads}
    found = {name: rows[name] * heads[name] for name in rows}
    return {name: each - each.mean(1, keepdims=True) for name, each in found.items()}


@pytest.mark.parametrize(
    ('mixes', 'share'),
    [(None, 0.25), ({'emotion': Mix('emotion_votes', 0.8)}, 0.8)],
)
def test_heads_are_mixed_as_configured_or_as_the_settings_say(checkpoint, tmp_path, mixes, share):
    plain = ExportSettings(half=False, mixes={'emotion': Mix('emotion_votes', 0.0)})
    export_run(checkpoint, tmp_path / 'plain', plain)
    settings = ExportSettings(half=False, mixes=mixes, heads=['emotion'])
    export_run(checkpoint, tmp_path / 'mixed', settings)
    own, found = logits_of(tmp_path / 'plain'), logits_of(tmp_path / 'mixed')
    assert set(found) == {'emotion'}
    expected = (1 - share) * own['emotion'] + share * own['emotion_votes']
    np.testing.assert_allclose(found['emotion'], expected, atol=2e-3)


@pytest.mark.parametrize(('share', 'is_of_votes'), [(0.5, False), (0.51, True)])
def test_a_head_is_calibrated_on_the_labels_of_which_it_is_mostly(
    checkpoint, tmp_path, monkeypatch, share, is_of_votes
):
    found = []
    monkeypatch.setattr(
        exporting, 'fit_temperature', lambda _logits, labels, _weights: found.append(labels) or 1.0
    )
    settings = ExportSettings(mixes={'emotion': Mix('emotion_votes', share)}, heads=['emotion'])
    export_run(checkpoint, tmp_path / 'model', settings)
    assert (set(found[0].tolist()) == {EMOTIONS.index('sad')}) == is_of_votes


def test_calibration_and_prior_go_by_the_names_of_classes(checkpoint, tmp_path):
    values = torch.load(checkpoint)
    values['config'] |= {
        'prior': {'emotion': 1.0},
        'mix': {'emotion': {'head': 'emotion_votes', 'share': 0.8}},
    }
    save_checkpoint(checkpoint, values)
    order = np.random.default_rng(0).permutation(7)
    for part in ('weight', 'bias'):
        rows = values['average'][f'heads.emotion.{part}']
        values['average'][f'heads.emotion.{part}'] = rows[torch.from_numpy(order)]
    values['classes']['emotion'] = [EMOTIONS[index] for index in order]
    save_checkpoint(tmp_path / 'other.pt', values)
    cards = []
    for name, path in (('plain', checkpoint), ('other', tmp_path / 'other.pt')):
        export_run(path, tmp_path / name, ExportSettings(heads=['emotion'], half=False))
        cards.append(read_card(tmp_path / name))
    expected, found = cards
    assert found['heads'][0]['labels'] == values['classes']['emotion']
    assert found['heads'][0]['temperature'] == expected['heads'][0]['temperature']
    assert found['metrics'] == pytest.approx(expected['metrics'], abs=2e-4)


def test_a_checkpoint_has_its_own_crop(checkpoint, tmp_path):
    with pytest.raises(ConfigurationError, match='--margin is for published weights'):
        export_run(checkpoint, tmp_path / 'model', ExportSettings(margin=0.3))


def test_a_head_that_does_not_exist_is_refused(checkpoint, tmp_path):
    settings = ExportSettings(heads=['age'])
    with pytest.raises(ConfigurationError, match=r'best\.pt has no head age; it has emotion'):
        export_run(checkpoint, tmp_path / 'model', settings)
    assert not (tmp_path / 'model').exists()
