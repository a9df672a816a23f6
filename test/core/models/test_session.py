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

"""A session is opened with the package's settings, and its graph compared with a card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
import onnxruntime
import pytest
from rtcnn_perception.core.models.card import MAKE
from rtcnn_perception.core.models.session import check_signature
from rtcnn_perception.core.models.session import contradiction
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.models.session import Tensor
from rtcnn_perception.exceptions import ModelError
from tiny_model import make_graph

PATH = Path('model.onnx')
FACE = Tensor('face', 'uint8', ('N', 1, 8, 8))
HAT = Tensor('hat', 'float32', ('N', 3))
BAD_NAME = make_graph({'hat': 3}).replace(b'hat', b'h\xfct')
"""A graph with a name that is no UTF-8."""


def test_threads_and_spinning_are_those_asked_for():
    graph = make_graph({'hat': 3})
    for threads, is_spinning, expected in ((1, False, '0'), (2, True, '1')):
        session = open_session(graph, PATH, threads=threads, allow_spinning=is_spinning)
        options = session.get_session_options()
        assert options.intra_op_num_threads == threads
        spinning = options.get_session_config_entry('session.intra_op.allow_spinning')
        assert spinning == expected
        assert session.get_providers() == ['CPUExecutionProvider']


@pytest.mark.parametrize('graph', [b'', b'damaged', make_graph({'hat': 3})[:-100], BAD_NAME])
def test_a_damaged_graph_is_refused_with_what_to_do(graph):
    with pytest.raises(ModelError) as refusal:
        open_session(graph, PATH, advice='fetch it again')
    message = str(refusal.value)
    expected = f'model.onnx: expected a graph that onnxruntime {onnxruntime.__version__} can load'
    assert message.startswith(expected)
    assert message.endswith('; fetch it again')
    assert '\n' not in message


def test_a_graph_may_have_outputs_that_its_card_does_not_name():
    session = open_session(make_graph({'hat': 3, 'glasses': 2}), PATH)
    check_signature(session, PATH, FACE, [HAT])
    check_signature(session, PATH, FACE, [])


def test_a_graph_that_differs_from_its_card_is_refused_by_the_first_difference():
    session = open_session(make_graph({'hat': 3}), PATH)
    for tensors, message in (
        ((FACE._replace(name='image'), HAT), "expected one input image, got ['face']"),
        (
            (FACE._replace(dtype='float32'), HAT),
            'input face of type tensor(float), got tensor(uin',
        ),
        ((FACE._replace(shape=('N', 8, 8)), HAT), "input face of shape ('N', 8, 8) with N free"),
        ((FACE._replace(shape=('N', 1, 8, 9)), HAT), "got ['N', 1, 8, 8]"),
        ((FACE, HAT._replace(name='cap')), "expected an output cap, got ['hat']"),
        (
            (FACE, HAT._replace(dtype='uint8')),
            'output hat of type tensor(uint8), got tensor(float',
        ),
        ((FACE, HAT._replace(shape=('N', 2))), "output hat of shape ('N', 2) with N free, got ["),
    ):
        with pytest.raises(ModelError) as refusal:
            check_signature(session, PATH, tensors[0], [tensors[1]])
        assert message in str(refusal.value)
        assert 'rtcnn_perception export' in str(refusal.value)


def test_an_axis_that_must_be_free_may_not_be_fixed():
    session = open_session(make_graph({'hat': 3}, batch=1, dtype=TensorProto.UINT8), PATH)
    with pytest.raises(ModelError, match=r"\('N', 1, 8, 8\) with N free, got \[1, 1, 8, 8\]"):
        check_signature(session, PATH, FACE, [HAT])


def test_a_contradiction_names_the_path_and_what_to_do():
    message = str(contradiction(PATH, 'one thing', 'another'))
    assert message == (
        f'model.onnx: by its card expected one thing, got another; make model and card together '
        f'with {MAKE}'
    )
    assert '`rtcnn_perception adapt`' in message


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('a\n  b\tc', 'a b c'),
        (
            '[ONNXRuntimeError] : 1 : FAIL : a/b.cc:12 n::F::F(int, g(h)&&) const bad (3)',
            'bad (3)',
        ),
        ('x.h:1 void n::F::operator()(int) [with T = int] why', 'why'),
        ('b.cc:12 something failed (code 3) more words',) * 2,
    ],
)
def test_an_error_is_put_in_one_line_without_where_it_was_raised(text, expected):
    assert in_one_line(ValueError(text)) == expected


@pytest.mark.parametrize(
    ('version', 'reason'),
    [
        ({'ir': 99}, r'\(Unsupported model IR version: 99, max'),
        ({'opset': 99}, r'\(ONNX Runtime only'),
    ],
)
def test_a_graph_of_another_version_is_refused_without_places_in_onnxruntime(version, reason):
    model = onnx.load_from_string(make_graph({'hat': 3}))
    model.ir_version = version.get('ir', model.ir_version)
    model.opset_import[0].version = version.get('opset', model.opset_import[0].version)
    with pytest.raises(ModelError, match=f'that it refuses {reason}') as refusal:
        open_session(model.SerializeToString(), PATH)
    assert '::' not in str(refusal.value)


def test_an_error_of_a_run_is_raised_and_not_printed(capfd):
    session = open_session(make_graph({'hat': 3}), PATH)
    with pytest.raises(SESSION_ERRORS) as error:
        session.run(None, {'face': np.zeros((1, 1, 9, 9), np.uint8)})
    assert 'ONNXRuntimeError' not in in_one_line(error.value)
    assert capfd.readouterr() == ('', '')
