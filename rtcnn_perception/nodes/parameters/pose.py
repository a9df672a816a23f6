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

"""Parameters of the poses of heads, a group of the classifier node's."""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.pose.intrinsics import MOST_FOV
from rtcnn_perception.core.pose.looking import LookingConfig
from rtcnn_perception.core.pose.stage import PoseConfig
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import setting

RAW, COMPRESSED = 'raw', 'compressedDepth'

_POSE = PoseConfig()
_LOOKING = LookingConfig()


@dataclass(frozen=True)
class PoseGroup:
    """Poses of heads, where the camera's intrinsics are known."""

    enabled: bool = setting(True, 'estimate where heads are and where they point')
    horizontal_fov: float = setting(
        0.0,
        'horizontal field of view of a camera without distortion, 1 and above; 0 subscribes to '
        'camera_info',
        unit='degree',
        minimum=0.0,
        maximum=MOST_FOV,
    )
    rectified: bool = setting(
        False, 'the images are rectified: take P of camera_info, and no distortion'
    )
    pupil_distance: float = setting(
        _POSE.pupil_distance,
        'distance of the pupils of who is seen: a distance is wrong by as many per cent as this; '
        'children have 0.050 to 0.058',
        unit='m',
        minimum=0.03,
        maximum=0.1,
        is_live=True,
    )
    smoothing: float = setting(
        _POSE.smoothing,
        'time constant of the average of a head that rests; one that moves is averaged less; 0 '
        'for no smoothing',
        unit='s',
        minimum=0.0,
        maximum=10.0,
        is_live=True,
    )
    looking_begin: float = setting(
        _LOOKING.begin,
        'a head begins to look at the camera when it points closer to it than this',
        unit='degree',
        minimum=1.0,
        maximum=180.0,
        is_live=True,
    )
    looking_end: float = setting(
        _LOOKING.end,
        'it looks there until it points farther beside the camera than this',
        unit='degree',
        minimum=1.0,
        maximum=180.0,
        is_live=True,
    )

    depth: bool = setting(
        False,
        'subscribe to depth images that are registered to the camera (depth_registered/image_rect)'
        ': distances by depth, and faces that no head can have',
    )
    depth_transport: str = setting(
        RAW,
        'raw subscribes to the topic itself, compressedDepth to the one below it',
        choices=(RAW, COMPRESSED),
    )
    depth_offset: float = setting(
        0.1,
        'stamps of a depth image and of an image may differ by so much',
        unit='s',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )

    @property
    def config(self) -> PoseConfig:
        """Return the same for the core."""
        return PoseConfig(
            self.pupil_distance,
            self.smoothing,
            LookingConfig(self.looking_begin, self.looking_end),
        )

    def __post_init__(self) -> None:
        """Refuse angles that contradict each other, and half a degree of view."""
        if self.looking_end < self.looking_begin:
            raise ConfigurationError(
                'parameter pose.looking_end must be pose.looking_begin or above, got '
                f'{self.looking_end:g} and {self.looking_begin:g}'
            )
        if 0.0 < self.horizontal_fov < 1.0:
            raise ConfigurationError(
                'parameter pose.horizontal_fov must be 0, or 1 and more degrees, got '
                f'{self.horizontal_fov:g}'
            )


POSE = PoseGroup()
"""The group with its defaults."""
