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

"""Changes of a node's parameters, which its state allows or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rclpy.node import Node
from rclpy.parameter import Parameter
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import declare_items
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import setting_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.node import NodeParameters

P = TypeVar('P', bound=NodeParameters)

REFUSALS = {
    ReadAt.CONFIGURATION: (
        ('unconfigured',),
        'when the node is configured: deactivate it and clean it up, set the parameter, then '
        'configure and activate it',
    ),
    ReadAt.ACTIVATION: (
        ('unconfigured', 'inactive'),
        'when the node is activated: deactivate it, set the parameter, then activate it',
    ),
}
"""
States in which a parameter may be changed, and what is said in others; by when it is read.

ROS itself refuses to change what is read at the start.
"""


def changed(node: Node, before: P, changes: Iterable[Parameter], state: str) -> P:
    """
    Return the parameters of a node after changes, and declare those of further items of lists.

    :param before: the present parameters
    :param changes: what ROS is to set; values of others than the table's are ignored
    :param state: label of the node's lifecycle state
    :raises ConfigurationError: if a value cannot be used, or not be changed in this state
    """
    # What stands in ROS, and not in ``before``: it also has those of items that were listed once.
    values = {name: each.value for name, each in node.get_parameters_by_prefix('').items()}
    values.update({each.name: each.value for each in changes})
    after = build(type(before), values)
    _check_state(node, before, after, state)
    items = declare_items(node, after)
    return build(type(before), {**items, **values})


def _check_state(node: Node, before: P, after: P, state: str) -> None:
    present = dict(values_of(before))
    for name, value in values_of(after):
        table = setting_of(type(before), name)
        if table is None or present.get(name, value) == value or table.read_at not in REFUSALS:
            continue
        states, advice = REFUSALS[table.read_at]
        if state not in states:
            whose = f'{node.get_fully_qualified_name()}, which is {state},'
            raise ConfigurationError(f'parameter {name} of {whose} is read {advice}')
