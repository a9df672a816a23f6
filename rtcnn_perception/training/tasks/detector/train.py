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

"""Train a detector: scenes, network, epochs, the best and the last state on disk."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
import time
from typing import Any

import numpy as np
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.detection.grid import AnchorGrid
from rtcnn_perception.core.detection.rtcnn import MAX_CANDIDATES
from rtcnn_perception.core.geometry.boxes import non_maximum_suppression
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import read_fields
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.batches import prepared_ahead
from rtcnn_perception.training.data.photographs import FacePicture
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.splits import fingerprint
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.loop import choose_device
from rtcnn_perception.training.engine.loop import end_epoch
from rtcnn_perception.training.engine.loop import open_log
from rtcnn_perception.training.engine.loop import say_complete
from rtcnn_perception.training.engine.loop import take_steps
from rtcnn_perception.training.engine.state import start_or_resume
from rtcnn_perception.training.models.detector import build_detector
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.models.exported_weights import fill_exported
from rtcnn_perception.training.models.exported_weights import fill_network
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.exported_weights import settle_norms
from rtcnn_perception.training.tasks.detector.assignment import Annotations
from rtcnn_perception.training.tasks.detector.calibration import build_in
from rtcnn_perception.training.tasks.detector.calibration import calibration_of
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.figures import average_precisions
from rtcnn_perception.training.tasks.detector.loss import detector_loss
from rtcnn_perception.training.tasks.detector.parts import check_pictures
from rtcnn_perception.training.tasks.detector.parts import photograph_fingerprints
from rtcnn_perception.training.tasks.detector.predictions import padded_input
from rtcnn_perception.training.tasks.detector.predictions import Predictions
from rtcnn_perception.training.tasks.detector.scenes.batches import SceneBatch
from rtcnn_perception.training.tasks.detector.scenes.batches import SceneBatches
from rtcnn_perception.training.tasks.detector.scenes.batches import to_pixels
from rtcnn_perception.training.tasks.detector.scenes.negatives import negative_weights
from rtcnn_perception.training.tasks.detector.scenes.process import SceneProcess
import torch
from torch import Tensor

MIN_IOU = 0.4
LEAST_SCORE = 0.02
"""Predictions below are neither evaluated while training nor used for calibration."""
NMS_IOU = 0.4
"""Of 0.3, 0.4 and 0.5 the best on the ``val`` part of the photographs, by 0.001."""

EXAMPLES = 32
"""Scenes from which the weights of an exported model get their statistics."""


def train_detector(
    config: DetectorTrainConfig,
    photographs: Sequence[Photograph],
    folder: Path,
    workers: int = 1,
    faces: Sequence[FacePicture] = (),
    *,
    test: Sequence[Photograph] = (),
    command: str = '',
) -> dict[str, float]:
    """
    Train a detector, or resume where ``folder`` has an unfinished run.

    Scenes are composed of the ``train`` part, and of ``faces`` as configured. Leaves ``last.pt``,
    ``best.pt``, ``history.json`` and TensorBoard's log in the folder, and ``start.pt`` where it
    started from weights: export makes the mean of both ends. The best epoch has the best average
    precision on the ``val`` part, in the mean over faces of 20 pixels and more and of 40 and more.

    :param test: photographs that the export evaluates on, of which the run only keeps which
    :param command: the command line, kept in the checkpoints
    :returns: the best epoch's figures on the ``val`` part
    :raises ConfigurationError: if there is no face to learn from, or none to evaluate on
    :raises DataError: if photographs are faulty
    :raises DivergenceError: if a loss is no finite number, naming the batch
    :raises ModelError: if the folder has the run of another configuration, or of other data
    """
    train_part, held_out = (
        [p for p in photographs if p.split == part] for part in ('train', 'val')
    )
    if not any(len(photograph.boxes) for photograph in held_out):
        raise ConfigurationError(
            'there is no face in the val part of the photographs; give some with faces the split '
            'val'
        )
    check_pictures([*photographs, *test])
    prints = photograph_fingerprints(photographs, test)
    prints['faces'] = fingerprint(face.digest() for face in faces)
    with SceneProcess(train_part, config.scenes, faces) as scenes:
        kept = {'fingerprint': prints, 'command': command}
        parts = train_part, held_out
        return _train(config, parts, scenes, folder=folder, workers=workers, kept=kept)


def _train(
    config: DetectorTrainConfig,
    parts: tuple[Sequence[Photograph], Sequence[Photograph]],
    scenes: SceneProcess,
    *,
    folder: Path,
    workers: int,
    kept: Mapping[str, Any],
) -> dict[str, float]:
    """Train on scenes as :func:`train_detector` says."""
    train_part, held_out = parts
    device = choose_device()
    torch.manual_seed(config.seed)
    network = build_detector(config.detector)

    def fill(path: Path) -> None:
        if not is_exported(path):
            fill_network(network, load_checkpoint(path)['average'], path)
            return
        fill_exported(network, DetectorCard.load(path))
        build_in(calibration_of(read_fields(card_path(path))).inverse, network)
        some = SceneBatches(scenes, steps=1, batch_size=EXAMPLES, parts=1, seed=config.seed)
        settle_norms(network, next(iter(some))[0].pixels)

    state = start_or_resume(
        network, config, folder, device=device, workers=workers, fill=fill, **kept
    )
    if state.epoch >= config.epochs:
        say_complete(state, folder)
    elif config.hard_negatives:
        start_network = build_detector(config.detector).eval()
        path = folder / 'start.pt'
        fill_network(start_network, load_checkpoint(path)['average'], path)
        negatives = [photograph for photograph in train_part if photograph.is_negative]
        weights = negative_weights(start_network, negatives, config.hard_negatives)
        scenes.weigh_negatives(weights)

    def step(replica: FaceNetwork, batch: SceneBatch) -> Tensor:
        annotations = Annotations(*(each.to(device) for each in batch.faces))
        pixels = batch.pixels.to(device)
        with torch.autocast(device, torch.bfloat16):
            outputs = replica(pixels)
        height, width = pixels.shape[2:]
        return detector_loss(outputs, annotations, (height, width), config.loss)

    with open_log(folder) as log:
        while state.epoch < config.epochs:
            start = time.monotonic()
            batches = SceneBatches(
                scenes,
                steps=config.steps,
                batch_size=config.batch_size,
                parts=state.replicas.count,
                seed=config.seed * 1_000_003 + state.epoch,
            )
            loss = take_steps(state, config, prepared_ahead(batches), step, count=len(batches))
            predictions = [predict(state.average.network, each) for each in held_out]
            figures = average_precisions(held_out, predictions, MIN_IOU)
            record = {'loss': loss, **figures, 'seconds': time.monotonic() - start}
            score = sum(figures.values()) / len(figures)
            end_epoch(state, config, record, score=score, folder=folder, log=log)
    return state.best_record


@torch.inference_mode()
def predict(network: FaceNetwork, photograph: Photograph) -> Predictions:
    """Return the predictions for a photograph of one pass of a network, without a check."""
    padded = padded_input(photograph.read())
    height, width = padded.shape[1:3]
    device = next(network.parameters()).device
    outputs = network(to_pixels(torch.from_numpy(padded).to(device)))
    score, box, landmarks = (each[0].float().cpu() for each in outputs)
    scores = score.sigmoid().numpy()
    chosen = np.flatnonzero(scores >= LEAST_SCORE)
    chosen = chosen[np.argsort(-scores[chosen], kind='stable')][:MAX_CANDIDATES]
    grid = AnchorGrid.covering((height, width), STRIDES)
    boxes = grid.decode_boxes(chosen, box.numpy()[chosen])
    kept = non_maximum_suppression(boxes, NMS_IOU)
    points = grid.decode_landmarks(chosen[kept], landmarks.numpy()[chosen[kept]])
    return Predictions(boxes[kept], scores[chosen[kept]].astype(np.float64), points)
