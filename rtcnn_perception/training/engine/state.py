"""The state of a training: weights, their average, the optimizer, and how it is resumed."""

from __future__ import annotations

from collections.abc import Callable
import copy
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Generic
from typing import TypeVar

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.config import RunConfig
from rtcnn_perception.training.engine.provenance import checkpoints_before
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.engine.replicas import Replicas
from rtcnn_perception.training.models.weights import fill_network
import torch
from torch import nn

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
        """The figures of the best epoch; empty before the first."""
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
    :param kept: what the checkpoints of this training hold beside the state
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

    :raises ModelError: if the checkpoint is of another run
    """
    values = load_checkpoint(path)
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
