"""What a graph that shows what a network looks at takes and gives: the names and the numbers."""

from __future__ import annotations

METHODS = ('guided', 'gradient', 'grad_cam')
"""Guided back-propagation, the plain gradient, and Grad-CAM, by the number that chooses them."""

TOP = -1
"""Target: the class with the highest score."""

CLASS_MAPS = -2
"""Target: the sum over space of the largest class map, as the paper has it."""

NOTHING = -3
"""Target: this head is not asked; its map is zero."""

SALIENCY_NAME = 'saliency.onnx'
SALIENCY_FORMAT = 1
METADATA_KEY = 'rtcnn_saliency'
"""Where the graph says from which model and for what it was made."""

METHOD_INPUT = 'method'
MAP_OUTPUT = 'saliency'


def target_input(attribute: str) -> str:
    """Return the name of the input that takes the targets of a head."""
    return f'target_{attribute}'
