"""Training states on disk: plain data, written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import pickle
from typing import Any

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.config import TrainConfig
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.architectures import without_votes_head
import torch
from torch import nn

FORMAT = 1

UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What reading a file that is no checkpoint ends in, whatever it is."""


def save_checkpoint(path: Path, values: dict[str, Any]) -> None:
    """
    Write a checkpoint beside its place and move it there.

    :raises ModelError: if the folder cannot be written to
    """
    unfinished = path.with_suffix('.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({'format': FORMAT, **values}, unfinished)
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:
        raise ModelError(f'cannot write the checkpoint {path}: {error}') from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """
    Read a checkpoint; only plain data and tensors are accepted.

    :raises ModelError: if the file is missing or is no checkpoint of ours
    """
    try:
        values = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError:
        raise ModelError(f'there is no checkpoint {path}') from None
    except OSError as error:
        raise ModelError(f'{path} is no readable checkpoint: {error}') from error
    except UNREADABLE as error:  # whose texts are long, and of PyTorch's own options
        raise ModelError(
            f'{path} is no readable checkpoint ({type(error).__name__}); '
            'name the best.pt or last.pt of a training'
        ) from error
    if not isinstance(values, dict) or values.get('format') != FORMAT:
        raise ModelError(f'{path} is no checkpoint of this version (format {FORMAT})')
    for part in ('config', 'average'):
        if not isinstance(values.get(part), dict):
            raise ModelError(f'{path} is no whole checkpoint: its {part} is missing')
    return values


def mean_checkpoint(paths: Sequence[Path]) -> dict[str, Any]:
    """
    Return the first of some checkpoints with the mean of all their averaged weights.

    Networks of which one began with the other lie close enough for their mean to be one as well.
    Source: Wortsman et al.: Model soups: averaging weights of multiple fine-tuned models improves
    accuracy without increasing inference time, 2022.

    :param paths: at least one
    :raises ModelError: if one is no checkpoint, or holds other weights than the first
    """
    first, *others = (load_checkpoint(path) for path in paths)
    mean = dict(first['average'])
    for path, other in zip(paths[1:], others, strict=True):
        theirs = other['average']
        if {name: value.shape for name, value in theirs.items()} != {
            name: value.shape for name, value in mean.items()
        }:
            raise ModelError(f'{path} holds weights of other shapes than {paths[0]}: no mean')
        for name, value in mean.items():
            if value.dtype.is_floating_point:
                mean[name] = value + (theirs[name] - first['average'][name]) / len(paths)
    return {**first, 'average': mean, 'mean_of': [str(path) for path in paths]}


def fill_network(network: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """
    Put weights into a network.

    :raises ModelError: if the weights belong to another architecture
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).split('\n')[1:2] or [str(error)]
        raise ModelError(
            f'{path} does not hold weights of the architecture {network.name}: {first[0].strip()}'
        ) from error


def restore_network(
    path: Path, *, merge: bool = True, votes: float | None = None
) -> tuple[Network, TrainConfig, dict[str, Any]]:
    """
    Rebuild the network of a checkpoint, with its averaged weights, ready to judge.

    :param path: the checkpoint
    :param merge: whether to make one emotion head of two, where there are two
    :param votes: share of the head that learnt from votes, if not the configuration's
    :returns: the network, its configuration, and all the checkpoint holds
    :raises ModelError: if the checkpoint does not fit
    """
    values = load_checkpoint(path)
    config = from_mapping(TrainConfig, values['config'], path.name)
    network = build_network(config.architecture, values['classes'])
    fill_network(network, values['average'], path)
    if merge:
        share = config.loss.votes if votes is None else votes
        network = without_votes_head(network, share)
    network.eval()
    return network.to(memory_format=torch.channels_last), config, values  # type: ignore[call-overload,unused-ignore]
