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

"""A saliency graph is loaded, checked against its model and run, with a small network."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest
from rtcnn_perception.core.saliency.model import has_saliency
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.model import strongest_channel
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METADATA_KEY
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import make_card
from tiny_model import make_graph
from tiny_model import write_model
from tiny_model import write_tiny_model

HEADS = {'emotion': EMOTIONS, 'gender': GENDERS}


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a model with a saliency graph."""
    write_tiny_model(tmp_path, HEADS)
    write_saliency_graph(tmp_path)
    return tmp_path


@pytest.fixture
def model(folder):
    return SaliencyModel.load(folder)


def weights_of(folder, name):
    """Return the gradient of a linear model: its matrix, (classes, 8, 8)."""
    graph = onnx.load(folder / 'model.onnx').graph
    matrix = next(t for t in graph.initializer if t.name == f'{name}_weights')
    return onnx.numpy_helper.to_array(matrix).T.reshape(-1, 8, 8)


def rewrite(folder, change):
    """Change the graph, and the sum on the card with it."""
    path, card = folder / 'saliency.onnx', folder / 'model.json'
    graph = onnx.load(str(path))
    change(graph)
    onnx.save(graph, str(path))
    fields = json.loads(card.read_text())
    fields['saliency']['sha256'] = hashlib.sha256(path.read_bytes()).hexdigest()
    card.write_text(json.dumps(fields))


def faces(count):
    return np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8)).astype(np.uint8)


@pytest.mark.parametrize('method', METHODS)
def test_no_face_gives_no_map(model, method):
    explained = model.explain(faces(0), 'emotion', (), method)
    assert explained.maps.shape == (0, 8, 8)
    assert explained.probabilities['emotion'].shape == (0, 7)
    assert explained.probabilities['gender'].shape == (0, 2)


def test_the_map_of_a_linear_model_is_its_weights(model, folder):
    explained = model.explain(faces(3), 'gender', (0, 1, 1), 'gradient')
    expected = weights_of(folder, 'gender')[[0, 1, 1]]
    assert np.allclose(explained.maps, expected, rtol=1e-5)


def test_the_top_class_is_the_most_probable_one(model, folder):
    explained = model.explain(faces(4), 'emotion', (TOP,) * 4, 'gradient')
    top = explained.probabilities['emotion'].argmax(1)
    assert np.allclose(explained.maps, weights_of(folder, 'emotion')[top], rtol=1e-5)


def test_targets_have_names(model):
    assert model.target('emotion', 'top') == TOP
    assert model.target('emotion', 'class_maps') == CLASS_MAPS
    assert model.target('emotion', 'happy') == 3
    with pytest.raises(ConfigurationError, match=r"happy.*got 'man'"):
        model.target('emotion', 'man')


@pytest.mark.parametrize('target', [7, NOTHING, 99])
def test_a_target_outside_the_classes_is_refused(model, target):
    with pytest.raises(ConfigurationError, match=f'from 0 to 6.*got {target}'):
        model.explain(faces(1), 'emotion', (target,))


def test_class_maps_of_a_network_that_has_none_are_refused(model):
    with pytest.raises(ConfigurationError, match='has none for emotion'):
        model.explain(faces(1), 'emotion', (CLASS_MAPS,))


def test_an_unknown_method_is_refused(model):
    with pytest.raises(ConfigurationError, match=r"guided.*got 'magic'"):
        model.explain(faces(1), 'emotion', (TOP,), 'magic')


def test_a_target_for_each_face_is_needed(model):
    with pytest.raises(ValueError, match='each of 2 faces'):
        model.explain(faces(2), 'emotion', (TOP,))


def test_an_attribute_that_the_model_does_not_classify_is_refused(tmp_path):
    write_tiny_model(tmp_path, {'gender': GENDERS})
    write_saliency_graph(tmp_path)
    with pytest.raises(
        ModelError,
        match='expected a model that classifies emotion, got one that classifies gender',
    ):
        SaliencyModel.load(tmp_path).explain(faces(1), 'emotion', (TOP,))


def test_a_graph_that_takes_float32_is_fed_scaled_pixels(tmp_path):
    content = make_graph({'gender': 2}, dtype=onnx.TensorProto.FLOAT)
    card = make_card(content, {'gender': GENDERS})
    card['input'].update(dtype='float32', scale=0.5, offset=-1.0)
    write_model(tmp_path, content, card)
    write_saliency_graph(tmp_path)
    explained = SaliencyModel.load(tmp_path).explain(faces(1), 'gender', (0,), 'gradient')
    assert np.allclose(explained.maps, weights_of(tmp_path, 'gender')[:1], rtol=1e-5)


def test_a_model_without_the_graph_is_refused_with_what_to_do(tmp_path):
    write_tiny_model(tmp_path, HEADS)
    assert not has_saliency(tmp_path)
    with pytest.raises(ModelError, match='saliency-graph'):
        SaliencyModel.load(tmp_path)


def test_a_graph_is_found_beside_its_model(folder):
    assert has_saliency(folder)
    assert has_saliency(folder / 'model.onnx')


def test_a_graph_holds_no_weights_that_its_model_holds(folder):
    weights = np.ascontiguousarray(weights_of(folder, 'emotion').reshape(7, -1).T).tobytes()
    assert weights in (folder / 'model.onnx').read_bytes()
    assert weights not in (folder / 'saliency.onnx').read_bytes()


def test_a_graph_is_found_through_links(folder, tmp_path):
    linked = tmp_path / 'linked'
    linked.mkdir()
    for name in ('model.onnx', 'model.json', 'saliency.onnx'):
        (linked / name).symlink_to(folder / name)
    assert SaliencyModel.load(linked).explain(faces(1), 'emotion', (TOP,)).maps.any()


def test_a_damaged_graph_is_refused(folder):
    path = folder / 'saliency.onnx'
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match='sha256'):
        SaliencyModel.load(folder)


def test_a_graph_the_card_does_not_name_is_refused(folder):
    card = json.loads((folder / 'model.json').read_text())
    del card['saliency']
    (folder / 'model.json').write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r'is missing; make .* `rtcnn_perception saliency-g'):
        SaliencyModel.load(folder)


def test_a_graph_made_of_another_model_is_refused(folder, tmp_path):
    other = write_tiny_model(tmp_path / 'other', HEADS, seed=2)
    write_saliency_graph(other)
    (folder / 'saliency.onnx').write_bytes((other / 'saliency.onnx').read_bytes())
    rewrite(folder, lambda _graph: None)
    with pytest.raises(ModelError, match='of another model'):
        SaliencyModel.load(folder)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'expected a graph with the metadata of its model, got one without'),
        ('', 'expected metadata in JSON'),
        ('[]', 'must be an object'),
        ('{"format": 9}', 'model_sha256'),
    ],
)
def test_a_graph_without_valid_metadata_is_refused(folder, text, message):
    def change(graph):
        del graph.metadata_props[:]
        if text is not None:
            graph.metadata_props.add(key=METADATA_KEY, value=text)

    rewrite(folder, change)
    with pytest.raises(ModelError, match=message):
        SaliencyModel.load(folder)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'format': 9}, 'format must be 1, got 9'),
        ({'has_class_maps': None}, 'has_class_maps must be an object, got None'),
        ({'has_class_maps': {'gender': 'yes'}}, 'has_class_maps.gender must be true or false'),
    ],
)
def test_a_graph_with_metadata_of_another_kind_is_refused(folder, changes, message):
    def change(graph):
        content = json.loads(graph.metadata_props[0].value)
        graph.metadata_props[0].value = json.dumps(content | changes)

    rewrite(folder, change)
    with pytest.raises(ModelError, match=message):
        SaliencyModel.load(folder)


def test_a_graph_without_the_entry_for_class_maps_is_refused(folder):
    def change(graph):
        content = json.loads(graph.metadata_props[0].value)
        del content['has_class_maps']
        graph.metadata_props[0].value = json.dumps(content)

    rewrite(folder, change)
    with pytest.raises(ModelError, match='has_class_maps is missing'):
        SaliencyModel.load(folder)


def test_a_file_that_is_no_graph_is_refused(folder):
    (folder / 'saliency.onnx').write_bytes(b'no graph')
    card = json.loads((folder / 'model.json').read_text())
    card['saliency']['sha256'] = hashlib.sha256(b'no graph').hexdigest()
    (folder / 'model.json').write_text(json.dumps(card))
    with pytest.raises(ModelError, match='onnxruntime'):
        SaliencyModel.load(folder)


def test_a_graph_that_cannot_take_the_faces_is_refused(folder):
    rewrite(folder, lambda graph: graph.graph.input[0].type.tensor_type.shape.dim[2].Clear())
    model = SaliencyModel.load(folder)
    with pytest.raises(ModelError, match='fails'):
        model.explain(np.zeros((1, 1, 9, 8), np.uint8), 'emotion', (TOP,))


def test_the_strongest_of_several_channels_is_taken():
    maps = np.zeros((2, 3, 1, 1), np.float32)
    maps[0, :, 0, 0] = 1, -5, 2
    maps[1, :, 0, 0] = 0, 0, 3
    assert strongest_channel(maps).reshape(-1).tolist() == [-5, 3]
