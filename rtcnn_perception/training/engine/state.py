"""All that changes during a training run, and how it is put down and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Generic
from typing import Protocol
from typing import TypeVar

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.engine.averaging import WeightAverage
from rtcnn_perception.training.engine.checkpoints import fill_network
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.provenance import checkpoints_before
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.engine.replicas import Replicas
import torch
from torch import nn

N = TypeVar('N', bound=nn.Module)


class Optimised(Protocol):
    """What any configuration of a training says."""

    @property
    def start_from(self) -> str:
        """Where the weights lie to begin with, or nothing."""
        ...

    @property
    def seed(self) -> int:
        """Of the first weights and of every epoch."""
        ...

    @property
    def batch_size(self) -> int:
        """How many pictures one step learns from."""
        ...

    @property
    def learning_rate(self) -> float:
        """Of AdamW, at its highest."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""
        ...

    @property
    def average(self) -> float:
        """Decay of the averaged weights."""
        ...

    @property
    def warmup_epochs(self) -> float:
        """Epochs until the rate is at its highest."""
        ...

    @property
    def epochs(self) -> int:
        """Epochs until the rate is down to nothing."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them."""
        ...


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


def take_up(
    network: N,
    config: Optimised,
    folder: Path,
    *,
    device: str,
    workers: int,
    fill: Callable[[Path], None],
    **kept: Any,
) -> TrainingState[N]:
    """
    Go on with the run that a folder has, or begin it.

    What begins with the weights of another network leaves them as ``start.pt``.

    :param fill: puts the weights at the path that the configuration names into the network
    :param kept: what the checkpoints of this training hold beside the state
    :raises ModelError: if weights are missing or do not fit, or the run is another
    """
    last = folder / 'last.pt'
    if last.exists():
        state = state_of(network, config, device, workers, kept)
        resume(state, config, last)
        return state
    if config.start_from:
        fill(with_home(config.start_from))
    before = provenance_of(*checkpoints_before(config.as_dict()))
    state = state_of(network, config, device, workers, {**kept, 'before': asdict(before)})
    if config.start_from:
        save_checkpoint(folder / 'start.pt', as_checkpoint(state, config))
    return state


def state_of(
    network: N, config: Optimised, device: str, workers: int, kept: dict[str, Any]
) -> TrainingState[N]:
    """
    Return the state of a network that has not learnt yet.

    :param workers: shares of a batch, of which none may be empty; on a GPU there is one
    """
    shares = min(workers, config.batch_size) if device == 'cpu' else 1
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,unused-ignore]
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    return TrainingState(
        network,
        Replicas(network, shares),
        WeightAverage(network, config.average),
        optimizer,
        epoch=0,
        best=-1.0,
        best_epoch=0,
        history=[],
        kept=kept,
    )


def as_checkpoint(state: TrainingState[N], config: Optimised) -> dict[str, Any]:
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


def resume(state: TrainingState[N], config: Optimised, path: Path) -> None:
    """
    Continue a run from its last checkpoint.

    :raises ModelError: if the checkpoint is of another run
    """
    values = load_checkpoint(path)
    # Values that have come since then are what they are by default.
    theirs = from_mapping(type(config), values['config'], path.name).as_dict()
    differing = [key for key, value in config.as_dict().items() if theirs[key] != value]
    if differing:
        raise ModelError(
            f'{path} was made with other values of {", ".join(differing)}; '
            'choose another folder or remove it'
        )
    workers = values.get('workers', state.replicas.count)  # older checkpoints do not tell
    if workers != state.replicas.count:
        raise ModelError(
            f'{path} was made by {workers} workers, another number trains another network; '
            f'give --workers {workers}, or choose another folder'
        )
    fill_network(state.network, values['network'], path)
    fill_network(state.average.network, values['average'], path)
    state.average.steps = values['average_steps']
    state.optimizer.load_state_dict(values['optimizer'])
    state.epoch, state.history = values['epoch'], values['history']
    state.best, state.best_epoch = values['best'], values['best_epoch']
    if 'before' in values:
        state.kept['before'] = values['before']
