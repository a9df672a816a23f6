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

"""
The state of a training: weights, their average, the optimizer, and how it is resumed.

On a CPU small networks gain little from dividing every layer among the cores, as these wait for
each other after each layer. Copies of the whole network, each with a part of the batch, wait once
a step: on two cores a step takes half the time, and a core that another process uses for a moment
costs less.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import copy
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Generic
from typing import TypeVar

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.engine.checkpoints import check_fingerprint
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.provenance import checkpoints_before
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models.exported_weights import fill_network
from rtcnn_perception.training.models.layers import SeededDropout
import torch
from torch import nn
from torch import Tensor

N = TypeVar('N', bound=nn.Module)


class WeightAverage(Generic[N]):
    """
    An exponential moving average of weights and of batch-norm statistics.

    Early on the average follows faster, so that it forgets the random start.
    """

    def __init__(self, network: N, decay: float) -> None:
        """Start from the network as it is; ``decay`` 0 makes the average the network itself."""
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: N) -> None:
        """Take one step towards the network."""
        self.steps += 1
        share = 1.0 - min(self.decay, (1 + self.steps) / (10 + self.steps)) if self.decay else 1.0
        current = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], share)
            else:
                value.copy_(current[name])


@dataclass
class TrainingState(Generic[N]):
    """All that changes during a run, and what its checkpoints hold beside that."""

    network: N
    replicas: Replicas[N]
    average: WeightAverage[N]
    optimizer: torch.optim.Optimizer
    epoch: int
    best: float
    best_epoch: int
    history: list[dict[str, float]]
    kept: dict[str, Any]

    @property
    def best_record(self) -> dict[str, float]:
        """Return the figures of the best epoch; empty before the first."""
        return next((each for each in self.history if each['epoch'] == self.best_epoch), {})


def start_or_resume(
    network: N,
    config: RunConfig,
    folder: Path,
    *,
    device: str,
    workers: int,
    fill: Callable[[Path], None],
    **kept: Any,
) -> TrainingState[N]:
    """
    Resume the run in a folder, or start it.

    A run that starts from the weights of another network leaves them as ``start.pt``.

    :param fill: puts the weights at the path that the configuration names into the network
    :param kept: what the checkpoints of this training hold beside the state; ``classes`` and
        ``fingerprint`` of the data must be the same where it is resumed
    :raises ModelError: if weights are missing or do not fit, or the run is another
    """
    last = folder / 'last.pt'
    if last.exists():
        state = _new_state(network, config, device, workers, kept)
        _resume(state, config, last)
        return state
    if config.start_from:
        fill(with_home(config.start_from))
    before = provenance_of(*checkpoints_before(config.as_dict()))
    state = _new_state(network, config, device, workers, {**kept, 'before': asdict(before)})
    if config.start_from:
        save_checkpoint(folder / 'start.pt', as_checkpoint(state, config))
    return state


def _new_state(
    network: N, config: RunConfig, device: str, workers: int, kept: dict[str, Any]
) -> TrainingState[N]:
    """
    Return the state of a network before its first step.

    :param workers: parts of a batch, of which none may be empty; on a GPU there is one
    """
    parts = min(workers, config.batch_size) if device == 'cpu' else 1
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,unused-ignore]
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    return TrainingState(
        network,
        Replicas(network, parts),
        WeightAverage(network, config.average),
        optimizer,
        epoch=0,
        best=-1.0,
        best_epoch=0,
        history=[],
        kept=kept,
    )


def as_checkpoint(state: TrainingState[N], config: RunConfig) -> dict[str, Any]:
    """Return a state as plain data."""
    return {
        'config': config.as_dict(),
        'workers': state.replicas.count,
        'network': state.network.state_dict(),
        'average': state.average.network.state_dict(),
        'average_steps': state.average.steps,
        'optimizer': state.optimizer.state_dict(),
        'epoch': state.epoch,
        'best': state.best,
        'best_epoch': state.best_epoch,
        'history': state.history,
        **state.kept,
    }


def _resume(state: TrainingState[N], config: RunConfig, path: Path) -> None:
    """
    Take over the state of the last checkpoint.

    :raises ModelError: if the checkpoint is damaged, or of another run
    """
    try:
        values = load_checkpoint(path)
    except ModelError as error:
        raise ModelError(
            f'the run cannot go on: {error}; remove that file to begin anew, or copy best.pt to it'
        ) from error
    # Settings that are newer than the checkpoint have their defaults.
    theirs = from_mapping(type(config), values['config'], path.name).as_dict()
    differing = [key for key, value in config.as_dict().items() if theirs[key] != value]
    if values.get('classes') != state.kept.get('classes'):
        differing.append('the classes of the data')
    if differing:
        raise ModelError(
            f'{path} was made with other values of {", ".join(differing)}; '
            'choose another folder or remove it'
        )
    advice = 'Bring that data back, choose another folder, or remove it'
    check_fingerprint(values, state.kept.get('fingerprint', {}), path, advice)
    try:
        _take_over(state, values, path)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f'the run cannot go on: {path} is no complete checkpoint ({error!r}); remove that '
            'file to begin anew, or copy best.pt to it'
        ) from error


def _take_over(state: TrainingState[N], values: Mapping[str, Any], path: Path) -> None:
    if values['workers'] != state.replicas.count:
        raise ModelError(
            f'{path} was made by {values["workers"]} workers, another number trains another '
            f'network; give --workers {values["workers"]}, or choose another folder'
        )
    fill_network(state.network, values['network'], path)
    fill_network(state.average.network, values['average'], path)
    state.average.steps = values['average_steps']
    state.optimizer.load_state_dict(values['optimizer'])
    state.epoch, state.history = values['epoch'], values['history']
    state.best, state.best_epoch = values['best'], values['best_epoch']
    state.kept['before'] = values['before']


P = TypeVar('P')


class Replicas(Generic[N]):
    """Copies of a network that compute its gradients; with one, the network itself does."""

    def __init__(self, network: N, count: int) -> None:
        """Make the copies; ``count`` is at least 1."""
        self.network = network
        self.copies = [copy.deepcopy(network) for _ in range(count)] if count > 1 else [network]
        self.pool = ThreadPoolExecutor(count) if count > 1 else None

    def reseed(self, seed: int, epoch: int) -> None:
        """Seed the dropout of each layer of each copy, so that an epoch repeats."""
        for index, replica in enumerate(self.copies):
            layers = (each for each in replica.modules() if isinstance(each, SeededDropout))
            for number, layer in enumerate(layers):
                layer.seed(seed, epoch, index, number)

    @property
    def count(self) -> int:
        """How many parts a batch comes in."""
        return len(self.copies)

    def gradients(self, step: Callable[[N, P], Tensor], parts: Sequence[P]) -> float:
        """
        Leave the gradient of a batch in the network's parameters.

        :param step: returns the loss of a part, with its graph for the backward pass
        :param parts: the batch, in ``count`` parts
        :returns: the mean loss
        """
        if self.pool is None:
            self.network.zero_grad(set_to_none=True)
            return _backward(step, self.network, parts[0])
        self._synchronise()
        losses = [
            self.pool.submit(_backward, step, replica, part)
            for replica, part in zip(self.copies, parts, strict=True)
        ]
        mean = sum(loss.result() for loss in losses) / self.count
        self._collect()
        return mean

    @torch.no_grad()
    def _synchronise(self) -> None:
        """Give every copy the weights and statistics of the network."""
        for replica in self.copies:
            replica.train(self.network.training)
            for ours, theirs in zip(self.network.parameters(), replica.parameters(), strict=True):
                theirs.copy_(ours)
                theirs.grad = None
            for mine, other in zip(self.network.buffers(), replica.buffers(), strict=True):
                other.copy_(mine)

    @torch.no_grad()
    def _collect(self) -> None:
        """Average the copies' gradients and statistics into the network."""
        columns = zip(*(replica.parameters() for replica in self.copies), strict=True)
        for ours, theirs in zip(self.network.parameters(), columns, strict=True):
            gradients = [parameter.grad for parameter in theirs if parameter.grad is not None]
            ours.grad = torch.stack(gradients).mean(0) if gradients else None
        buffers = zip(*(replica.buffers() for replica in self.copies), strict=True)
        for buffer, copies in zip(self.network.buffers(), buffers, strict=True):
            if buffer.dtype.is_floating_point:
                buffer.copy_(torch.stack(copies).mean(0))
            else:
                buffer.copy_(copies[0])


def _backward(step: Callable[[N, P], Tensor], network: N, part: P) -> float:
    loss = step(network, part)
    loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
    return float(loss.detach())
