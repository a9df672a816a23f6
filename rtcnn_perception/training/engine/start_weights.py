"""What an attribute network begins with, where it is not drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtcnn_perception.training.engine.checkpoints import fill_network
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.architectures import VOTES_HEAD
from rtcnn_perception.training.models.exported_weights import exported_network
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.tfjs_weights import fill_published
from rtcnn_perception.training.models.tfjs_weights import PUBLISHED_SUFFIX
from rtcnn_perception.training.models.tfjs_weights import settle_norms
from torch import Tensor


def fill_first(
    network: Network, path: Path, examples: Callable[[tuple[int, int]], Tensor]
) -> None:
    """
    Put the weights of a checkpoint, of an exported model, or published ones into a network.

    :param examples: gives inputs of a height and width, to settle what comes without statistics
    :raises ModelError: if they are missing, damaged, or of another architecture
    """
    if is_exported(path):
        begin_with(network, exported_network(path).state_dict(), path)
    elif path.suffix == PUBLISHED_SUFFIX:
        fill_published(network, path)
    else:
        begin_with(network, load_checkpoint(path)['average'], path)
        return
    settle_norms(network, examples(network.spec.input_hw))


def begin_with(network: Network, weights: dict[str, Any], path: Path) -> None:
    """
    Take over the weights of another network, but for heads that it lacks.

    A head for votes that it lacks begins as the one for labels.

    :raises ModelError: if they, which lie at ``path``, are of another architecture
    """
    fresh = {
        name: weights.get(name.replace(f'heads.{VOTES_HEAD}.', 'heads.emotion.'), value)
        for name, value in network.state_dict().items()
        if name.startswith('heads.') and name not in weights
    }
    known = {name: value for name, value in weights.items() if name in network.state_dict()}
    fill_network(network, {**known, **fresh}, path)
