"""Weights that are put into a network, and normalisations that come without statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtcnn_perception.exceptions import ModelError
import torch
from torch import nn
from torch import Tensor


def fill_network(network: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """
    Put weights into a network.

    :param path: where the weights lie, for errors
    :raises ModelError: if the weights belong to another architecture
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).split('\n')[1:2] or [str(error)]
        raise ModelError(
            f'{path} does not hold weights of the architecture {network.name}: {first[0].strip()}'
        ) from error


@torch.no_grad()
def set_norm(norm: nn.BatchNorm2d, scale: Tensor, bias: Tensor) -> None:
    """Make a normalisation compute ``scale * x + bias``, with no statistics."""
    norm.reset_running_stats()
    norm.weight.copy_(scale * (1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def settle_norms(network: nn.Module, pixels: Tensor) -> None:
    """
    Give every batch normalisation the statistics of a batch, without changing what it computes.

    So a network that came without statistics, or with those of other pictures, starts to train as
    the function it is. It is left in evaluation mode.

    :param pixels: (B, C, H, W) float, typical inputs
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]

    def settle(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if not isinstance(norm, nn.BatchNorm2d):
            return
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            return
        new_variance, new_mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3), correction=0)
        slope = norm.weight / (variance + norm.eps).sqrt()
        norm.bias.add_(slope * (new_mean - mean))
        norm.weight.copy_(slope * (new_variance + norm.eps).sqrt())
        mean.copy_(new_mean)
        variance.copy_(new_variance)

    handles = [norm.register_forward_pre_hook(settle) for norm in norms]
    try:
        with torch.no_grad():
            network.eval()(pixels)
    finally:
        for handle in handles:
            handle.remove()
