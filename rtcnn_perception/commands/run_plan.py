"""From the options of ``run`` to parameters, topics and a duration."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
import os
import re

from rtcnn_perception.core.source_kinds import PictureSource
from rtcnn_perception.core.sources import BUILTIN
from rtcnn_perception.core.sources import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import SourceError

TOPIC = 'topic:'
DEFAULT_S = 10.0
PICTURE_S = 3.0
"""How long a picture is looked at: long enough for tracks and smoothing to settle."""


@dataclass(frozen=True)
class Plan:
    """
    What to run.

    ``duration`` in seconds, None for no end but the source's; ``expected`` likewise, with that
    end, None where it is not known; ``fps`` of the source, None where it is not known.
    """

    parameters: dict[str, object]
    remappings: dict[str, str]
    duration: float | None
    expected: float | None
    fps: float | None = None


def make_plan(args: argparse.Namespace) -> Plan:
    """
    Work out parameters, topics and duration.

    :raises SourceError: if the source does not exist or cannot be decoded
    :raises ConfigurationError: if the parameter file does not exist
    """
    # FFmpeg's own complaints would stand above the one line that says what to do.
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '8')
    if args.params is not None and not args.params.is_file():
        raise ConfigurationError(f'there is no parameter file {args.params}')
    parameters: dict[str, object] = {}
    if args.detector is not None:
        parameters['detector.name'] = args.detector
    if args.detector_model is not None:
        parameters['detector.model_path'] = args.detector_model
    if args.no_emotion:
        parameters['emotion.enabled'] = False
    if args.no_gender:
        parameters['gender.enabled'] = False
    if args.source.startswith(TOPIC):
        return _plan_topic(args, parameters)
    parameters |= {'source': args.source, 'source_loop': False}
    default = DEFAULT_S
    length: float | None = None
    fps: float | None = None
    if not _is_device(args.source):
        source = open_source(args.source)
        fps = source.fps
        if source.frame_count is not None:
            default, length = 0.0, source.frame_count / source.fps
        elif args.source != BUILTIN:
            default = PICTURE_S
        source.close()
        if isinstance(source, PictureSource):
            # Nothing moves in a picture: who is not seen in it is not there.
            parameters['tracker.max_coast_s'] = 0.0
    duration = (default if args.duration is None else args.duration) or None
    ends = [seconds for seconds in (duration, length) if seconds is not None]
    return Plan(parameters, {}, duration, min(ends, default=None), fps)


def _plan_topic(args: argparse.Namespace, parameters: dict[str, object]) -> Plan:
    topic = args.source[len(TOPIC) :]
    if not topic:
        raise SourceError("no topic is named; expected for instance 'topic:/camera/image_raw'")
    name = 'image_raw'
    if topic.endswith('/compressed'):
        parameters['image_transport'] = 'compressed'
        name = 'image_raw/compressed'
    parameters['source'] = ''
    duration = (DEFAULT_S if args.duration is None else args.duration) or None
    return Plan(parameters, {name: topic}, duration, duration)


def _is_device(text: str) -> bool:
    """Tell whether the source is a camera, which is not opened twice: that takes seconds."""
    return re.fullmatch(r'[0-9]{1,3}|/dev/.*', text) is not None


def seconds(text: str) -> float:
    """Convert an option's text to a duration; 0 is allowed."""
    value = float(text)
    if not 0.0 <= value < float('inf'):
        raise ValueError(text)
    return value
