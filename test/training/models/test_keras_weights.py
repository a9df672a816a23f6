from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')
h5py = pytest.importorskip('h5py')

from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.load import load_faces
from rtcnn_perception.training.data.sources import data_folder
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.keras_weights import _targets
from rtcnn_perception.training.models.keras_weights import load_keras
from rtcnn_perception.training.models.layers import SeparableConv2d
from rtcnn_perception.training.tasks.attributes.export import export_run
from rtcnn_perception.training.tasks.attributes.export import ExportSettings
from rtcnn_perception.training.tasks.attributes.metrics import accuracy
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor

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


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match='holds no Keras weights that can be read'):
        load_keras(tmp_path / 'a.hdf5')


@pytest.mark.parametrize(
    ('layers', 'message'),
    [
        ({}, 'does not end in 7 or 2 classes'),
        ({'conv2d_7': [np.zeros((3, 3, 128, 5)), np.zeros(5)]}, 'does not end in 7 or 2 classes'),
        ({'conv2d_7': [np.zeros((3, 3, 128, 7)), np.zeros(7)]}, 'is no mini_xception: it differs'),
    ],
)
def test_another_network_is_refused(tmp_path, layers, message):
    write_layers(tmp_path / 'a.hdf5', layers)
    with pytest.raises(ModelError, match=message):
        load_keras(tmp_path / 'a.hdf5')


def layers_of_the_original():
    """Return weights as the original's file has them, all zeros."""
    layers = {}
    for name, module in _targets(
        build_network('mini_xception', {'emotion': 7}), 'emotion'
    ).items():
        if isinstance(module, SeparableConv2d):
            inner, outer = module.depthwise.weight.shape[0], module.pointwise.weight.shape[0]
            layers[name] = [np.zeros((3, 3, inner, 1)), np.zeros((1, 1, inner, outer))]
        elif isinstance(module, torch.nn.BatchNorm2d):
            layers[name] = [np.zeros(module.num_features)] * 4
        else:
            biases = [] if module.bias is None else [np.zeros(module.bias.shape)]
            layers[name] = [np.zeros(np.array(module.weight.shape)[[2, 3, 1, 0]]), *biases]
    return {**{k: v for k, v in layers.items() if k != 'conv2d_7'}, 'conv2d_7': layers['conv2d_7']}


def test_a_file_with_all_layers_is_read(tmp_path):
    write_layers(tmp_path / 'a.hdf5', layers_of_the_original())
    network, original = load_keras(tmp_path / 'a.hdf5')
    assert network.classes == {'emotion': 7}
    assert (original.classes[3], original.classes[6]) == ('happy', 'neutral')


@pytest.mark.parametrize(
    ('layer', 'weights'),
    [
        ('batch_normalization_1', [np.zeros(8)] * 3),
        ('batch_normalization_1', [np.zeros(9)] * 4),
        ('separable_conv2d_1', [np.zeros((3, 3, 8, 1))]),
        ('separable_conv2d_1', [np.zeros((3, 3, 8, 1))] * 3),
        ('conv2d_1', [np.zeros(8)]),
    ],
)
def test_a_layer_of_other_weights_is_named_and_refused(tmp_path, layer, weights):
    write_layers(tmp_path / 'a.hdf5', {**layers_of_the_original(), layer: weights})
    with pytest.raises(ModelError, match=f'does not fit mini_xception in {layer}: '):
        load_keras(tmp_path / 'a.hdf5')


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
