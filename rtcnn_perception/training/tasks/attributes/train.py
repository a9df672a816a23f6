"""Train a network: data, network, epochs, the best and the last state on disk."""

from __future__ import annotations

from pathlib import Path
import time

import numpy as np
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import parts_of
from rtcnn_perception.training.data.batches import prepared_ahead
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.batches import TrainingBatches
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.load import mix_votes
from rtcnn_perception.training.engine.config import TrainConfig
from rtcnn_perception.training.engine.loop import choose_device
from rtcnn_perception.training.engine.loop import end_epoch
from rtcnn_perception.training.engine.loop import open_log
from rtcnn_perception.training.engine.loop import take_steps
from rtcnn_perception.training.engine.start_weights import fill_first
from rtcnn_perception.training.engine.state import take_up
from rtcnn_perception.training.engine.state import TrainingState
from rtcnn_perception.training.engine.teachers import Teachers
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.architectures import VOTES_HEAD
from rtcnn_perception.training.models.architectures import without_votes_head
from rtcnn_perception.training.tasks.attributes.loss import face_weights
from rtcnn_perception.training.tasks.attributes.loss import total_loss
from rtcnn_perception.training.tasks.attributes.scores import predict_logits
from rtcnn_perception.training.tasks.attributes.scores import summarise
import torch
from torch import Tensor
from tqdm import tqdm

EXAMPLES = 512
"""Faces that give weights without statistics theirs."""


def selection_score(summary: dict[str, float]) -> float:
    """Return what the best epoch is chosen by, on held-out faces only."""
    parts = [summary[name] for name in ('emotion_accuracy', 'gender_balanced') if name in summary]
    return sum(parts) / len(parts)


def count_hits(logits: dict[str, Tensor], targets: dict[str, Tensor]) -> tuple[int, int]:
    """Return how many answers hit their target's likeliest class, and how many there were."""
    right = judged = 0
    for name, target in targets.items():
        labelled = target.sum(1) > 0
        same = logits[name].detach().argmax(1) == target.argmax(1)
        right += int((same & labelled).sum())
        judged += int(labelled.sum())
    return right, judged


def train_one_epoch(
    state: TrainingState[Network],
    batches: TrainingBatches,
    config: TrainConfig,
    teachers: Teachers,
    device: str,
    *,
    draw: int,
) -> tuple[float, float]:
    """
    Take one pass over the training faces.

    :param draw: of the augmentation; epochs of the same draw see the same pixels
    :returns: the mean loss, and the share of answers that were right
    :raises DivergenceError: if a loss is no number, naming the batch
    """
    hits: list[tuple[int, int]] = []

    def step(network: Network, batch: Batch) -> Tensor:
        pixels = batch.pixels.to(device)
        targets = {name: values.to(device) for name, values in batch.targets.items()}
        weights = {name: values.to(device) for name, values in batch.weights.items()}
        answers = teachers.answers(batch, draw)
        with torch.autocast(device, torch.bfloat16):
            logits = network(pixels)
        hits.append(count_hits(logits, targets))
        return total_loss(logits, targets, weights, answers, config.loss)

    def accuracy() -> float:
        right, judged = map(sum, zip(*hits, strict=True))
        return right / max(judged, 1)

    loss = take_steps(
        state,
        config,
        (parts_of(batch, state.replicas.count) for batch in prepared_ahead(batches)),
        step,
        count=len(batches),
        shown=lambda: {'accuracy': f'{accuracy():.3f}'},
    )
    return loss, accuracy()


def is_over(state: TrainingState[Network], config: TrainConfig) -> bool:
    """Return whether a run is done, or had no better epoch for as long as it was to wait."""
    has_stopped = 0 < config.patience <= state.epoch - state.best_epoch
    return has_stopped or state.epoch >= config.epochs


def train(
    config: TrainConfig, splits: Splits, folder: Path, workers: int = 1, *, command: str = ''
) -> dict[str, float]:
    """
    Train a network, or continue where ``folder`` has an unfinished run.

    Each of ``workers`` takes a share of every batch on a core of its own; another number trains
    another network, as normalisation sees other batches. On a CPU the same configuration and
    number train the same network again; a GPU adds up in an order of its own.
    Leaves ``last.pt``, ``best.pt``, ``history.json`` and TensorBoard's log in the folder, and
    ``start.pt`` where it began with weights: export makes the mean of both ends.

    :param command: what asks for this, kept in the checkpoints
    :returns: the best epoch's figures on the held-out part
    """
    train_set, val_set = splits.train, splits.val
    if not config.loss.votes_head:
        train_set = mix_votes(train_set, config.loss.votes)
    elif VOTES_HEAD not in train_set.targets or not train_set.targets[VOTES_HEAD].any():
        raise ConfigurationError('votes_head is set, but the emotion data has no FER+ votes')
    classes = {name: targets.shape[1] for name, targets in train_set.targets.items()}
    device = choose_device()

    def examples(size_hw: tuple[int, int]) -> Tensor:
        chosen = np.random.default_rng(config.seed).permutation(len(train_set))[:EXAMPLES]
        return to_input(cut_faces(train_set, config.crop, size_hw, chosen))

    torch.manual_seed(config.seed)
    network = build_network(config.architecture, classes)
    state = take_up(
        network,
        config,
        folder,
        device=device,
        workers=workers,
        fill=lambda path: fill_first(network, path, examples),
        classes=classes,
        command=command,
    )
    teachers = Teachers(config.loss, device, classes)
    if not is_over(state, config):
        teachers.look_once(train_set, config.crop, network.spec.input_hw)
    weights = {n: face_weights(t, config.loss.balance) for n, t in train_set.targets.items()}
    rounds = config.loss.teacher_rounds
    with open_log(folder) as log:
        while not is_over(state, config):
            began = time.monotonic()
            draw = state.epoch % rounds if rounds else state.epoch
            batches = TrainingBatches(
                train_set,
                weights,
                geometry=config.crop,
                size_hw=state.network.spec.input_hw,
                batch_size=config.batch_size,
                augmentation=config.augmentation_at(state.epoch),
                seed=config.seed * 1_000_003 + draw,
            )
            loss, train_accuracy = train_one_epoch(
                state,
                batches,
                config,
                teachers,
                device,
                draw=draw,
            )
            judged = without_votes_head(state.average.network, config.loss.votes).to(device)
            summary = summarise(predict_logits(judged, val_set, config.crop, device), val_set)
            record = {
                'loss': loss,
                'train_accuracy': train_accuracy,
                **summary,
                'seconds': time.monotonic() - began,
            }
            score = selection_score(summary)
            end_epoch(state, config, record, score=score, folder=folder, log=log)
    if state.epoch < config.epochs:
        tqdm.write(f'no better for {config.patience} epochs: stopped early')
    return next((r for r in state.history if r['epoch'] == state.best_epoch), {})
