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

"""The outputs of the humans node as rows, and the packages that each one needs."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
import importlib
import importlib.util
import os

from rclpy.node import Node
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters


@dataclass(frozen=True)
class OutputRow:
    """
    What makes an output.

    :param modules: those of this folder that publish it; what two outputs share runs once
    :param packages: ROS packages of its messages that a robot need not have
    """

    modules: tuple[str, ...]
    packages: tuple[str, ...] = ()


OUTPUTS: Mapping[str, OutputRow] = {
    'events': OutputRow(('presence',)),
    'who': OutputRow(('presence',)),
    'poses': OutputRow(('poses', 'transforms'), ('tf2_msgs',)),
    'markers': OutputRow(('markers',), ('visualization_msgs',)),
    'vision': OutputRow(('vision',), ('vision_msgs',)),
    'hri': OutputRow(('hri', 'transforms'), ('hri_msgs', 'tf2_msgs')),
}
"""The outputs by the values of the parameter ``outputs``."""


def load_outputs(node: Node, parameters: HumansParameters) -> tuple[Output, ...]:
    """
    Make the outputs that are asked for.

    :raises ConfigurationError: if a package that one needs is not installed
    """
    rows = [OUTPUTS[name] for name in parameters.outputs]
    for name, row in zip(parameters.outputs, rows, strict=True):
        _check_packages(name, row.packages)
    made: list[Output] = []
    try:
        for module in dict.fromkeys(module for row in rows for module in row.modules):
            made.append(_make(module, node, parameters))  # noqa: PERF401 - those before are closed
    except Exception:
        for output in made:
            output.close()
        raise
    return tuple(made)


def _make(module: str, node: Node, parameters: HumansParameters) -> Output:
    # Imported here: the messages of those that are not asked for need not be installed.
    made: Output = importlib.import_module(f'rtcnn_perception.nodes.humans.{module}').make(
        node, parameters
    )
    return made


def _check_packages(name: str, packages: Iterable[str]) -> None:
    missing = [each for each in packages if importlib.util.find_spec(each) is None]
    if missing:
        distribution = os.environ.get('ROS_DISTRO') or '<distribution>'
        names = ' '.join(f'ros-{distribution}-{each.replace("_", "-")}' for each in missing)
        raise ConfigurationError(
            f'output {name} needs {" and ".join(missing)}: apt install {names}, or leave {name} '
            'out of the parameter outputs'
        )
