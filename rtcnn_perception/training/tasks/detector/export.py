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

"""Export a detector: calibrate it on held-out photographs, measure once, write the folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.models.precision import FLOAT
from rtcnn_perception.core.models.precision import INT8
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import photographs_in
from rtcnn_perception.training.engine.checkpoints import check_fingerprint
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models.detector import BOX_NUMBERS
from rtcnn_perception.training.models.detector import build_detector
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.detector import grouped
from rtcnn_perception.training.models.detector import LANDMARK_NUMBERS
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.models.exported_weights import fill_network
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.models.onnx_export import compared
from rtcnn_perception.training.models.onnx_export import traced
from rtcnn_perception.training.tasks import model_folder
from rtcnn_perception.training.tasks.detector import evaluate
from rtcnn_perception.training.tasks.detector import train
from rtcnn_perception.training.tasks.detector.calibration import build_in
from rtcnn_perception.training.tasks.detector.calibration import fit_calibration
from rtcnn_perception.training.tasks.detector.calibration import HEIGHT
from rtcnn_perception.training.tasks.detector.calibration import ScoreCalibration
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.config import MULTIPLE
from rtcnn_perception.training.tasks.detector.eight_bits import CALIBRATION
from rtcnn_perception.training.tasks.detector.eight_bits import in_eight_bits
from rtcnn_perception.training.tasks.detector.eight_bits import score_changes
from rtcnn_perception.training.tasks.detector.figures import average_precisions
from rtcnn_perception.training.tasks.detector.figures import matched_scores
from rtcnn_perception.training.tasks.detector.loss import anchors_of
from rtcnn_perception.training.tasks.detector.page import COUNTED_HW
from rtcnn_perception.training.tasks.detector.page import model_page
from rtcnn_perception.training.tasks.detector.parts import configured_photographs
from rtcnn_perception.training.tasks.detector.parts import photograph_fingerprints
from rtcnn_perception.training.tasks.detector.predictions import MIN_HEIGHTS
from rtcnn_perception.training.tasks.detector.predictions import NEUTRAL
from rtcnn_perception.training.tasks.detector.predictions import predict_faces
from rtcnn_perception.training.tasks.detector.predictions import Predictions
from rtcnn_perception.training.tasks.detector.scenes.batches import to_pixels
import torch
from torch import nn
from torch import Tensor

INPUT_NAME = 'image'
OUTPUT_NAMES = ('score', 'box', 'landmarks')
WIDTH = 320
"""Default detection width in pixels, as YuNet's here; the score is calibrated there."""

MEASURED_WIDTHS = (320, 416)
PARITY_SIZES = ((64, 96), (256, 320))
PARITY_IMAGES = 16


class PixelsToFaces(nn.Module):
    """A detector with the scaling of pixels and its score as a probability."""

    def __init__(self, network: FaceNetwork) -> None:
        """Wrap a network."""
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return score (1, N), box (1, N, 4), landmarks (1, N, 10) of (1, H, W, 3) uint8."""
        groups = grouped(image).float() * (2.0 / 255.0) - 1.0  # as to_pixels, in the fewest steps
        score, box, landmarks = self.network.of_groups(groups)
        return score.sigmoid(), box, landmarks


class CalibratedFaces(PixelsToFaces):
    """The same with its score calibrated explicitly, to compare with the built-in calibration."""

    def __init__(self, network: FaceNetwork, calibration: ScoreCalibration) -> None:
        """Wrap a network."""
        super().__init__(network)
        self.calibration = calibration

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what :class:`PixelsToFaces` does."""
        score, box, landmarks = self.network(to_pixels(image))
        slope, offset, growth = self.calibration
        strides = anchors_of((image.shape[1], image.shape[2]))[1][:, 0]
        heights = box[..., 3].exp() * strides
        logit = score * slope + offset + growth * (heights / HEIGHT).log()
        return logit.sigmoid(), box, landmarks


def detector_to_onnx(
    network: FaceNetwork, calibration: ScoreCalibration, half: bool
) -> tuple[bytes, dict[str, Any]]:
    """
    Export a network and compare it with PyTorch.

    :param half: store weights as float16; they are computed with as float32
    :returns: as :func:`compared`
    :raises ModelError: likewise
    """
    calibrated = folded(network)
    build_in(calibration, calibrated)
    model = traced(
        PixelsToFaces(calibrated),
        torch.zeros((1, 64, 96, 3), dtype=torch.uint8),
        {INPUT_NAME: {1: 'height', 2: 'width'}},
        {name: {1: 'anchors'} for name in OUTPUT_NAMES},
    )
    for info, numbers in zip(
        model.graph.output,
        ((), (BOX_NUMBERS,), (LANDMARK_NUMBERS,)),
        strict=True,
    ):
        axes = info.type.tensor_type.shape.dim  # tracing leaves axes of fixed size unnamed
        for axis, size in zip((axes[0], *axes[2:]), (1, *numbers), strict=True):
            axis.dim_value = size
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
        for height, width in PARITY_SIZES
        for _ in range(PARITY_IMAGES)
    ]
    return compared(model, CalibratedFaces(network, calibration), images, half)


def export_detector(
    checkpoint: Path,
    folder: Path,
    *,
    name: str | None,
    half: bool,
    int8: Sequence[str] | None = None,
    command: str,
) -> Path:
    """
    Export a checkpoint, with card and page.

    The score is calibrated to how likely a prediction is a face in the ``val`` part; the test
    photographs, where the configuration names any, are evaluated once.

    :param half: store weights as float16; they are computed with as float32
    :param int8: write a graph in eight bits as well, calibrated with photographs of this data;
        empty for that of the configuration
    :param command: the command line; the card has it behind the trainings that came before
    :returns: where the graph lies
    :raises PerceptionError: if the checkpoint, the data or the result is not fit
    """
    values = load_checkpoint(checkpoint)
    config = from_mapping(DetectorTrainConfig, values['config'], checkpoint.name)
    network = build_detector(config.detector)
    fill_network(network, values['average'], checkpoint)
    network.eval()
    photographs, test, _ = configured_photographs(config)
    found = photograph_fingerprints(photographs, test)
    check_fingerprint(values, found, checkpoint, model_folder.OTHER_DATA)
    held_out = [each for each in photographs if each.split == 'val']
    calibrating = photographs_in(int8) if int8 else photographs
    shown = None if int8 is None else [each for each in calibrating if each.split == 'train']
    provenance = provenance_of(checkpoint)

    def made(calibration: ScoreCalibration) -> tuple[bytes, dict[str, Any]]:
        content, deviations = detector_to_onnx(network, calibration, half)
        return content, model_folder.make_card(
            DetectorCard.KIND,
            content,
            network,
            (network.spec.channels, *COUNTED_HW),
            name=name or config.name,
            half=half,
            data=provenance.data,
            command=provenance.then(command),
            input={
                'name': INPUT_NAME,
                'channels': 'bgr',
                'dtype': 'uint8',
                'multiple': MULTIPLE,
            },
            strides=list(STRIDES),
            nms_iou=train.NMS_IOU,
            width=WIDTH,
            outputs={each: each for each in OUTPUT_NAMES},
            score_calibration={k: round(v, 4) for k, v in calibration._asdict().items()},
            **deviations,
        )

    def measured(model: Path) -> dict[str, float]:
        figures = _average_precisions(model, held_out, WIDTH, 'held_out_')
        for width in MEASURED_WIDTHS if test else ():
            figures |= _average_precisions(model, test, width)
        return figures

    with tempfile.TemporaryDirectory() as scratch:
        model = model_folder.write_model(*made(ScoreCalibration()), '', Path(scratch))
        predictions = _predictions(model, held_out, WIDTH, train.LEAST_SCORE)
    content, card = made(_fitted(held_out, predictions))
    in_int8 = None if shown is None else add_int8(content, card, shown, held_out)
    return model_folder.write_measured(
        content, card, measured, partial(model_page, config=config), folder, int8=in_int8
    )


def add_int8(
    content: bytes, card: dict[str, Any], shown: list[Photograph], held_out: list[Photograph]
) -> bytes:
    """
    Return the graph in eight bits, and name it in the card with what it costs.

    :param shown: photographs of the training part, for the ranges
    :raises PerceptionError: if they, or the graph, are not fit
    """
    graph = in_eight_bits(content, shown)
    calibration = {'photographs': min(len(shown), CALIBRATION), 'part': 'train'}
    model_folder.name_int8(card, graph, {'calibration': calibration})
    with tempfile.TemporaryDirectory() as scratch:
        model = model_folder.write_model(content, card, '', Path(scratch), int8=graph)
        figures = _average_precisions(model, held_out, WIDTH, 'held_out_', INT8)
    rounded = {name: round(value, 4) for name, value in figures.items()}
    card['int8']['parity'] = {**rounded, **score_changes(content, graph, held_out)}
    return graph


def _predictions(
    model: Path,
    photographs: list[Photograph],
    width: int,
    least_score: float,
    precision: str = FLOAT,
) -> list[Predictions]:
    config = DetectorConfig('rtcnn', '', width, least_score, precision=precision)
    detector = RtcnnDetector.load(model, config)
    return list(predict_faces(detector, photographs, width))


def _average_precisions(
    model: Path,
    photographs: list[Photograph],
    width: int,
    kind: str = '',
    precision: str = FLOAT,
) -> dict[str, float]:
    least = evaluate.LEAST_SCORE
    predictions = _predictions(model, photographs, width, least, precision)
    return {
        f'{kind}{name}_at_{width}': value
        for name, value in average_precisions(photographs, predictions, train.MIN_IOU).items()
    }


def _fitted(photographs: list[Photograph], predictions: list[Predictions]) -> ScoreCalibration:
    scores, matched, _ = matched_scores(photographs, predictions, MIN_HEIGHTS[0], train.MIN_IOU)
    heights = [
        (predicted.boxes[:, 3] - predicted.boxes[:, 1]) * (WIDTH / photograph.width)
        for photograph, predicted in zip(photographs, predictions, strict=True)
    ]
    counted = matched != NEUTRAL
    return fit_calibration(
        scores[counted], np.concatenate([*heights, np.empty(0)])[counted], matched[counted] >= 0
    )
