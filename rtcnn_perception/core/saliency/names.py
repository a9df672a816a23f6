# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

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
