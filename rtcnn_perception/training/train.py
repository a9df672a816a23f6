"""Train a network: data, network, epochs, the best and the last state on disk."""

from __future__ import annotations

import json
import math
from pathlib import Path
import time

from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.architectures import Network
from rtcnn_perception.training.architectures import VOTES_HEAD
from rtcnn_perception.training.architectures import without_votes_head
from rtcnn_perception.training.batches import Batch
from rtcnn_perception.training.batches import prepared_ahead
from rtcnn_perception.training.batches import TrainingBatches
from rtcnn_perception.training.checkpoints import restore_network
from rtcnn_perception.training.checkpoints import save_checkpoint
from rtcnn_perception.training.config import TrainConfig
from rtcnn_perception.training.data import mix_votes
from rtcnn_perception.training.faces import Splits
from rtcnn_perception.training.losses import face_weights
from rtcnn_perception.training.losses import total_loss
from rtcnn_perception.training.scores import predict_logits
from rtcnn_perception.training.scores import summarise
from rtcnn_perception.training.training_state import as_checkpoint
from rtcnn_perception.training.training_state import resume
from rtcnn_perception.training.training_state import start
from rtcnn_perception.training.training_state import TrainingState
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}


class DivergenceError(PerceptionError):
    """The loss is no number any more."""


def choose_device() -> str:
    """Return 'cuda' where there is a GPU, else 'cpu'."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def learning_rate(config: TrainConfig, progress: float) -> float:
    """
    Return the rate at a moment: a linear start, then half a cosine down to nothing.

    :param progress: epochs done, with the fraction of the present one
    """
    if progress < config.warmup_epochs:
        return config.learning_rate * (progress + 0.01) / (config.warmup_epochs + 0.01)
    rest = (progress - config.warmup_epochs) / max(config.epochs - config.warmup_epochs, 1e-6)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))


def selection_score(summary: dict[str, float]) -> float:
    """Return what the best epoch is chosen by, on held-out faces only."""
    parts = [summary[name] for name in ('emotion_accuracy', 'gender_balanced') if name in summary]
    return sum(parts) / len(parts)


def load_teachers(names: str, device: str) -> list[Network]:
    """Load the checkpoints a student learns from."""
    paths = [Path(name.strip()) for name in names.split(',') if name.strip()]
    return [restore_network(path, merge=False)[0].to(device) for path in paths]


def teach(teachers: list[Network], pixels: Tensor, temperature: float) -> dict[str, Tensor]:
    """Return the teachers' mean probabilities, softened."""
    answers: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for teacher in teachers:
            hw = teacher.spec.input_hw
            fits = tuple(pixels.shape[2:]) == hw
            seen = pixels if fits else functional.interpolate(pixels, hw, mode='bilinear')
            for name, logits in teacher(seen).items():
                answers.setdefault(name, []).append((logits.float() / temperature).softmax(1))
    return {name: torch.stack(parts).mean(0) for name, parts in answers.items()}


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
    state: TrainingState,
    batches: TrainingBatches,
    config: TrainConfig,
    teachers: list[Network],
    device: str,
) -> tuple[float, float]:
    """
    Take one pass over the training faces.

    :returns: the mean loss, and the share of answers that were right
    :raises DivergenceError: if a loss is no number, naming the batch
    """
    state.network.train()
    state.replicas.reseed(config.seed * 100_003 + state.epoch)  # whether resumed or not

    hits: list[tuple[int, int]] = []

    def step(network: Network, batch: Batch) -> Tensor:
        pixels = batch.pixels.to(device)
        targets = {name: values.to(device) for name, values in batch.targets.items()}
        weights = {name: values.to(device) for name, values in batch.weights.items()}
        with torch.autocast(device, torch.bfloat16):
            answers = teach(teachers, pixels, config.loss.temperature)
            logits = network(pixels)
        hits.append(count_hits(logits, targets))
        return total_loss(logits, targets, weights, answers, config.loss)

    total = accuracy = 0.0
    title = f'epoch {state.epoch + 1}/{config.epochs}'
    progress = tqdm(
        prepared_ahead(batches), total=len(batches), desc=title, leave=False, mininterval=1.0
    )
    for number, batch in enumerate(progress):
        rate = learning_rate(config, state.epoch + number / len(batches))
        for group in state.optimizer.param_groups:
            group['lr'] = rate
        value = state.replicas.gradients(step, batch)
        if not math.isfinite(value):
            raise DivergenceError(
                f'the loss of batch {number + 1} of epoch {state.epoch + 1} is {value}; '
                'the last good checkpoint is kept. Lower learning_rate and resume'
            )
        state.optimizer.step()
        state.average.update(state.network)
        total += value
        right, judged = map(sum, zip(*hits, strict=True))
        accuracy = right / max(judged, 1)
        shown = {'loss': f'{total / (number + 1):.3f}', 'accuracy': f'{accuracy:.3f}'}
        progress.set_postfix(shown, refresh=False)
    return total / len(batches), accuracy


def train(config: TrainConfig, splits: Splits, folder: Path, workers: int = 1) -> dict[str, float]:
    """
    Train a network, or continue where ``folder`` has an unfinished run.

    Each of ``workers`` takes a share of every batch on a core of its own; another number trains
    another network, as normalisation sees other batches.
    Leaves ``last.pt``, ``best.pt``, ``history.json`` and TensorBoard's log in the folder.

    :returns: the best epoch's figures on the held-out part
    """
    train_set, val_set = splits.train, splits.val
    if not config.loss.votes_head:
        train_set = mix_votes(train_set, config.loss.votes)
    elif VOTES_HEAD not in train_set.targets or not train_set.targets[VOTES_HEAD].any():
        raise ConfigurationError('votes_head is set, but the emotion data has no FER+ votes')
    classes = {name: targets.shape[1] for name, targets in train_set.targets.items()}
    device = choose_device()
    state = start(config, classes, device, workers if device == 'cpu' else 1)
    if (folder / 'last.pt').exists():
        resume(state, config, folder / 'last.pt')
    teachers = load_teachers(config.loss.teacher, device)
    weights = {n: face_weights(t, config.loss.balance) for n, t in train_set.targets.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = SummaryWriter(str(folder))  # type: ignore[no-untyped-call,unused-ignore]
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error
    while state.epoch < config.epochs:
        began = time.monotonic()
        batches = TrainingBatches(
            train_set,
            weights,
            geometry=config.crop,
            size_hw=state.network.spec.input_hw,
            batch_size=config.batch_size,
            augmentation=config.augmentation_at(state.epoch),
            seed=config.seed * 1_000_003 + state.epoch,
        )
        loss, train_accuracy = train_one_epoch(state, batches, config, teachers, device)
        judged = without_votes_head(state.average.network, config.loss.votes).to(device)
        logits = predict_logits(judged, val_set, config.crop, device)
        summary = summarise(logits, val_set)
        state.epoch += 1
        record = {'epoch': float(state.epoch), 'loss': loss, 'train_accuracy': train_accuracy}
        record.update(summary)
        record['seconds'] = time.monotonic() - began
        state.history.append(record)
        is_best = selection_score(summary) > state.best
        if is_best:
            state.best, state.best_epoch = selection_score(summary), state.epoch
        values = as_checkpoint(state, config)
        if is_best:
            save_checkpoint(folder / 'best.pt', values)
        save_checkpoint(folder / 'last.pt', values)
        _log(writer, record, folder, state)
        if config.patience and state.epoch - state.best_epoch >= config.patience:
            tqdm.write(f'no better for {config.patience} epochs: stopped early')
            break
    writer.close()  # type: ignore[no-untyped-call,unused-ignore]
    return next((r for r in state.history if r['epoch'] == state.best_epoch), {})


def _log(
    writer: SummaryWriter, record: dict[str, float], folder: Path, state: TrainingState
) -> None:
    """Tell TensorBoard, the history file and whoever watches."""
    for name, value in record.items():
        writer.add_scalar(name, value, state.epoch)  # type: ignore[no-untyped-call,unused-ignore]
    (folder / 'history.json').write_text(json.dumps(state.history, indent=1), encoding='utf-8')
    told = '  '.join(f'{name} {value:.4f}' for name, value in record.items())
    tqdm.write(told)
