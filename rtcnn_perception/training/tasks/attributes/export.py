"""Write a model the pipeline can load: graph, card and a page for people, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
import tempfile
from typing import Any

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.card import CARD_FORMAT
from rtcnn_perception.core.models.card import CARD_NAME
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.costs import keras_parameters
from rtcnn_perception.training.models.costs import multiply_accumulates
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
from rtcnn_perception.training.models.onnx_export import OPSET
from rtcnn_perception.training.models.onnx_export import to_onnx
from rtcnn_perception.training.tasks.attributes.model_page import model_page

MODEL_NAME = 'model.onnx'


@dataclass(frozen=True)
class ExportRequest:
    """
    All that an exported model says about itself beside its weights.

    ``data`` has the name and the terms of each source.
    """

    name: str
    labels: Mapping[str, tuple[str, ...]]
    geometry: CropGeometry
    temperatures: Mapping[str, float]
    data: Sequence[Mapping[str, str]]
    command: str
    half: bool = True


def make_card(network: Network, request: ExportRequest, content: bytes) -> dict[str, Any]:
    """Return what ``model.json`` holds; ``core.model_spec`` reads it."""
    height, width = network.spec.input_hw
    return {
        'format': CARD_FORMAT,
        'name': request.name,
        'file': MODEL_NAME,
        'sha256': hashlib.sha256(content).hexdigest(),
        'opset': OPSET,
        'input': {
            'name': INPUT_NAME,
            'size_hw': [height, width],
            'channels': 'gray',
            'dtype': 'uint8',
            'scale': 1.0,
            'offset': 0.0,
        },
        'crop': asdict(request.geometry),
        'heads': [
            {
                'attribute': name,
                'output': name,
                'labels': list(request.labels[name]),
                'temperature': round(request.temperatures[name], 4),
            }
            for name in network.classes
        ],
        'architecture': network.name,
        'parameters': keras_parameters(network),
        'multiply_accumulates': multiply_accumulates(network, network.spec.input_hw),
        'weights': 'float16, computed with as float32' if request.half else 'float32',
        'data': list(request.data),
        'metrics': {},
        'command': request.command,
    }


def export(
    network: Network,
    request: ExportRequest,
    folder: Path,
    measure: Callable[[Path], Mapping[str, float]] = lambda _model: {},
) -> Path:
    """
    Export a trained network.

    The folder's files are replaced only after every check has passed.

    :param measure: returns the figures of the model that lies at a path, for the card
    :returns: where the graph lies
    :raises ModelError: if the graph is invalid or deviates from PyTorch
    :raises ConfigurationError: if the folder cannot be written to
    """
    content, deviations = to_onnx(network, request.temperatures, request.half)
    card = make_card(network, request, content) | deviations
    with tempfile.TemporaryDirectory() as scratch:
        card['metrics'] = rounded(measure(write_model(content, card, '', Path(scratch))))
    return write_model(content, card, model_page(card), folder)


def rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return figures as a card has them."""
    return {name: round(value, 4) for name, value in metrics.items()}


def write_model(content: bytes, card: Mapping[str, Any], page: str, folder: Path) -> Path:
    """
    Write a graph, its card and its page, all or nothing.

    :returns: where the graph lies
    :raises ConfigurationError: if the folder cannot be written to
    """
    text = json.dumps(card, indent=2) + '\n'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.export-', dir=folder) as beside:
            unfinished = Path(beside)
            (unfinished / MODEL_NAME).write_bytes(content)
            (unfinished / CARD_NAME).write_text(text, encoding='utf-8')
            (unfinished / 'README.md').write_text(page, encoding='utf-8')
            for name in (MODEL_NAME, CARD_NAME, 'README.md'):
                (unfinished / name).chmod(0o644)
                (unfinished / name).replace(folder / name)
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error
    return folder / MODEL_NAME
