"""From a trained detector to a folder the pipeline loads: calibrate, judge once, write."""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.models.card import CARD_FORMAT
from rtcnn_perception.training.data.load import find_data
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.engine.checkpoints import fill_network
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models.costs import keras_parameters
from rtcnn_perception.training.models.costs import multiply_accumulates
from rtcnn_perception.training.models.detector import BOX_NUMBERS
from rtcnn_perception.training.models.detector import build_detector
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.detector import LANDMARK_NUMBERS
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.models.onnx_export import agreeing
from rtcnn_perception.training.models.onnx_export import OPSET
from rtcnn_perception.training.models.onnx_export import traced
from rtcnn_perception.training.tasks.attributes.export import MODEL_NAME
from rtcnn_perception.training.tasks.attributes.export import rounded
from rtcnn_perception.training.tasks.attributes.export import write_model
from rtcnn_perception.training.tasks.attributes.model_page import figures_and_origin
from rtcnn_perception.training.tasks.detector import evaluate as evaluate_detector
from rtcnn_perception.training.tasks.detector import train as train_detector
from rtcnn_perception.training.tasks.detector.calibration import build_in
from rtcnn_perception.training.tasks.detector.calibration import fit_calibration
from rtcnn_perception.training.tasks.detector.calibration import HEIGHT
from rtcnn_perception.training.tasks.detector.calibration import ScoreCalibration
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.figures import curve
from rtcnn_perception.training.tasks.detector.figures import MIN_HEIGHTS
from rtcnn_perception.training.tasks.detector.figures import scored_answers
from rtcnn_perception.training.tasks.detector.loss import cells_of
from rtcnn_perception.training.tasks.detector.metrics import NEUTRAL
from rtcnn_perception.training.tasks.detector.predictions import mark_faces
from rtcnn_perception.training.tasks.detector.predictions import Marks
from rtcnn_perception.training.tasks.detector.scenes.batches import to_pixels
from rtcnn_perception.training.tasks.detector.train import MIN_IOU
from rtcnn_perception.training.tasks.detector.train import MULTIPLE
from rtcnn_perception.training.tasks.detector.train import SUPPRESSION_IOU
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


class PixelsToFaces(nn.Module):
    """The network with its scaling before it and its score made a probability behind."""

    def __init__(self, network: FaceNetwork) -> None:
        """Wrap a network."""
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return score (1, N), box (1, N, 4), landmarks (1, N, 10) of (1, H, W, 3) uint8."""
        score, box, landmarks = self.network(to_pixels(image))
        return score.sigmoid(), box, landmarks


class CalibratedFaces(PixelsToFaces):
    """The same with its score calibrated in the open, to compare with what has that built in."""

    def __init__(self, network: FaceNetwork, calibration: ScoreCalibration) -> None:
        """Wrap a network."""
        super().__init__(network)
        self.calibration = calibration

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what :class:`PixelsToFaces` does."""
        score, box, landmarks = self.network(to_pixels(image))
        slope, offset, growth = self.calibration
        strides = cells_of((image.shape[1], image.shape[2]))[1][:, 0]
        heights = box[..., 3].exp() * strides
        logit = score * slope + offset + growth * (heights / HEIGHT).log()
        return logit.sigmoid(), box, landmarks


def detector_to_onnx(
    network: FaceNetwork, calibration: ScoreCalibration, half: bool
) -> tuple[bytes, dict[str, Any]]:
    """
    Export a network and check what came out.

    :param half: store weights as float16; they are computed with as float32
    :returns: as :func:`agreeing`
    :raises ModelError: likewise
    """
    calibrated = folded(network)
    build_in(calibration, calibrated)
    model = traced(
        PixelsToFaces(calibrated),
        torch.zeros((1, 64, 96, 3), dtype=torch.uint8),
        {INPUT_NAME: {1: 'height', 2: 'width'}},
        {name: {1: 'cells'} for name in OUTPUT_NAMES},
    )
    for info, numbers in zip(
        model.graph.output, ((), (BOX_NUMBERS,), (LANDMARK_NUMBERS,)), strict=True
    ):
        axes = info.type.tensor_type.shape.dim  # tracing leaves those unnamed that do not vary
        for axis, size in zip((axes[0], *axes[2:]), (1, *numbers), strict=True):
            axis.dim_value = size
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
        for height, width in PARITY_SIZES
        for _ in range(PARITY_IMAGES)
    ]
    return agreeing(model, CalibratedFaces(network, calibration), images, half)


def export_detector(
    checkpoint: Path, folder: Path, *, name: str | None, half: bool, command: str
) -> Path:
    """
    Export a checkpoint, with card and page.

    The score is made to say how likely a mark is a face in the ``val`` part; the test
    photographs, where the configuration names any, are judged once.

    :param command: what asks for this; the card has it behind the trainings that came before
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
        write_model(*_graph_and_card(network, config, ScoreCalibration(), half), '', trial)
        marks = _marks(trial, held_out, WIDTH, train_detector.LEAST_SCORE)
        content, card = _graph_and_card(network, config, _fitted(held_out, marks), half)
        write_model(content, card, '', trial)
        metrics = _precisions(trial, held_out, WIDTH, 'held_out_')
        if config.test:
            judged = read_photographs(find_data(config.test))
            for width in JUDGED_WIDTHS:
                metrics |= _precisions(trial, judged, width)
    card['name'] = name or config.name
    provenance = provenance_of(checkpoint)
    card['data'] = provenance.data
    card['metrics'] = rounded(metrics)
    card['command'] = provenance.then(command)
    return write_model(content, card, detector_model_page(card), folder)


def _marks(
    folder: Path, photographs: list[Photograph], width: int, least_score: float
) -> list[Marks]:
    detector = RtcnnDetector.load(folder, width=width, min_score=least_score)
    return list(mark_faces(detector, photographs, width))


def _precisions(
    folder: Path, photographs: list[Photograph], width: int, kind: str = ''
) -> dict[str, float]:
    marks = _marks(folder, photographs, width, evaluate_detector.LEAST_SCORE)
    return {
        f'{kind}average_precision_{height}_at_{width}': curve(photographs, marks, height, MIN_IOU)[
            0
        ].average_precision
        for height in MIN_HEIGHTS
    }


def _fitted(photographs: list[Photograph], marks: list[Marks]) -> ScoreCalibration:
    scores, answers, _ = scored_answers(photographs, marks, MIN_HEIGHTS[0], MIN_IOU)
    heights = [
        (marked.boxes[:, 3] - marked.boxes[:, 1]) * (WIDTH / photograph.width)
        for photograph, marked in zip(photographs, marks, strict=True)
    ]
    counted = answers != NEUTRAL
    return fit_calibration(
        scores[counted], np.concatenate([*heights, np.empty(0)])[counted], answers[counted] >= 0
    )


def _graph_and_card(
    network: FaceNetwork, config: DetectorTrainConfig, calibration: ScoreCalibration, half: bool
) -> tuple[bytes, dict[str, Any]]:
    """Return the graph and what ``model.json`` holds; ``core.detector_spec`` reads it."""
    content, deviations = detector_to_onnx(network, calibration, half)
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
        'score_calibration': {k: round(v, 4) for k, v in calibration._asdict().items()},
        **deviations,
    }


def detector_model_page(card: Mapping[str, Any]) -> str:
    """Return Markdown that says what the card says."""
    sources = [entry['name'] for entry in card['data']]
    is_taught = 'detection/train' in sources
    teacher = ', in `detection/train` those of another detector' if is_taught else ''
    marks = '; "held out" against the marks of the teacher, the others against those of people'
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
        *figures_and_origin(
            card,
            f'Average precision at an overlap of {MIN_IOU:g}, of faces of '
            f'{" or ".join(map(str, MIN_HEIGHTS))} pixels and more{marks if is_taught else ""}:',
        ),
        f'It may repeat the errors of the marks it learnt from{teacher}. Whose faces it finds '
        'less often was not measured.',
    ]
    return '\n'.join(lines) + '\n'
