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
