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

"""Train an attribute network: data, network, epochs, the best and the last state on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import time

import numpy as np
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import parts_of
from rtcnn_perception.training.data.batches import prepared_ahead
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.batches import TrainingBatches
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.splits import fingerprints_of
from rtcnn_perception.training.engine.loop import choose_device
from rtcnn_perception.training.engine.loop import end_epoch
from rtcnn_perception.training.engine.loop import open_log
from rtcnn_perception.training.engine.loop import say_complete
from rtcnn_perception.training.engine.loop import take_steps
from rtcnn_perception.training.engine.networks import fill_start
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.state import start_or_resume
from rtcnn_perception.training.engine.state import TrainingState
from rtcnn_perception.training.engine.teachers import Teachers
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from rtcnn_perception.training.tasks.attributes.loss import AttributeLoss
from rtcnn_perception.training.tasks.attributes.loss import class_frequencies
from rtcnn_perception.training.tasks.attributes.loss import face_weights
from rtcnn_perception.training.tasks.attributes.metrics import check_selected
from rtcnn_perception.training.tasks.attributes.metrics import summarise
import torch
from torch import Tensor
from tqdm import tqdm

EXAMPLES = 512
"""Faces from which weights without statistics get theirs."""

Classes = Mapping[str, tuple[str, ...]]


def classes_of(config: TrainConfig, splits: Splits) -> dict[str, tuple[str, ...]]:
    """
    Return the classes that a network is to learn, by attribute.

    :raises DataError: if a part that is needed has no labelled face of an attribute, or there are
        no two different classes of one
    """
    for part in ('train', 'val'):
        faces: FaceSet = getattr(splits, part)
        for name in config.data.attributes:
            found = faces.labels.get(name)
            if found is None or not (found.indices != UNLABELLED).any():
                raise DataError(f'[data.{name}] has no labelled face in the part {part}')
    classes = {name: splits.train.labels[name].classes for name in config.data.attributes}
    for name, names in classes.items():
        if not (len(set(names)) == len(names) >= 2 and all(names)):
            raise DataError(
                f'[data.{name}] must have two or more classes with different names, got '
                f'{", ".join(names)}'
            )
        present = set(splits.train.labels[name].indices.tolist()) - {UNLABELLED}
        if len(present) < 2:
            raise DataError(
                f'[data.{name}] has in the part train faces of {names[present.pop()]} alone, '
                f'expected two classes or more of {", ".join(names)}'
            )
    return classes


def count_hits(logits: dict[str, Tensor], targets: dict[str, Tensor]) -> tuple[int, int]:
    """Return how many predictions are the most likely class of their target, and how many were."""
    hits = count = 0
    for name, target in targets.items():
        labelled = target.sum(1) > 0
        same = logits[name].detach().argmax(1) == target.argmax(1)
        hits += int((same & labelled).sum())
        count += int(labelled.sum())
    return hits, count


def train_one_epoch(
    state: TrainingState[Network],
    batches: TrainingBatches,
    config: TrainConfig,
    teachers: Teachers,
    loss: AttributeLoss,
    *,
    augmentation_round: int,
) -> tuple[float, float]:
    """
    Take one pass over the training faces.

    :param augmentation_round: epochs of the same round have the same pixels
    :returns: the mean loss, and the accuracy on the training faces
    :raises DivergenceError: if a loss is no finite number, naming the batch
    """
    device = teachers.device
    hits: list[tuple[int, int]] = []

    def step(network: Network, batch: Batch) -> Tensor:
        pixels = batch.pixels.to(device)
        targets = {name: values.to(device) for name, values in batch.targets.items()}
        weights = {name: values.to(device) for name, values in batch.weights.items()}
        soft_targets = teachers.soft_targets(batch, augmentation_round)
        with torch.autocast(device, torch.bfloat16):
            logits = network(pixels)
        hits.append(count_hits(logits, targets))
        return loss(logits, targets, weights, soft_targets)

    def accuracy() -> float:
        correct, count = map(sum, zip(*hits, strict=True))
        return correct / max(count, 1)

    mean_loss = take_steps(
        state,
        config,
        (parts_of(batch, state.replicas.count) for batch in prepared_ahead(batches)),
        step,
        count=len(batches),
        shown=lambda: {'accuracy': f'{accuracy():.3f}'},
    )
    return mean_loss, accuracy()


def is_over(state: TrainingState[Network], config: TrainConfig) -> bool:
    """Return whether a run is done, or had no better epoch for its patience."""
    has_stopped = 0 < config.patience <= state.epoch - state.best_epoch
    return has_stopped or state.epoch >= config.epochs


def evaluate_epoch(
    network: Network, classes: Classes, config: TrainConfig, splits: Splits
) -> dict[str, float]:
    """Return the metrics of a network on held-out faces, with its heads as they are exported."""
    labelled = LabelledNetwork(config.name, network, classes, config.crop)
    learnt = splits.train
    frequencies = {
        name: class_frequencies(learnt.labels[name], learnt.shares) for name in config.prior
    }
    labelled = labelled.mixed(config.mix).without_prior(frequencies, config.prior)
    held_out = splits.val.with_classes(classes)
    return summarise(labelled.logits(held_out), held_out)


def train(
    config: TrainConfig, splits: Splits, folder: Path, workers: int = 1, *, command: str = ''
) -> dict[str, float]:
    """
    Train a network, or resume where ``folder`` has an unfinished run.

    Each of ``workers`` takes a part of every batch on a core of its own; another number trains
    another network, as normalisation uses other batches. On a CPU the same configuration and
    number train the same network again; a GPU sums in another order each time.
    Leaves ``last.pt``, ``best.pt``, ``history.json`` and TensorBoard's log in the folder, and
    ``start.pt`` where it started from weights: export makes the mean of both ends.

    :param command: the command line, kept in the checkpoints
    :returns: the best epoch's figures on the held-out part
    :raises ModelError: if the folder has the run of another configuration, or of other data
    """
    train_set = splits.train
    classes = classes_of(config, splits)
    selected = check_selected(config.select.metrics, classes)
    device = choose_device()
    tables = config.data.attributes
    loss = AttributeLoss(
        classes,
        {name: table.weight for name, table in tables.items()},
        config.loss.label_smoothing,
        config.distillation,
        device,
    )
    weights = {name: face_weights(train_set, name, tables[name]) for name in classes}

    def examples(size_hw: tuple[int, int]) -> Tensor:
        chosen = np.random.default_rng(config.seed).permutation(len(train_set))[:EXAMPLES]
        return to_input(cut_faces(train_set, config.crop, size_hw, chosen))

    def fill(path: Path) -> None:
        for note in fill_start(network, classes, path, examples):
            tqdm.write(note)

    torch.manual_seed(config.seed)
    counts = {name: len(names) for name, names in classes.items()}
    network = build_network(config.architecture, counts)
    state = start_or_resume(
        network,
        config,
        folder,
        device=device,
        workers=workers,
        fill=fill,
        classes={name: list(names) for name, names in classes.items()},
        # By which priors are taken off where the data is not at hand.
        frequencies={
            name: class_frequencies(train_set.labels[name], train_set.shares).tolist()
            for name in classes
        },
        fingerprint=fingerprints_of(splits),
        command=command,
    )
    teachers = Teachers(config.distillation, device, classes)
    if is_over(state, config):
        say_complete(state, folder)
    else:
        teachers.run_once(train_set)
    rounds = config.distillation.rounds
    with open_log(folder) as log:
        while not is_over(state, config):
            start = time.monotonic()
            augmentation_round = state.epoch % rounds if rounds else state.epoch
            batches = TrainingBatches(
                train_set,
                weights,
                geometry=config.crop,
                size_hw=network.spec.input_hw,
                batch_size=config.batch_size,
                augmentation=config.augmentation_at(state.epoch),
                seed=config.seed * 1_000_003 + augmentation_round,
            )
            mean_loss, train_accuracy = train_one_epoch(
                state, batches, config, teachers, loss, augmentation_round=augmentation_round
            )
            summary = evaluate_epoch(state.average.network, classes, config, splits)
            record = {
                'loss': mean_loss,
                'train_accuracy': train_accuracy,
                **summary,
                'seconds': time.monotonic() - start,
            }
            score = sum(summary[name] for name in selected) / len(selected)
            end_epoch(state, config, record, score=score, folder=folder, log=log)
    if state.epoch < config.epochs:
        tqdm.write(f'no better for {config.patience} epochs: stopped early')
    return state.best_record
