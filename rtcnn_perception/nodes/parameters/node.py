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

"""Parameters of every node."""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.models.precision import RUNS
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import setting

QOS_DESCRIPTION = (
    'reliability of the subscription to images: auto matches the publisher, '
    'sensor_data is best effort'
)
PRECISION_DESCRIPTION = (
    'graph of a model that has one in float32 and one in eight bits: auto takes the faster one, '
    f'as measured in {RUNS} runs of each when the node is configured'
)


@dataclass(frozen=True)
class NodeParameters:
    """The parameters of every node."""

    autostart: bool = setting(
        True,
        'configure and activate at start; false leaves it to lifecycle transitions',
        read_at=ReadAt.START,
    )
    bond: bool = setting(
        False,
        "hold a bond while active, which Nav2's lifecycle manager waits for; needs bondpy",
        read_at=ReadAt.ACTIVATION,
    )
    latency_limit_ms: float = setting(
        150.0,
        'diagnostics warn when the p95 of the time from stamp to publication is above',
        unit='ms',
        minimum=0.0,
        maximum=60_000.0,
        is_live=True,
    )
    image_timeout: float = setting(
        2.0,
        'diagnostics report an error after this time in which no image comes in, or nothing comes '
        'of those that do; in the humans node all faces leave after it, or after '
        'events.leave_after where that is longer',
        unit='s',
        minimum=0.1,
        maximum=3600.0,
        is_live=True,
    )
