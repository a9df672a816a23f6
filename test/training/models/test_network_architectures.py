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

import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Stem
from rtcnn_perception.training.tasks.model_folder import keras_parameters
from rtcnn_perception.training.tasks.model_folder import multiply_accumulates
import torch

EMOTION, GENDER = {'emotion': 7}, {'gender': 2}
BOTH = {**EMOTION, **GENDER}

# name, classes, parameters as Keras counts them, multiply-accumulates of one face
COUNTS = [
    ('mini_xception', EMOTION, 58_423, 10_163_392),
    ('mini_xception', GENDER, 52_658, 10_071_232),
    ('tiny_xception', EMOTION, 18_314, 3_404_740),
    ('slim_resnet', EMOTION, 294_583, 9_732_992),
    ('slim_resnet', {**BOTH, 'emotion_votes': 7, 'age': 5}, 296_389, 9_734_784),
    ('mobilenet', EMOTION, 3_235_463, 102_954_496),
]


@pytest.mark.parametrize(('name', 'classes', 'parameters', 'operations'), COUNTS)
def test_every_network_costs_what_its_description_says(name, classes, parameters, operations):
    network = build_network(name, classes)
    assert keras_parameters(network) == parameters
    assert multiply_accumulates(network, (1, *network.spec.input_hw)) == operations


def test_every_network_in_the_table_has_its_counts_checked():
    assert {name for name, *_ in COUNTS} == set(ARCHITECTURES)


def test_every_network_names_its_source():
    assert all(spec.source for spec in ARCHITECTURES.values())


def test_the_own_network_stays_within_ten_million_multiply_accumulates():
    network = build_network('slim_resnet', {**BOTH, 'emotion_votes': 7, 'age': 5})
    assert multiply_accumulates(network, (1, *network.spec.input_hw)) <= 10_000_000


@pytest.mark.parametrize('name', sorted(ARCHITECTURES))
@pytest.mark.parametrize('count', [1, 3])
def test_a_network_gives_a_row_of_logits_for_each_face_and_attribute(name, count):
    network = build_network(name, BOTH).eval()
    height, width = network.spec.input_hw
    logits = network(torch.zeros(count, 1, height, width))
    assert {key: tuple(rows.shape) for key, rows in logits.items()} == {
        'emotion': (count, 7),
        'gender': (count, 2),
    }


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"'resnet50'; there are .*mini_xception"):
        build_network('resnet50', EMOTION)


def test_a_stem_needs_a_stride_for_each_width():
    with pytest.raises(ValueError, match='one stride for each width'):
        Stem((8, 8), (1,), 'same')
