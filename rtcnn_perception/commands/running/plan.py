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

"""From the options of ``run`` to parameters, topics and a duration."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
import re

from rtcnn_perception.commands.options import items
from rtcnn_perception.commands.options import refuse_overwriting
from rtcnn_perception.commands.running.recorder import recorded_files
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.sources.open import BUILTIN
from rtcnn_perception.core.sources.open import device_number
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.pictures import PictureSource
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import with_home

TOPIC = 'topic:'
TOPIC_NAME = r'(?!.*__)(?:~?/)?[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*'
"""What ROS accepts as a topic name."""
DEFAULT_S = 10.0
PICTURE_S = 3.0
"""Duration of a picture: long enough for tracks and smoothing to settle."""


@dataclass(frozen=True)
class Plan:
    """
    What to run.

    ``source`` is its name; ``duration`` in seconds, None for no end but the source's; ``expected``
    likewise, with that end, None where it is unknown; ``fps`` of the source, None where it is
    unknown.
    """

    source: str
    parameters: dict[str, object]
    remappings: dict[str, str]
    duration: float | None
    expected: float | None
    fps: float | None = None


def make_plan(args: argparse.Namespace) -> Plan:
    """
    Work out parameters, topics and duration.

    :raises SourceError: if the source does not exist or cannot be decoded
    :raises ConfigurationError: if the parameter file does not exist or cannot be used, or the
        source is what the run would write
    """
    if args.params is not None and not is_file(args.params):
        raise ConfigurationError(f'there is no parameter file {args.params}')
    parameters: dict[str, object] = {}
    if args.detector is not None:
        detector = parse_detector(args.detector)
        parameters['detector.name'] = detector.name
        parameters['detector.model_path'] = detector.model_path
    if args.attributes is not None:
        parameters['attributes'] = items(args.attributes)
    if args.horizontal_fov is not None:
        parameters['pose.horizontal_fov'] = args.horizontal_fov
    source_name = args.source
    if source_name is None:
        source_name = _source_in(args.params) or BUILTIN
    if source_name.startswith(TOPIC):
        return _plan_topic(source_name, args.duration, parameters)
    parameters |= {'source': source_name, 'source_loop': False}
    refuse_overwriting(
        [with_home(source_name)], recorded_files(args.output, has_video=not args.no_video)
    )
    default = DEFAULT_S
    length: float | None = None
    fps: float | None = None
    if device_number(source_name) is None:  # a camera is not opened twice: that takes seconds
        source = open_source(source_name)
        fps = source.fps
        length = source.length_s
        if length is not None:
            default = 0.0
        elif isinstance(source, PictureSource):
            default = PICTURE_S
        elif source_name != BUILTIN:
            default = 0.0  # a film that does not say its length is played to its end
        source.close()
        if isinstance(source, PictureSource):
            # Nothing moves in a picture: a face that is not detected is not there.
            parameters['tracker.max_coast'] = 0.0
    duration = (default if args.duration is None else args.duration) or None
    ends = [seconds for seconds in (duration, length) if seconds is not None]
    return Plan(source_name, parameters, {}, duration, min(ends, default=None), fps)


def _source_in(parameter_file: Path | None) -> str:
    """Return the source that a parameter file gives to the camera, empty for none."""
    if parameter_file is None:
        return ''
    # ROS knows which of its sections applies to a node.
    from rtcnn_perception.commands.ros import parameter_in  # noqa: PLC0415
    from rtcnn_perception.nodes.parameters.camera import CameraParameters  # noqa: PLC0415
    from rtcnn_perception.nodes.parameters.names import node_name  # noqa: PLC0415

    value = parameter_in(parameter_file, node=node_name(CameraParameters), name='source')
    if not isinstance(value, str | None):
        raise ConfigurationError(f'the source in {parameter_file} must be a text, got {value}')
    return value or ''


def _plan_topic(source: str, length: float | None, parameters: dict[str, object]) -> Plan:
    topic = source[len(TOPIC) :]
    if not topic:
        raise SourceError("no topic is named; expected for instance 'topic:/camera/image_raw'")
    if not re.fullmatch(TOPIC_NAME, topic):
        raise SourceError(
            f'{topic!r} is no topic name: names are letters, digits and single underscores '
            'between slashes, and none begins with a digit'
        )
    # The compressed images and the intrinsics move with this one.
    base = topic.removesuffix('/compressed') or topic
    if base != topic:
        parameters['image_transport'] = 'compressed'
    parameters['source'] = ''
    duration = (DEFAULT_S if length is None else length) or None
    return Plan(source, parameters, {'image_raw': base}, duration, duration)


def seconds(text: str) -> float:
    """Convert an option's text to a duration; 0 is allowed."""
    value = float(text)
    if not 0.0 <= value < float('inf'):
        raise ValueError(text)
    return value
