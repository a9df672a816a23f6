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

"""Sessions of onnxruntime: opened with the package's settings, and checked against a card."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
import re
from typing import NamedTuple

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors
from rtcnn_perception.core.models.card import MAKE
from rtcnn_perception.exceptions import ModelError

GRAPH_TYPES: Mapping[str, str] = {'uint8': 'tensor(uint8)', 'float32': 'tensor(float)'}

SESSION_ERRORS = (
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NotImplemented,
    onnxruntime_errors.RuntimeException,
    UnicodeDecodeError,  # of a damaged name
)
"""What onnxruntime raises for a graph that it cannot load or run; they have no common base."""

_IN_CPP = re.compile(
    r'\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : '
    r'|\S+\.(?:cc|cpp|h):\d+ [\w:<>~*&, ]*::[\w<>~]+(?:\(\))?\((?:[^()]|\([^()]*\))*\)'
    r'(?: const)?(?: \[with [^]]*\])? '
)
"""Where in the source of onnxruntime an error was raised, which says nothing to its user."""


class Tensor(NamedTuple):
    """An input or output as a card has it; a letter in the shape is an axis of any length."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


def open_session(
    model: bytes,
    path: Path,
    *,
    threads: int = 1,
    allow_spinning: bool = False,
    advice: str = f'make it anew with {MAKE}',
) -> onnxruntime.InferenceSession:
    """
    Load a graph for the CPU.

    :param model: the graph, with all its weights
    :param path: what an error names
    :param threads: how many threads one run may use
    :param allow_spinning: whether threads occupy their core while they wait for work
    :param advice: what an error says to do
    :raises ModelError: if onnxruntime refuses the graph
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_mem_pattern = False  # it keeps a plan for each shape of input it ever met
    options.add_session_config_entry(
        'session.intra_op.allow_spinning', '1' if allow_spinning else '0'
    )
    options.log_severity_level = 4  # errors come as exceptions, and would be printed besides
    try:
        session = onnxruntime.InferenceSession(
            model, sess_options=options, providers=['CPUExecutionProvider']
        )
        for describe in (session.get_inputs, session.get_outputs):
            _ = [(each.name, each.shape) for each in describe()]  # decodes each name
        _ = session.get_modelmeta().custom_metadata_map
    except SESSION_ERRORS as error:
        raise ModelError(
            f'{path}: expected a graph that onnxruntime {onnxruntime.__version__} can load, '
            f'got one that it refuses ({in_one_line(error)}); {advice}'
        ) from error
    return session


def check_signature(
    session: onnxruntime.InferenceSession,
    path: Path,
    expected_input: Tensor,
    expected_outputs: Sequence[Tensor],
) -> None:
    """
    Compare what a graph declares with what its card says.

    :param expected_input: the one input
    :param expected_outputs: outputs that must exist; others may
    :raises ModelError: naming the first that differs
    """
    inputs = {each.name: each for each in session.get_inputs()}
    if list(inputs) != [expected_input.name]:
        raise contradiction(path, f'one input {expected_input.name}', f'{list(inputs)}')
    _check(path, 'input', inputs[expected_input.name], expected_input)
    outputs = {each.name: each for each in session.get_outputs()}
    for tensor in expected_outputs:
        if tensor.name not in outputs:
            raise contradiction(path, f'an output {tensor.name}', f'{list(outputs)}')
        _check(path, 'output', outputs[tensor.name], tensor)


def contradiction(path: Path, expected: str, found: str) -> ModelError:
    """Return the error for a graph that differs from what its card says."""
    return ModelError(
        f'{path}: by its card expected {expected}, got {found}; make model and card together with '
        f'{MAKE}'
    )


def in_one_line(error: Exception) -> str:
    """Return what an error says without line breaks, and without the place in onnxruntime."""
    return _IN_CPP.sub('', ' '.join(str(error).split()))


def _check(path: Path, kind: str, found: onnxruntime.NodeArg, expected: Tensor) -> None:
    what = f'{kind} {expected.name}'
    graph_type = GRAPH_TYPES[expected.dtype]
    if found.type != graph_type:
        raise contradiction(path, f'{what} of type {graph_type}', f'{found.type}')
    fits = len(found.shape) == len(expected.shape) and all(
        # A free axis may not be fixed; a graph need not state the length of a fixed one.
        not isinstance(axis, int) or axis == size
        for axis, size in zip(found.shape, expected.shape, strict=True)
    )
    if not fits:
        free = ' and '.join(axis for axis in expected.shape if isinstance(axis, str))
        raise contradiction(
            path, f'{what} of shape {expected.shape} with {free} free', f'{found.shape}'
        )
