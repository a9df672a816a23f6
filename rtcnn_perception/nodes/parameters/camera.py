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

"""Parameters of the camera node."""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.decoding.limits import MAX_MEGAPIXELS
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import setting
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.parameters.node import QOS_DESCRIPTION
from rtcnn_perception.nodes.qos import LOW_RATE
from rtcnn_perception.nodes.qos import QOS


@dataclass(frozen=True)
class CameraParameters(NodeParameters):
    """The source of images: a topic, or the node's own source."""

    image_transport: str = setting(
        'raw',
        'raw subscribes to image_raw, compressed to image_raw/compressed; remap image_raw',
        choices=('raw', 'compressed'),
        read_at=ReadAt.ACTIVATION,
    )
    qos: str = setting('auto', QOS_DESCRIPTION, choices=tuple(QOS), read_at=ReadAt.ACTIVATION)
    source: str = setting(
        '',
        "instead of a topic: 'builtin', a device such as /dev/video0, a video, a GIF, a picture "
        'or a folder of pictures; empty for the topic',
        read_at=ReadAt.ACTIVATION,
    )
    source_width: int = setting(
        0,
        'width to request of a device, together with source_height; 0 keeps its setting',
        unit='pixel',
        minimum=0,
        maximum=16_384,
        read_at=ReadAt.ACTIVATION,
    )
    source_height: int = setting(
        0,
        'height to request of a device, together with source_width; 0 keeps its setting',
        unit='pixel',
        minimum=0,
        maximum=16_384,
        read_at=ReadAt.ACTIVATION,
    )
    source_fps: float = setting(
        0.0,
        'frame rate to request of a device; 0 keeps its setting',
        unit='Hz',
        minimum=0.0,
        maximum=1000.0,
        read_at=ReadAt.ACTIVATION,
    )
    source_rate: float = setting(
        0.0,
        'frame rate at which a file is played; 0 for its own',
        unit='Hz',
        minimum=0.0,
        maximum=1000.0,
        is_live=True,
    )
    source_loop: bool = setting(True, 'play a file again when it ends', is_live=True)
    frame_id: str = setting(
        'camera_optical_frame',
        'frame_id in the headers of the images of the own source',
        read_at=ReadAt.ACTIVATION,
    )
    expected_rate: float = setting(
        0.0,
        f'diagnostics warn when images come at less than {LOW_RATE:.0%} of this rate; 0 for the '
        'best steady rate at which the topic was published, and for no limit on an own source',
        unit='Hz',
        minimum=0.0,
        maximum=1000.0,
        is_live=True,
    )
    max_megapixels: float = setting(
        MAX_MEGAPIXELS,
        'images that are larger are refused',
        unit='10^6 pixels',
        minimum=0.01,
        maximum=MAX_MEGAPIXELS,
        read_at=ReadAt.ACTIVATION,
    )
