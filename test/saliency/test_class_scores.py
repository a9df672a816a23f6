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

import numpy as np
import onnx
from onnx import helper
from onnx import numpy_helper
import pytest
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from saliency_reference import card_of
from saliency_reference import run
from saliency_reference import session
from small_networks import assert_gradient_is_that_of_autograd
from small_networks import AVERAGED_FEATURES
from small_networks import CONVOLUTIONS
from small_networks import exported
from small_networks import images
from small_networks import SHAPE
from tiny_graphs import CARD
from tiny_graphs import CAST
from tiny_graphs import CONV
from tiny_graphs import make_graph
from tiny_graphs import MEAN


@pytest.mark.parametrize('name', AVERAGED_FEATURES)
def test_the_gradient_of_weighed_averages_is_that_of_autograd(name):
    assert_gradient_is_that_of_autograd(AVERAGED_FEATURES[name], name)


@pytest.mark.parametrize(
    ('networks', 'name', 'has_maps'),
    [
        (AVERAGED_FEATURES, 'features averaged, then weighed', True),
        (AVERAGED_FEATURES, 'features averaged, then multiplied and shifted', True),
        (CONVOLUTIONS, 'plain', True),
        (CONVOLUTIONS, 'dense layers of all features', False),
    ],
)
def test_class_maps_exist_where_scores_are_averages(networks, name, has_maps):
    _, content = exported(networks[name], name)
    graph = session(build_saliency_graph(content, card_of(['emotion'], SHAPE)))
    _, maps = run(graph, images(), {'emotion': [CLASS_MAPS] * 3}, 'gradient')
    assert (np.abs(maps).max() > 0) == has_maps


def test_a_class_has_the_same_map_in_whatever_order_the_output_has_the_classes():
    order = np.array([1, 0])
    mixed = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3) % 5 - 2
    softmax = helper.make_node('Softmax', ['scores'], ['old'], axis=1)
    gather = helper.make_node('Gather', ['old', 'order'], ['gender'], axis=1)
    plain = onnx.load_from_string(make_graph())
    turned = onnx.load_from_string(
        make_graph([CAST, CONV, MEAN, softmax, gather], weights=[('order', order)])
    )
    for model in (plain, turned):
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(mixed, 'w'))
    graphs = [
        session(build_saliency_graph(model.SerializeToString(), CARD)) for model in (plain, turned)
    ]
    faces = np.random.default_rng(0).integers(0, 256, (4, 1, 6, 6)).astype(np.uint8)
    woman, man = (
        run(graphs[1], faces, {'gender': [i] * 4}, 'gradient', ('gender',)) for i in (0, 1)
    )
    assert np.abs(woman[1] - man[1]).max() > 0.01
    for method in METHODS:
        for target, other in ((0, 1), (1, 0), (TOP, TOP), (CLASS_MAPS, CLASS_MAPS)):
            first, second = (
                run(graph, faces, {'gender': [number] * 4}, method, ('gender',))
                for graph, number in zip(graphs, (target, other), strict=True)
            )
            np.testing.assert_allclose(second[0]['gender'], first[0]['gender'][:, order])
            np.testing.assert_allclose(second[1], first[1], atol=1e-6)
