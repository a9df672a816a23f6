"""Names and numbers of the inputs and outputs of a saliency graph."""

from __future__ import annotations

METHODS = ('guided', 'gradient', 'grad_cam')
"""Guided back-propagation, the plain gradient, and Grad-CAM; a graph takes their index."""

TOP = -1
"""Target: the class with the highest score."""

CLASS_MAPS = -2
"""Target: the sum over space of the largest class map, as the paper has it."""

NOTHING = -3
"""Target: no map of this head; it is zero."""

SALIENCY_NAME = 'saliency.onnx'
SALIENCY_FORMAT = 1
METADATA_KEY = 'rtcnn_saliency'
"""Metadata of the graph: the model it was made of, and its heads."""

METHOD_INPUT = 'method'
MAP_OUTPUT = 'saliency'


def target_input(attribute: str) -> str:
    """Return the name of the input for the targets of a head."""
    return f'target_{attribute}'
