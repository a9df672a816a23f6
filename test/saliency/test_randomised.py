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
from onnx import numpy_helper
from rtcnn_perception.saliency.randomised import randomised
from tiny_graphs import make_graph


def weights_of(content):
    (tensor,) = onnx.load_from_string(content).graph.initializer
    return numpy_helper.to_array(tensor)


def network():
    model = onnx.load_from_string(make_graph())
    weights = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, 'w'))
    return model.SerializeToString()


def test_a_share_of_nothing_leaves_the_weights():
    assert np.array_equal(weights_of(randomised(network(), 0.0, 1)), weights_of(network()))


def test_a_shuffled_layer_keeps_the_values_of_its_weights_and_not_their_order():
    before, after = weights_of(network()), weights_of(randomised(network(), 0.1, 1))
    assert not np.array_equal(after, before)
    assert np.array_equal(np.sort(after, axis=None), np.sort(before, axis=None))
    assert np.array_equal(after, weights_of(randomised(network(), 0.1, 1))), 'the seed decides'
