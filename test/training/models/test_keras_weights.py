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

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.load import load_faces
from rtcnn_perception.training.data.sources import data_folder
from rtcnn_perception.training.models.keras_file import read_layers
from rtcnn_perception.training.models.keras_weights import load_keras
from rtcnn_perception.training.tasks.attributes.export import export_run
from rtcnn_perception.training.tasks.attributes.export import ExportSettings
from rtcnn_perception.training.tasks.attributes.metrics import accuracy
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
import torch

REFERENCE = Path(__file__).parents[2] / 'data' / 'keras_reference.npz'
"""Eight pictures and what Keras 2.15 on TensorFlow 2.15 predicts with the original weights."""

BASELINES = Path(os.environ.get('RTCNN_BASELINES', data_folder().parent / 'baselines'))
SEED = {
    'emotion': BASELINES / 'seed' / 'fer2013_mini_XCEPTION.102-0.66.hdf5',
    'gender': BASELINES / 'seed' / 'gender_mini_XCEPTION.21-0.95.hdf5',
}
FER = data_folder() / 'emotion' / 'fer2013_train_public.npz'

needs_seed = pytest.mark.skipif(
    not all(path.exists() for path in SEED.values()),
    reason='the original weights are not there; RTCNN_BASELINES may name their folder',
)


@pytest.mark.data
@needs_seed
@pytest.mark.parametrize('attribute', sorted(SEED))
def test_the_original_weights_give_what_they_give_in_keras(attribute):
    network, _ = load_keras(SEED[attribute])
    with np.load(REFERENCE) as reference:
        faces, expected = reference['faces'], reference[attribute]
    with torch.inference_mode():
        found = network(to_input(faces))[attribute].softmax(1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.data
@pytest.mark.slow
@needs_seed
@pytest.mark.skipif(not FER.exists(), reason='FER-2013 is not there; RTCNN_DATA may name a folder')
def test_the_original_weights_score_what_they_score_in_keras():
    faces = load_faces(str(FER), CropGeometry(0.0)).test
    rows = load_predictor(SEED['emotion']).probabilities(faces)['emotion']
    assert accuracy(rows, faces.labels['emotion'].indices) == pytest.approx(0.655, abs=5e-4)


def write_layers(path, layers):
    """Write a file as Keras does, with these layers."""
    with h5py.File(path, 'w') as file:
        group = file.create_group('model_weights')
        group.attrs['layer_names'] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            layer = group.create_group(name)
            layer.attrs['weight_names'] = [f'{i}'.encode() for i in range(len(arrays))]
            for index, array in enumerate(arrays):
                layer.create_dataset(f'{index}', data=array)


def test_a_file_that_is_not_of_keras_is_refused(tmp_path):
    (tmp_path / 'a.hdf5').write_bytes(b'nothing')
    with pytest.raises(ModelError, match='holds no Keras weights that can be read'):
        load_keras(tmp_path / 'a.hdf5')


def test_weights_that_no_memory_holds_are_refused(tmp_path):
    write_layers(tmp_path / 'a.hdf5', {'conv': [np.zeros(1)]})
    with h5py.File(tmp_path / 'a.hdf5', 'a') as file:
        del file['model_weights/conv/0']
        file['model_weights/conv'].create_dataset('0', (2**45,), 'f4')
    assert (tmp_path / 'a.hdf5').stat().st_size < 10_000
    with pytest.raises(ModelError, match='35184372088832 weights of one kind, more than 10000000'):
        load_keras(tmp_path / 'a.hdf5')


def test_a_group_in_place_of_weights_is_refused(tmp_path):
    write_layers(tmp_path / 'a.hdf5', {'conv': [np.zeros(1)]})
    with h5py.File(tmp_path / 'a.hdf5', 'a') as file:
        del file['model_weights/conv/0']
        file['model_weights/conv'].create_group('0')
    with pytest.raises(ModelError, match='holds no Keras weights that can be read'):
        load_keras(tmp_path / 'a.hdf5')


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match='holds no Keras weights that can be read'):
        load_keras(tmp_path / 'a.hdf5')


@pytest.mark.parametrize(
    ('layers', 'message'),
    [
        ({}, 'does not end in 7 or 2 classes'),
        ({'conv2d_7': [np.zeros((3, 3, 128, 5)), np.zeros(5)]}, 'does not end in 7 or 2 classes'),
        (
            {'conv2d_7': [np.zeros((3, 3, 128, 7)), np.zeros(7)]},
            'is no mini_xception: expected a layer',
        ),
    ],
)
def test_another_network_is_refused(tmp_path, layers, message):
    write_layers(tmp_path / 'a.hdf5', layers)
    with pytest.raises(ModelError, match=message):
        load_keras(tmp_path / 'a.hdf5')


def original_layers(seed=0):
    """Return random weights with the names and the order that the original's file has."""
    rng = np.random.default_rng(seed)

    def norm(width):
        return list(rng.uniform(0.5, 1.5, (4, width)))

    def conv(*shape):
        return [rng.normal(0, 0.3, shape)]

    layers = {}
    for number, width in ((1, 1), (2, 8)):
        layers[f'conv2d_{number}'] = conv(3, 3, width, 8)
        layers[f'batch_normalization_{number}'] = norm(8)
    width = 8
    for block, wider in enumerate((16, 32, 64, 128)):
        for part, inner in enumerate((width, wider)):
            both = [*conv(3, 3, inner, 1), *conv(1, 1, inner, wider)]
            layers[f'separable_conv2d_{2 * block + part + 1}'] = both
            layers[f'batch_normalization_{3 * block + part + 4}'] = norm(wider)
        layers[f'conv2d_{block + 3}'] = conv(1, 1, width, wider)
        layers[f'batch_normalization_{3 * block + 3}'] = norm(wider)
        width = wider
    layers['conv2d_7'] = [*conv(3, 3, 128, 7), rng.normal(0, 0.3, 7)]
    return layers


def load(path, layers):
    write_layers(path, layers)
    return load_keras(path)


def test_every_layer_gets_its_weights(tmp_path):
    layers = original_layers()
    network, original = load(tmp_path / 'a.hdf5', layers)
    assert network.classes == {'emotion': 7}
    assert (original.classes[3], original.classes[6]) == ('happy', 'neutral')
    stem, block = network.stem, network.blocks[1]
    for module, name in (
        (stem[1], 'batch_normalization_1'),
        (stem[4], 'batch_normalization_2'),
        (block.first_norm, 'batch_normalization_7'),
        (block.second_norm, 'batch_normalization_8'),
        (block.shortcut_norm, 'batch_normalization_6'),
    ):
        parts = module.weight, module.bias, module.running_mean, module.running_var
        for found, expected in zip(parts, layers[name], strict=True):
            np.testing.assert_array_equal(found.detach(), expected.astype(np.float32))
    for found, expected in (
        (stem[0].weight, layers['conv2d_1'][0].transpose(3, 2, 0, 1)),
        (block.shortcut.weight, layers['conv2d_4'][0].transpose(3, 2, 0, 1)),
        (block.first.depthwise.weight, layers['separable_conv2d_3'][0].transpose(2, 3, 0, 1)),
        (block.second.pointwise.weight, layers['separable_conv2d_4'][1].transpose(3, 2, 0, 1)),
        (network.heads['emotion'].bias, layers['conv2d_7'][1]),
    ):
        np.testing.assert_array_equal(found.detach(), expected.astype(np.float32))


def test_layers_may_have_any_name_and_those_as_far_from_the_end_any_order(tmp_path):
    expected, _ = load(tmp_path / 'a.hdf5', original_layers())
    names = [*original_layers()]
    for block in range(4):  # the convolution of the shortcut before the normalisation
        second = names.index(f'batch_normalization_{3 * block + 5}')
        names[second], names[second + 1] = names[second + 1], names[second]
    renamed = {f'layer_{99 - i}': original_layers()[name] for i, name in enumerate(names)}
    found, _ = load(tmp_path / 'b.hdf5', renamed)
    for name, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


@pytest.mark.data
@needs_seed
@pytest.mark.parametrize('attribute', sorted(SEED))
def test_the_original_weights_are_the_same_by_other_names(tmp_path, attribute):
    layers = {f'my_{i}': each for i, each in enumerate(read_layers(SEED[attribute]).values())}
    found, _ = load(tmp_path / 'a.hdf5', layers)
    with np.load(REFERENCE) as reference:
        faces, expected = reference['faces'], reference[attribute]
    with torch.inference_mode():
        rows = found(to_input(faces))[attribute].softmax(1).numpy()
    np.testing.assert_allclose(rows, expected, atol=1e-4)


@pytest.mark.parametrize(
    ('layer', 'weights', 'message'),
    [
        ('batch_normalization_1', [np.zeros(8)] * 3, r'weights of \[\(8,\), \(8,\), \(8,\), \('),
        ('separable_conv2d_1', [np.zeros((3, 3, 8, 1))], r'weights of \[\(3, 3, 8, 1\), \(1, 1'),
        ('conv2d_1', [np.zeros(8)], r'weights of \[\(3, 3, 1, 8\)\], got conv2d_1 \[\(8,\)\]'),
        ('a_further_one', [np.zeros(9)], r'it has further weights, a_further_one \[\(9,\)\]'),
    ],
)
def test_a_layer_of_other_weights_is_refused(tmp_path, layer, weights, message):
    layers = {'a_further_one': weights} if layer == 'a_further_one' else {}
    with pytest.raises(ModelError, match=f'is no mini_xception: .*{message}'):
        load(tmp_path / 'a.hdf5', {**layers, **original_layers(), layer: weights})


def test_a_file_whose_list_of_layers_is_none_is_refused(tmp_path):
    with h5py.File(tmp_path / 'a.hdf5', 'w') as file:
        file.attrs['layer_names'] = 3
    with pytest.raises(ModelError, match='holds no Keras weights that can be read'):
        load_keras(tmp_path / 'a.hdf5')


@pytest.mark.data
@needs_seed
@pytest.mark.parametrize('attribute', sorted(SEED))
def test_the_original_weights_run_like_any_other_model_once_exported(tmp_path, attribute):
    export_run(SEED[attribute], tmp_path, ExportSettings(half=False))
    with np.load(REFERENCE) as reference:
        faces, expected = reference['faces'], reference[attribute]
    model = AttributeModel.load(tmp_path)
    assert model.card.name == f'original_{attribute}'
    found = model.predict(faces[:, None])[attribute]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    directly = load_predictor(SEED[attribute]).predict(faces)[attribute]
    np.testing.assert_allclose(directly, found, atol=1e-4)
