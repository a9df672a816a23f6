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

"""Readers of models: cards, graphs and weights beside them, weights of others, checkpoints."""

from __future__ import annotations

from contextlib import suppress
import copy
import functools
import hashlib
import json
import math
from unittest import mock

from fuzz_target import Draw
from fuzz_target import scratch
from fuzz_target import Target
from fuzz_target import written
import h5py
import numpy as np
import onnx
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.models.card import kind_of
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models import keras_file
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.keras_file import read_layers
from rtcnn_perception.training.models.keras_weights import load_keras
from rtcnn_perception.training.models.tfjs_weights import read_graph_model
from rtcnn_perception.training.tasks.attributes.adapt import adapt
from rtcnn_perception.training.tasks.attributes.adapt import AdaptSettings
from tiny_detector import make_detector
from tiny_detector import make_detector_card
from tiny_graphs import graph_with
from tiny_graphs import LABELS
from tiny_graphs import make_graph as make_conv_graph
from tiny_graphs import write_graph_and_card
from tiny_model import GENDERS
from tiny_model import make_card
from tiny_model import make_graph
import torch

ODD = (
    *(None, True, -1, 0, 1, 7, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, math.nan, math.inf),
    *('', 'emotion', 'a\0b', '\ud800', 'é' * 300, '../model.onnx', '/dev/zero', 'mini_xception'),
    *([], [1, 2], ['a', 'b'], [[1], [2]], {}, {'a': 1}, {1: 'a'}),
)
"""Values that a field may have, and no reader may fail on."""


def changed(content, draw):
    """Return plain data of which one to four values are odd, missing or of another key."""
    content = copy.deepcopy(content)
    for _ in range(1 + draw.number() % 4):
        place = content
        for _ in range(4):
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = keys[draw.number() % len(keys)]
            if isinstance(place[key], dict | list) and place[key] and draw.number() % 4:
                place = place[key]
                continue
            kind = draw.number() % 8
            if kind == 0:
                del place[key]
            elif kind == 1 and isinstance(place, dict):
                place[draw.choice(('x', 'reader', 'format', 'labels', 'path'))] = place.pop(key)
            else:
                place[key] = copy.deepcopy(draw.choice(ODD))
            break
    return content


def text_or_changed(data, content):
    """Return the JSON that the bytes are, or plain data changed as they say."""
    draw = Draw(data)
    return draw.rest() if draw.number() % 2 else json.dumps(changed(content, draw)).encode()


def text_seeds(*contents):
    """Return inputs for ``text_or_changed``."""
    for content in contents:
        yield b'\1' + json.dumps(content).encode()
    for number in range(8):
        yield bytes([0, *(number * 37 * each % 256 for each in range(12))])


@functools.cache
def attribute_graph():
    return make_graph({'gender': 2})


@functools.cache
def detector_graph():
    return make_detector()


def attribute_card():
    return make_card(attribute_graph(), {'gender': GENDERS})


def read_attribute_card(data):
    """Load a card and the graph that belongs to it."""
    written('card/model.onnx', attribute_graph())
    path = written('card/model.json', text_or_changed(data, attribute_card()))
    kind_of(path)
    AttributeModel.load(path)


def read_detector_card(data):
    """Load a card of a detector and its graph."""
    written('detector/model.onnx', detector_graph())
    card = make_detector_card(detector_graph())
    path = written('detector/model.json', text_or_changed(data, card))
    RtcnnDetector.load(path, DetectorConfig('rtcnn', precision='float'))


def read_graph(data):
    """Load a graph whose checksum stands in its card, with weights beside it."""
    weights = written('graph/weights.bin', bytes(2048)).read_bytes()
    written('graph/model.onnx', data)
    card = make_card(data, {'gender': GENDERS})
    if b'weights.bin' in data:
        card['sha256'] = hashlib.sha256(data + weights).hexdigest()
    AttributeModel.load(written('graph/model.json', json.dumps(card).encode()))


def graph_seeds():
    yield attribute_graph()
    model = onnx.load_from_string(attribute_graph())
    onnx.external_data_helper.convert_model_to_external_data(
        model, location='weights.bin', size_threshold=0
    )
    for tensor in model.graph.initializer:
        tensor.external_data.add(key='offset', value='8')
        tensor.external_data.add(key='length', value=str(len(tensor.raw_data)))
        tensor.ClearField('raw_data')
    yield model.SerializeToString()


def read_saliency_source(data):
    """Write and load the saliency graph of a network."""
    write_graph_and_card(scratch(), data)
    write_saliency_graph(scratch())
    SaliencyModel.load(scratch())


def saliency_seeds():
    yield make_conv_graph()
    yield graph_with('Relu')
    yield graph_with('AveragePool', kernel_shape=[2, 2])


def read_foreign_graph(data):
    """Adapt a graph of others."""
    settings = AdaptSettings('gender', LABELS, 'a network', outputs='scores')
    adapt(written('foreign.onnx', data), scratch() / 'adapted', settings)


def foreign_seeds():
    yield attribute_graph()
    yield make_conv_graph()
    yield make_conv_graph(shape=(1, 1, 6, 6))


def tfjs_manifest():
    entries = [
        {'name': 'a', 'shape': [2, 3], 'dtype': 'float32'},
        {'name': 'b', 'shape': [4], 'dtype': 'int32'},
    ]
    return {'weightsManifest': [{'paths': ['weights.bin'], 'weights': entries}]}


def read_tfjs(data):
    """Read weights that TensorFlow.js published."""
    written('tfjs/weights.bin', bytes(40))
    read_graph_model(written('tfjs/published.json', text_or_changed(data, tfjs_manifest())))


@functools.cache
def keras_seed():
    """Return a small file in which Keras keeps weights, without those of a network known here."""
    path = scratch() / 'seed.h5'
    with h5py.File(path, 'w') as file:
        group = file.create_group('model_weights')
        group.attrs['layer_names'] = [b'conv', b'end']
        for name, shape in (('conv', (3, 3, 1, 8)), ('end', (7,))):
            layer = group.create_group(name)
            layer.attrs['weight_names'] = [b'w']
            layer.create_dataset('w', data=np.ones(shape, np.float32))
    return path.read_bytes()


def read_keras(data):
    """Read weights of Keras, which are seldom those of a network known here."""
    path = written('keras.h5', data)
    # What the library would read for ever is refused sooner than an input may take here.
    with mock.patch.object(keras_file, 'MOST_SECONDS', 3):
        read_layers(path)
        with suppress(ModelError):
            load_keras(path)


@functools.cache
def checkpoint():
    """Return the smallest checkpoint of an attribute network, as plain data."""
    network = build_network('tiny_xception', {'emotion': 2})
    return {
        'format': 2,
        'config': {
            'name': 'tiny',
            'architecture': 'tiny_xception',
            'crop': {'margin': 0.0},
            'data': {'attributes': {'emotion': {'path': ['a.npz'], 'votes': ''}}},
            'start_from': '',
            'distillation': {'teachers': [{'path': 'b.pt'}]},
        },
        'classes': {'emotion': ['calm', 'glad']},
        'average': dict(network.state_dict()),
        'mean_of': ['c.pt'],
        'command': 'rtcnn_perception train tiny',
        'before': {'commands': ['a'], 'data': [{'name': 'a', 'terms': 'b'}]},
    }


def read_checkpoint(data):
    """Read a checkpoint: bytes as they are, or one of odd values."""
    draw = Draw(data)
    path = scratch() / 'best.pt'
    if draw.number() % 4:
        torch.save(changed(checkpoint(), draw), path)
    else:
        path.write_bytes(draw.rest())
    load_network(path)
    provenance_of(path)


def checkpoint_seeds():
    path = scratch() / 'seed.pt'
    torch.save({'format': 2, 'config': {}, 'average': {}, 'classes': {'a': ['b', 'c']}}, path)
    yield b'\0' + path.read_bytes()
    for number in range(16):
        yield bytes([1, *(number * 37 * each % 256 for each in range(12))])


WORDS = (b'"format": 2', b'\\ud800', b'\\u0000', b'1e999', b'null', b'[' * 2000, b'9' * 5000)

TARGETS = {
    'attribute_card': Target(read_attribute_card, lambda: text_seeds(attribute_card()), WORDS),
    'detector_card': Target(
        read_detector_card, lambda: text_seeds(make_detector_card(detector_graph())), WORDS
    ),
    'graph': Target(read_graph, graph_seeds, (b'location', b'offset', b'length', b'weights.bin')),
    'saliency_source': Target(read_saliency_source, saliency_seeds),
    'foreign_graph': Target(read_foreign_graph, foreign_seeds),
    'tfjs': Target(read_tfjs, lambda: text_seeds(tfjs_manifest()), WORDS),
    'keras': Target(read_keras, lambda: [keras_seed()]),
    'checkpoint': Target(read_checkpoint, checkpoint_seeds),
}
