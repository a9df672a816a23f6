"""From a trained detector to a folder the pipeline loads: calibrate, judge once, write."""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
import math
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
from rtcnn_perception.core.detector_protocol import DetectorConfig
from rtcnn_perception.core.model_card import CARD_FORMAT
from rtcnn_perception.core.rtcnn import RtcnnDetector
from rtcnn_perception.training.checkpoints import fill_network
from rtcnn_perception.training.checkpoints import load_checkpoint
from rtcnn_perception.training.config import from_mapping
from rtcnn_perception.training.counts import keras_parameters
from rtcnn_perception.training.counts import multiply_accumulates
from rtcnn_perception.training.data import find_data
from rtcnn_perception.training.detection.average_precision import PrecisionRecall
from rtcnn_perception.training.detection.detector_config import DetectorTrainConfig
from rtcnn_perception.training.detection.detector_figures import curve
from rtcnn_perception.training.detection.detector_figures import MIN_HEIGHTS
from rtcnn_perception.training.detection.face_network import BOX_NUMBERS
from rtcnn_perception.training.detection.face_network import build_detector
from rtcnn_perception.training.detection.face_network import FaceNetwork
from rtcnn_perception.training.detection.face_network import LANDMARK_NUMBERS
from rtcnn_perception.training.detection.face_network import STRIDES
from rtcnn_perception.training.detection.marks import mark_faces
from rtcnn_perception.training.detection.photographs import Photograph
from rtcnn_perception.training.detection.photographs import read_photographs
from rtcnn_perception.training.detection.scene_batches import to_pixels
from rtcnn_perception.training.detection.train_detector import LEAST_SCORE
from rtcnn_perception.training.detection.train_detector import MIN_IOU
from rtcnn_perception.training.detection.train_detector import MULTIPLE
from rtcnn_perception.training.detection.train_detector import SUPPRESSION_IOU
from rtcnn_perception.training.export import MODEL_NAME
from rtcnn_perception.training.export import write_model
from rtcnn_perception.training.folding import folded
from rtcnn_perception.training.onnx_graph import checked
from rtcnn_perception.training.onnx_graph import deviation
from rtcnn_perception.training.onnx_graph import open_session
from rtcnn_perception.training.onnx_graph import OPSET
from rtcnn_perception.training.onnx_graph import tolerated
from rtcnn_perception.training.onnx_graph import traced
import torch
from torch import nn
from torch import Tensor

INPUT_NAME = 'image'
OUTPUT_NAMES = ('score', 'box', 'landmarks')
WIDTH = 320
"""Pixels of detection where none are asked for, as YuNet's here; the score is calibrated there."""

COUNTED_HW = (256, 320)
"""Of the input for which multiply-accumulates are counted: 640x480 at that width, padded."""

JUDGED_WIDTHS = (320, 416)
PARITY_SIZES = ((64, 96), (256, 320))
PARITY_IMAGES = 16

PHOTOGRAPH_TERMS = (
    'photographs of public collections, marked by YuNet (MIT); research data, not distributed here'
)


class PixelsToFaces(nn.Module):
    """The network with its scaling before it and its calibrated score behind."""

    def __init__(self, network: FaceNetwork, shift: float) -> None:
        """Wrap a network; ``shift`` is added to the score's logit."""
        super().__init__()
        self.network, self.shift = network, shift

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return score (1, N), box (1, N, 4), landmarks (1, N, 10) of (1, H, W, 3) uint8."""
        score, box, landmarks = self.network(to_pixels(image))
        return (score + self.shift).sigmoid(), box, landmarks


def detector_to_onnx(network: FaceNetwork, shift: float, half: bool) -> tuple[bytes, float]:
    """
    Export a network and check what came out.

    :param shift: added to the score's logit
    :param half: store weights as float16; they are computed with as float32
    :returns: the serialised graph and the largest deviation from PyTorch
    :raises ModelError: if the graph is invalid or deviates by more than 1e-4
    """
    wrapped = PixelsToFaces(folded(network, half), shift).eval()
    example = torch.zeros((1, 64, 96, 3), dtype=torch.uint8)
    model = traced(
        wrapped,
        example,
        {INPUT_NAME: {1: 'height', 2: 'width'}},
        {name: {1: 'cells'} for name in OUTPUT_NAMES},
        half,
    )
    for info, numbers in zip(
        model.graph.output, ((), (BOX_NUMBERS,), (LANDMARK_NUMBERS,)), strict=True
    ):
        axes = info.type.tensor_type.shape.dim  # tracing leaves those unnamed that do not vary
        for axis, size in zip((axes[0], *axes[2:]), (1, *numbers), strict=True):
            axis.dim_value = size
    content = checked(model)
    session = open_session(content)
    rng = np.random.default_rng(0)
    worst = [0.0]
    for height, width in PARITY_SIZES:
        for _ in range(PARITY_IMAGES):
            image = rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
            worst.append(deviation(session, wrapped, INPUT_NAME, image))
    return content, tolerated(float(np.max(worst)))


def export_detector(checkpoint: Path, folder: Path, *, name: str | None, half: bool) -> Path:
    """
    Export a checkpoint, with card and page.

    The score is shifted so that the default threshold lies where precision and recall on the
    ``val`` part balance best; the test photographs, where the configuration names any, are judged
    once.

    :returns: where the graph lies
    :raises PerceptionError: if the checkpoint, the data or the result is not fit
    """
    values = load_checkpoint(checkpoint)
    config = from_mapping(DetectorTrainConfig, values['config'], checkpoint.name)
    network = build_detector(config.detector)
    fill_network(network, values['average'], checkpoint)
    network.eval()
    photographs = read_photographs(find_data(config.photographs))
    held_out = [photograph for photograph in photographs if photograph.split == 'val']
    with tempfile.TemporaryDirectory() as scratch:
        trial = Path(scratch)
        write_model(*_graph_and_card(network, config, 0.0, half), '', trial)
        shift = score_shift(_curve(trial, held_out, WIDTH), DetectorConfig.min_score)
        content, card = _graph_and_card(network, config, shift, half)
        write_model(content, card, '', trial)
        metrics = {
            'held_out_average_precision_20': _curve(trial, held_out, WIDTH).average_precision
        }
        if config.test:
            judged = read_photographs(find_data(config.test))
            for width in JUDGED_WIDTHS:
                for height in MIN_HEIGHTS:
                    found = _curve(trial, judged, width, height)
                    metrics[f'average_precision_{height}_at_{width}'] = found.average_precision
    card['name'] = name or config.name
    card['metrics'] = {key: round(value, 4) for key, value in metrics.items()}
    card['command'] = (
        f'rtcnn_perception train {config.name} && '
        f'rtcnn_perception export runs/{config.name}/best.pt --output models/{folder.name}'
    )
    return write_model(content, card, detector_model_page(card), folder)


def score_shift(found: PrecisionRecall, threshold: float) -> float:
    """
    Return what to add to a score's logit so that the best balance falls on a threshold.

    :param found: precision and recall with the scores as they are
    :returns: 0 where no face was found
    """
    balance = 2 * found.precision * found.recall
    balance = balance / np.maximum(found.precision + found.recall, 1e-9)
    if not balance.any():
        return 0.0
    best = float(np.clip(found.scores[balance.argmax()], 1e-3, 1 - 1e-3))
    return math.log(threshold / (1 - threshold)) - math.log(best / (1 - best))


def _curve(
    folder: Path, photographs: list[Photograph], width: int, min_height: int = MIN_HEIGHTS[0]
) -> PrecisionRecall:
    detector = RtcnnDetector.load(folder, width=width, min_score=LEAST_SCORE)
    marks = list(mark_faces(detector, photographs, width))
    return curve(photographs, marks, min_height, MIN_IOU)[0]


def _graph_and_card(
    network: FaceNetwork, config: DetectorTrainConfig, shift: float, half: bool
) -> tuple[bytes, dict[str, Any]]:
    """Return the graph and what ``model.json`` holds; ``core.detector_spec`` reads it."""
    content, worst = detector_to_onnx(network, shift, half)
    return content, {
        'format': CARD_FORMAT,
        'name': config.name,
        'file': MODEL_NAME,
        'sha256': hashlib.sha256(content).hexdigest(),
        'opset': OPSET,
        'input': {'name': INPUT_NAME, 'channels': 'bgr', 'dtype': 'uint8', 'multiple': MULTIPLE},
        'strides': list(STRIDES),
        'suppression_iou': SUPPRESSION_IOU,
        'width': WIDTH,
        'outputs': {name: name for name in OUTPUT_NAMES},
        'architecture': network.name,
        'parameters': keras_parameters(network),
        'multiply_accumulates': multiply_accumulates(network, COUNTED_HW),
        'weights': 'float16, computed with as float32' if half else 'float32',
        'score_shift': round(shift, 4),
        'data': [{'name': config.photographs, 'terms': PHOTOGRAPH_TERMS}],
        'largest_deviation_from_pytorch': float(f'{worst:.1e}'),
    }


def detector_model_page(card: Mapping[str, Any]) -> str:
    """Return Markdown that says what the card says."""
    lines = [
        f'# {card["name"]}',
        '',
        'Finds faces: for each a score, a box from forehead to chin, and five landmarks.',
        '',
        '| | |',
        '| --- | --- |',
        f'| Architecture | `{card["architecture"]}` |',
        f'| Parameters | {card["parameters"]:,} ({card["weights"]}) |',
        f'| Multiply-accumulates of {COUNTED_HW[1]}x{COUNTED_HW[0]} pixels | '
        f'{card["multiply_accumulates"]:,} |',
        '| Input | any multiple of 32 by another, colour (blue first), uint8 |',
        f'| sha256 | `{card["sha256"]}` |',
        '',
        '## Measured',
        '',
        'Average precision at an overlap of 0.4, of faces of 20 or 40 pixels and more; '
        '"held out" against the marks of the teacher, the others against those of people:',
        '',
        '| | |',
        '| --- | --- |',
    ]
    lines += [
        f'| {name.replace("_", " ")} | {value:.4f} |' for name, value in card['metrics'].items()
    ]
    lines += ['', '## Data', '']
    lines += [f'- {entry["name"]}: {entry["terms"]}.' for entry in card['data']]
    lines += ['', '## Made by', '', '```', card['command'], '```', '', '## Limits', '']
    lines += [
        'It learnt from the marks of another detector, whose errors it may repeat. Whose faces it '
        'finds less often is not known: the photographs say nothing about the people in them.'
    ]
    return '\n'.join(lines) + '\n'
