"""Graphs of others whose types and names are none are refused by their path."""

from __future__ import annotations

from pathlib import Path

import pytest

onnx = pytest.importorskip('onnx')
pytest.importorskip('torch')

from foreign_graphs import foreign_graph
from foreign_graphs import write
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
