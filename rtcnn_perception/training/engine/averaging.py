"""Averaged weights: a network that follows the trained one slowly and judges better."""

from __future__ import annotations

import copy
from typing import Generic
from typing import TypeVar

import torch
from torch import nn

N = TypeVar('N', bound=nn.Module)


class WeightAverage(Generic[N]):
    """
    An exponential average of weights and of batch-norm statistics.

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
