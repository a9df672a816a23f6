"""What a network costs: parameters as Keras counts them, and multiply-accumulates."""

from __future__ import annotations

from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.detector import FaceNetwork
import torch
from torch import nn
from torch import Tensor


def keras_parameters(network: nn.Module) -> int:
    """Count weights, biases and the moving statistics of batch normalisation, as Keras does."""
    weights = sum(p.numel() for p in network.parameters())
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return weights + sum(2 * norm.num_features for norm in norms)


def multiply_accumulates(network: Network | FaceNetwork, size_hw: tuple[int, int]) -> int:
    """
    Count the multiply-accumulates of one picture of a size in convolutions and linear layers.

    Normalisation is left out, as it folds into the convolutions when a network is exported.
    """
    total = 0

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = module.get_parameter('weight')
        total += output[0].numel() * weight[0].numel()

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    handles = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, network.spec.channels, *size_hw))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return total
