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

"""The folder of an exported model: graph, card and a page for people, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import hashlib
import json
from pathlib import Path
import tempfile
from typing import Any

from rtcnn_perception.core.models.card import CARD_FORMAT
from rtcnn_perception.core.models.card import CARD_NAME
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.onnx_export import OPSET
from rtcnn_perception.training.tasks.folder_files import GRAPH_NAME
from rtcnn_perception.training.tasks.folder_files import INT8_NAME
from rtcnn_perception.training.tasks.folder_files import NOTES
from rtcnn_perception.training.tasks.folder_files import PAGE_NAME
import torch
from torch import nn
from torch import Tensor

OTHER_DATA = (
    'Bring that data back, or train again: it would be measured on what it may have learnt from'
)
"""What to do where a network is to be exported, and its data has changed."""


def make_card(
    kind: str,
    content: bytes,
    network: nn.Module,
    input_shape: tuple[int, int, int],
    *,
    name: str,
    half: bool,
    data: Sequence[Mapping[str, str]],
    command: str,
    **own: Any,
) -> dict[str, Any]:
    """
    Return what ``model.json`` holds, whatever the kind of model.

    :param kind: of the card
    :param content: the graph
    :param input_shape: channels, height and width, for which operations are counted
    :param half: whether weights are stored as float16
    :param data: name and terms of each source
    :param own: the fields of this kind
    """
    return {
        'format': CARD_FORMAT,
        'kind': kind,
        'name': name,
        'file': GRAPH_NAME,
        'sha256': hashlib.sha256(content).hexdigest(),
        'opset': OPSET,
        **own,
        'architecture': network.name,
        'parameters': keras_parameters(network),
        'multiply_accumulates': multiply_accumulates(network, input_shape),
        'weights': 'float16, computed with as float32' if half else 'float32',
        'data': list(data),
        'metrics': {},
        'command': command,
    }


def name_int8(card: dict[str, Any], content: bytes, facts: Mapping[str, Any]) -> None:
    """
    Name the graph in eight bits in a card.

    :param facts: of its calibration and of its parity with the float graph
    """
    digest = hashlib.sha256(content).hexdigest()
    card['int8'] = {'file': INT8_NAME, 'sha256': digest, **facts}


def write_model(
    content: bytes,
    card: Mapping[str, Any],
    page: str,
    folder: Path,
    *,
    int8: bytes | None = None,
) -> Path:
    """
    Write a graph, its card and its page, all or nothing.

    What stands on a page that is there below the heading ``NOTES`` is kept.

    :param int8: the graph in eight bits that the card names; without one, an old one is removed
    :returns: where the graph lies
    :raises ConfigurationError: if the folder cannot be written to
    """
    text = json.dumps(card, indent=2) + '\n'
    page += _notes_in(folder)
    files = {GRAPH_NAME: content, CARD_NAME: text.encode(), PAGE_NAME: page.encode()}
    if int8 is not None:
        files[INT8_NAME] = int8
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.export-', dir=folder) as beside:
            unfinished = Path(beside)
            for name, written in files.items():
                (unfinished / name).write_bytes(written)
                (unfinished / name).chmod(0o644)
            for name in files:
                (unfinished / name).replace(folder / name)
        if int8 is None:
            (folder / INT8_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error
    return folder / GRAPH_NAME


def _notes_in(folder: Path) -> str:
    try:
        _, heading, notes = (folder / PAGE_NAME).read_text('utf-8').partition(f'\n{NOTES}\n')
    except (OSError, UnicodeDecodeError):
        return ''  # no page, or none that was written here
    return heading + notes


def write_measured(
    content: bytes,
    card: dict[str, Any],
    measured: Callable[[Path], Mapping[str, float]],
    page: Callable[[Mapping[str, Any]], str],
    folder: Path,
    *,
    int8: bytes | None = None,
) -> Path:
    """
    Measure a model as it is written, and write it with its figures in the card; all or nothing.

    :param measured: returns the figures of the model that lies at a path
    :param page: returns the page for a card
    :param int8: the graph in eight bits that the card names
    :returns: where the graph lies
    :raises ConfigurationError: if the folder cannot be written to
    """
    with tempfile.TemporaryDirectory() as scratch:
        figures = measured(write_model(content, card, '', Path(scratch), int8=int8))
    card['metrics'] = {name: round(value, 4) for name, value in figures.items()}
    return write_model(content, card, page(card), folder, int8=int8)


def page_of(
    card: Mapping[str, Any],
    summary: Sequence[str],
    facts: Sequence[tuple[str, str]],
    measured_on: str,
    limits: Sequence[str],
) -> str:
    """
    Return the page of a model as Markdown.

    :param summary: lines that say what it does
    :param facts: rows of the table below, beside those of every card
    :param measured_on: what the figures were measured on
    :param limits: paragraphs on what the predictions are worth
    """
    rows = [
        ('Architecture', f'`{card["architecture"]}`'),
        ('Parameters', f'{card["parameters"]:,} ({card["weights"]})'),
        *facts,
        ('sha256', f'`{card["sha256"]}`'),
    ]
    figures = [
        f'| {name.replace("_", " ")} | {value:.4f} |' for name, value in card['metrics'].items()
    ]
    measured = ['', '## Measured', '', measured_on, '', '| | |', '| --- | --- |', *figures]
    lines = [
        f'# {card["name"]}',
        '',
        *summary,
        '',
        '| | |',
        '| --- | --- |',
        *(f'| {name} | {value} |' for name, value in rows),
        *(measured if figures else ()),
        '',
        '## Data',
        '',
        *(f'- {entry["name"]}: {entry["terms"]}.' for entry in card['data']),
        '',
        '## Made by',
        '',
        '```',
        card['command'],
        '```',
        '',
        '## Limits',
        '',
        *(f'{text}\n' for text in limits),
    ]
    return '\n'.join(lines).rstrip() + '\n'


def keras_parameters(network: nn.Module) -> int:
    """Count weights, biases and the moving statistics of batch normalisation, as Keras does."""
    weights = sum(p.numel() for p in network.parameters())
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return weights + sum(2 * norm.num_features for norm in norms)


def multiply_accumulates(network: nn.Module, input_shape: tuple[int, int, int]) -> int:
    """
    Count the multiply-accumulates of one picture in convolutions and linear layers.

    Normalisation is left out, as it is folded into the convolutions when a network is exported.

    :param input_shape: channels, height and width
    """
    total = 0

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = module.get_parameter('weight')
        total += output[0].numel() * weight[0].numel()

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    handles = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, *input_shape))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return total
