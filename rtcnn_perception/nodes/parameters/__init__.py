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

"""
The parameters of all nodes.

Each node has a table in a module of its name, the one place with default, unit, bounds and
description; ``docs/parameter_pages.py`` writes the YAML file and the pages from them.
"""

from __future__ import annotations

from rtcnn_perception.nodes.parameters.camera import CameraParameters
from rtcnn_perception.nodes.parameters.classifier import ClassifierParameters
from rtcnn_perception.nodes.parameters.detector import DetectorParameters
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.parameters.node import NodeParameters

TABLES: tuple[type[NodeParameters], ...] = (
    CameraParameters,
    DetectorParameters,
    ClassifierParameters,
    HumansParameters,
)
"""The tables of all nodes, in the order in which frames pass."""
