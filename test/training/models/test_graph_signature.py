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

"""Graphs of others whose types and names are none are refused by their path."""

from __future__ import annotations

from pathlib import Path

from foreign_graphs import foreign_graph
from foreign_graphs import write
import onnx
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models.graph_signature import signature_of
from rtcnn_perception.training.tasks.attributes.adapt import adapt
from rtcnn_perception.training.tasks.attributes.adapt import AdaptSettings


@pytest.mark.parametrize(('kind', 'name'), [(onnx.TensorProto.INT64, 'INT64'), (99, 'type 99')])
def test_an_input_of_another_or_an_unknown_type_is_refused(kind, name):
    model = foreign_graph((1, 1, 8, 8), 3)
    model.graph.input[0].type.tensor_type.elem_type = kind
    with pytest.raises(ModelError, match=f'uint8, float16, float32, got {name}'):
        signature_of(model, Path('a.onnx'))


def test_a_name_that_is_no_utf_8_is_refused_in_one_line(tmp_path):
    path = write(tmp_path / 'a.onnx', foreign_graph((1, 1, 8, 8), 3))
    content = path.read_bytes()
    assert b'net' in content
    path.write_bytes(content.replace(b'net', b'n\xff\xfe'))
    settings = AdaptSettings('mood', ('a', 'b', 'c'), 'network', outputs='scores')
    with pytest.raises(ModelError, match=r'a\.onnx[^\n]*$'):
        adapt(path, tmp_path / 'out', settings)


def test_a_free_axis_may_be_minus_one_and_needs_a_size():
    model = foreign_graph((1, 1, 8, 8), 3)
    axes = model.graph.input[0].type.tensor_type.shape.dim
    for axis in (0, 2, 3):
        axes[axis].dim_value = -1
    signature = signature_of(model, Path('a.onnx'), size_hw=(8, 8), layout='nchw')
    assert (signature.batch, signature.size_hw) == (None, (8, 8))
    with pytest.raises(ModelError, match='--size'):
        signature_of(model, Path('a.onnx'), layout='nchw')


def test_an_input_of_more_pixels_than_a_card_allows_is_refused_before_it_is_tried():
    model = foreign_graph((1, 1, 8, 8), 3)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 60_000
    with pytest.raises(ModelError, match='at most 1024x1024 pixels, got 8x60000'):
        signature_of(model, Path('a.onnx'))
