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
from rtcnn_perception.saliency.graph_builder import GraphBuilder


def test_equal_constants_are_stored_once_also_in_branches():
    builder = GraphBuilder()
    first = builder.integers(1, 2)
    assert builder.branch().integers(1, 2) == first
    assert builder.integers(2, 1) != first
    assert builder.number(1.0) != builder.integers(1), 'of another type'


def test_constants_of_the_network_keep_their_names():
    builder = GraphBuilder()
    builder.keep('weights', np.float32([1, 2]))
    assert builder.constant(np.float32([1, 2])) == 'weights'


def test_only_constants_with_a_reader_are_returned_and_exact_ones_as_float16():
    builder = GraphBuilder()
    exact = builder.constant(np.arange(16, dtype=np.float32))
    inexact = builder.constant(np.full(16, 0.1, np.float32))
    builder.integers(7)
    builder.add('Add', exact, inexact)
    tensors, casts = builder.initializers()
    assert {tensor.name: tensor.data_type for tensor in tensors} == {
        f'{exact}_half': onnx.TensorProto.FLOAT16,
        inexact: onnx.TensorProto.FLOAT,
    }
    assert [(*cast.input, *cast.output) for cast in casts] == [(f'{exact}_half', exact)]


def test_constants_of_a_branch_have_a_reader():
    builder = GraphBuilder()
    yes, no = builder.branch(), builder.branch()
    results = yes.add('Identity', yes.number(1.0)), no.add('Identity', no.number(2.0))
    builder.choose('condition', yes, no, *results)
    tensors, _ = builder.initializers()
    assert [onnx.numpy_helper.to_array(tensor) for tensor in tensors] == [1.0, 2.0]


def test_padding_by_nothing_adds_no_node():
    builder = GraphBuilder()
    assert builder.pad('x', (0, 0), (0, 0), 0.0) == 'x'
    assert builder.nodes == []
    assert builder.pad('x', (0, 1), (0, -1), 0.0) != 'x'
