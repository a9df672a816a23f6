"""
One step of training on several cores, each with a share of the batch.

On a CPU small networks gain little from splitting every layer over the cores, as all of them wait
for each other after each layer. Whole copies of the network wait once a step: on two cores a step
takes half the time, and a core that is taken away for a moment costs less.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
import copy

from rtcnn_perception.training.architectures import Network
from rtcnn_perception.training.batches import Batch
from rtcnn_perception.training.layers import SeededDropout
import torch
from torch import Tensor

Step = Callable[[Network, Batch], Tensor]
"""Returns the loss of a batch, with a graph to go back through."""


def part_of(batch: Batch, index: int, count: int) -> Batch:
    """Return every ``count``-th face from ``index`` on."""
    return Batch(
        batch.pixels[index::count].contiguous(memory_format=torch.channels_last),
        {name: values[index::count] for name, values in batch.targets.items()},
        {name: values[index::count] for name, values in batch.weights.items()},
        batch.indices[index::count],
    )


class Replicas:
    """Copies of a network that follow it; with one, the network itself does the work."""

    def __init__(self, network: Network, count: int) -> None:
        """Make the copies; ``count`` is at least 1."""
        self.network = network
        self.copies = [copy.deepcopy(network) for _ in range(count)] if count > 1 else [network]
        self.pool = ThreadPoolExecutor(count) if count > 1 else None

    def reseed(self, seed: int) -> None:
        """Start each copy's dropout anew, so that an epoch repeats."""
        for index, replica in enumerate(self.copies):
            for module in replica.modules():
                if isinstance(module, SeededDropout):
                    module.seed(seed + index)

    def gradients(self, step: Step, batch: Batch) -> float:
        """
        Leave the gradient of a batch in the network's parameters.

        :returns: the mean loss
        """
        if self.pool is None:
            self.network.zero_grad(set_to_none=True)
            return _backward(step, self.network, batch)
        count = len(self.copies)
        self._follow()
        losses = [
            self.pool.submit(_backward, step, replica, part_of(batch, index, count))
            for index, replica in enumerate(self.copies)
        ]
        mean = sum(loss.result() for loss in losses) / count
        self._collect()
        return mean

    @torch.no_grad()
    def _follow(self) -> None:
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


def _backward(step: Step, network: Network, batch: Batch) -> float:
    loss = step(network, batch)
    loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
    return float(loss.detach())
