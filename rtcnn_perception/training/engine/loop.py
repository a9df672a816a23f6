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

"""The epochs of a training: steps, the learning-rate schedule, the record, the checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import json
import math
from pathlib import Path
from typing import TypeVar

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.state import as_checkpoint
from rtcnn_perception.training.engine.state import TrainingState
import torch
from torch import nn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

N = TypeVar('N', bound=nn.Module)
P = TypeVar('P')


class DivergenceError(PerceptionError):
    """The loss, or a weight, is no longer a finite number."""


def choose_device() -> str:
    """Return 'cuda' where there is a GPU, else 'cpu'."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def learning_rate(config: RunConfig, progress: float) -> float:
    """
    Return the learning rate: a linear warm-up, then half a cosine down to nothing.

    :param progress: epochs done, with the fraction of the current one
    """
    if progress < config.warmup_epochs:
        return config.learning_rate * (progress + 0.01) / (config.warmup_epochs + 0.01)
    rest = (progress - config.warmup_epochs) / max(config.epochs - config.warmup_epochs, 1e-6)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))


def take_steps(
    state: TrainingState[N],
    config: RunConfig,
    batches: Iterable[Sequence[P]],
    step: Callable[[N, P], Tensor],
    *,
    count: int,
    shown: Callable[[], Mapping[str, str]] = dict,
) -> float:
    """
    Take one pass over the batches of an epoch.

    :param batches: ``count`` of them, each in as many parts as there are replicas
    :param step: returns the loss of a part, with its graph for the backward pass
    :param shown: further figures for the progress bar
    :returns: the mean loss
    :raises DivergenceError: if a loss is no number, naming the batch, or a weight in the end
    """
    state.replicas.reseed(config.seed, state.epoch)  # the same whether resumed or not
    state.network.train()
    total = 0.0
    title = f'epoch {state.epoch + 1}/{config.epochs}'
    progress = tqdm(batches, total=count, desc=title, leave=False, mininterval=1.0, disable=None)
    for number, parts in enumerate(progress):
        for group in state.optimizer.param_groups:
            group['lr'] = learning_rate(config, state.epoch + number / count)
        value = state.replicas.gradients(step, parts)
        if not math.isfinite(value):
            raise _diverged(f'the loss of batch {number + 1}', value, state)
        state.optimizer.step()
        state.average.update(state.network)
        total += value
        figures = {'loss': f'{total / (number + 1):.3f}', **shown()}
        progress.set_postfix(figures, refresh=False)
    if not all(values.isfinite().all() for values in state.network.state_dict().values()):
        raise _diverged(f'a weight after batch {count}', 'no number', state)
    return total / count


def _diverged(what: str, value: object, state: TrainingState[N]) -> DivergenceError:
    """Return an error that says what to do; the last good checkpoint stays."""
    advice = 'train into another folder with a lower learning_rate'
    if state.best_epoch:
        advice += f", and this one's best.pt, of epoch {state.best_epoch}, as start_from"
    return DivergenceError(f'{what} of epoch {state.epoch + 1} is {value}; {advice}')


def say_complete(state: TrainingState[N], folder: Path) -> None:
    """Say that a run was complete before anything was trained, and how to make another."""
    tqdm.write(
        f'the run in {folder} is complete ({state.epoch} epochs), nothing is trained; '
        'for another give another --output, or remove that folder'
    )


@contextlib.contextmanager
def open_log(folder: Path) -> Iterator[SummaryWriter]:
    """
    Make the folder of a run and open TensorBoard's log in it.

    :raises ConfigurationError: if the folder cannot be written to
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = SummaryWriter(str(folder))  # type: ignore[no-untyped-call,unused-ignore]
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error
    try:
        yield writer
    finally:
        writer.close()  # type: ignore[no-untyped-call,unused-ignore]


def end_epoch(
    state: TrainingState[N],
    config: RunConfig,
    record: Mapping[str, float],
    *,
    score: float,
    folder: Path,
    log: SummaryWriter,
) -> None:
    """
    Count an epoch, save the state, and write the record to the log, the history and the terminal.

    :param record: figures of the epoch by name
    :param score: what the best epoch is chosen by, on held-out data only
    :raises ModelError: if the folder cannot be written to
    """
    state.epoch += 1
    figures = {'epoch': float(state.epoch), **record}
    state.history.append(figures)
    is_best = score > state.best
    if is_best:
        state.best, state.best_epoch = score, state.epoch
    values = as_checkpoint(state, config)
    if is_best:
        save_checkpoint(folder / 'best.pt', values)
    save_checkpoint(folder / 'last.pt', values)
    for name, value in figures.items():
        log.add_scalar(name, value, state.epoch)  # type: ignore[no-untyped-call,unused-ignore]
    history = folder / 'history.json'
    try:
        history.write_text(json.dumps(state.history, indent=1), encoding='utf-8')
    except OSError as error:
        raise ModelError(f'cannot write {history}: {error}') from error
    tqdm.write('  '.join(f'{name} {value:.4f}' for name, value in figures.items()))
