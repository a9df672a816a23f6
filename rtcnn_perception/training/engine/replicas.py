"""
One step of training on several cores, each with a part of the batch.

On a CPU small networks gain little from dividing every layer among the cores, as these wait for
each other after each layer. Copies of the whole network wait once a step: on two cores a step
takes half the time, and a core that another process uses for a moment costs less.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import copy
from typing import Generic
from typing import TypeVar

from rtcnn_perception.training.models.layers import SeededDropout
import torch
from torch import nn
from torch import Tensor

N = TypeVar('N', bound=nn.Module)
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
