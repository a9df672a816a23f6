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

"""Parameters of the humans node."""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Final

from rtcnn_perception.core.presence.averages import MAX_SECONDS
from rtcnn_perception.core.presence.changes import PresenceConfig
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import setting
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.parameters.node import QOS_DESCRIPTION
from rtcnn_perception.nodes.qos import QOS

_PRESENCE = PresenceConfig()

OUTPUT_NAMES: Final = ('events', 'who', 'poses', 'markers', 'vision', 'hri')
"""What ``outputs`` may list; ``nodes/humans/registry.py`` says what each one is made of."""

ID_PREFIX: Final = re.compile(r'[A-Za-z][A-Za-z0-9_]{0,31}')


@dataclass(frozen=True)
class EventsGroup:
    """Events, and which faces ``who`` takes to be there."""

    appear_after: float = setting(
        _PRESENCE.appear_s,
        'a face appears once it has been found for so long',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    leave_after: float = setting(
        _PRESENCE.leave_s,
        'a face leaves once it has not been found for so long',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    looking_after: float = setting(
        _PRESENCE.looking_s,
        'a face starts and stops looking at the camera once it has done so for so long; it stops '
        'as well where its orientation is unknown',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    label_margin: float = setting(
        _PRESENCE.label_margin,
        'a stable label changes when another class leads by so much, a difference of '
        'probabilities',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    label_views: int = setting(
        _PRESENCE.label_views,
        'a stable label is known, and changes, from so many good views on',
        minimum=1,
        maximum=1000,
        is_live=True,
    )


@dataclass(frozen=True)
class WhoGroup:
    """Stable answers."""

    seconds: float = setting(
        _PRESENCE.seconds,
        'time over which attributes are averaged, unless a request says another one',
        unit='s',
        minimum=0.1,
        maximum=MAX_SECONDS,
        is_live=True,
    )
    min_quality: float = setting(
        _PRESENCE.min_quality,
        'a view is good, and counts for stable labels, from this quality of the face on',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )


@dataclass(frozen=True)
class HriGroup:
    """The output hri."""

    width: int = setting(
        128,
        'width of the images cropped and aligned, which REP-155 calls /humans/faces/width',
        unit='pixel',
        minimum=16,
        maximum=1024,
    )
    height: int = setting(
        128,
        'height of the images cropped and aligned, which REP-155 calls /humans/faces/height',
        unit='pixel',
        minimum=16,
        maximum=1024,
    )


@dataclass(frozen=True)
class HumansParameters(NodeParameters):
    """Who is there, in messages of this package and of others."""

    outputs: tuple[str, ...] = setting(
        ('events', 'who'),
        'what is published: any of ' + ', '.join(OUTPUT_NAMES) + '; an empty list for nothing',
    )
    id_prefix: str = setting(
        'f',
        'beginning of the ids of faces, such as f00001, in poses, markers, vision and hri: a '
        'letter, then letters, digits and _; another one for each camera of a robot',
    )
    qos: str = setting('auto', QOS_DESCRIPTION, choices=tuple(QOS), read_at=ReadAt.ACTIVATION)
    join_frames: int = setting(
        15,
        'maximum number of images that wait for their attributes, where crops are subscribed to '
        'and the classifier is another process',
        unit='frames',
        minimum=1,
        maximum=300,
        read_at=ReadAt.ACTIVATION,
    )
    events: EventsGroup = EventsGroup()
    who: WhoGroup = WhoGroup()
    hri: HriGroup = HriGroup()

    def __post_init__(self) -> None:
        """Refuse outputs that do not exist, and prefixes that no id may have."""
        for name in self.outputs:
            if name not in OUTPUT_NAMES:
                known = ', '.join(OUTPUT_NAMES)
                raise ConfigurationError(
                    f'parameter outputs must be some of {known}, got {name!r}'
                )
        if not ID_PREFIX.fullmatch(self.id_prefix):
            raise ConfigurationError(
                'parameter id_prefix must be a letter, and up to 31 letters, digits and _ after '
                f'it, got {self.id_prefix!r}'
            )

    @property
    def presence(self) -> PresenceConfig:
        """Return what the core needs of events and stable answers."""
        return PresenceConfig(
            appear_s=self.events.appear_after,
            leave_s=self.events.leave_after,
            looking_s=self.events.looking_after,
            label_margin=self.events.label_margin,
            label_views=self.events.label_views,
            seconds=self.who.seconds,
            min_quality=self.who.min_quality,
        )

    def id_of(self, track_id: int) -> str:
        """Return the id of a face, such as f00001."""
        return f'{self.id_prefix}{track_id:05d}'
