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
Follow who is there: events with hysteresis, and the answer to who is there now.

A face is there once it has been found for a while, and gone once it has not been found for a
while; in between nothing is said about it. So a behaviour gets one event where a track flickers.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import threading
from typing import Final

import numpy as np
from rtcnn_perception.core.forward_clock import ForwardClock
from rtcnn_perception.core.forward_clock import LONGEST_STEP_BACK_S
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.presence.averages import NOTHING
from rtcnn_perception.core.presence.averages import StableAttribute
from rtcnn_perception.core.presence.averages import ViewAverage
from rtcnn_perception.core.presence.changes import Change
from rtcnn_perception.core.presence.changes import ChangeKind
from rtcnn_perception.core.presence.changes import PAUSE_S
from rtcnn_perception.core.presence.changes import PresenceConfig
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult

LABEL_BEGINS: Final = 0.4
LABEL_ENDS: Final = 0.6
"""Shares of the views that a rule leaves without a label, up to which an event has one."""

MAX_FACES: Final = 1024
"""Above so many faces the one that was found least recently is gone: memory is bounded."""


@dataclass(frozen=True, slots=True)
class PresentFace:
    """
    A face that is there, and what is known of it over some time.

    ``face`` is as in ``frame``, the last one that had it, kept without its image. ``since_ns`` is
    the stamp of the frame in which it was first found here, and ``looking_since_ns`` the one from
    which on it looks at the camera, 0 if it does not. ``attributes`` are those of the last frame.
    """

    face: Face
    frame: Frame
    since_ns: int
    looking_since_ns: int
    attributes: Mapping[str, StableAttribute]


@dataclass(slots=True)
class _State:
    """
    What is known of a face, and which of it was reported in changes.

    Times are in seconds that never go back; ``differs_since`` is since when, in seconds and as a
    stamp, the face contradicts ``is_looking``.
    """

    face: Face  # of the last frame that had it, in which it may be coasted
    frame: Frame  # that one, without its image
    found: Face  # of the last frame in which it was found
    found_frame: Frame
    since_ns: int
    first_time: float
    found_time: float
    oriented_time: float = 0.0  # when last there was an orientation
    is_there: bool = False
    is_looking: bool = False
    looking_since_ns: int = 0
    differs_since: tuple[float, int] | None = None
    averages: dict[str, ViewAverage] = field(default_factory=dict)
    views: dict[str, tuple[int, float]] = field(default_factory=dict)  # good ones; the last's time
    labels: dict[str, str] = field(default_factory=dict)
    has_reported_presence: bool = False
    has_reported_looking: bool = False
    reported_labels: dict[str, str] = field(default_factory=dict)


class Presence:
    """
    Follows who is there.

    One thread updates, any may ask. ``config`` may be replaced at any time.
    """

    def __init__(self, config: PresenceConfig | None = None) -> None:
        """Start without a face."""
        self.config = config or PresenceConfig()
        self._lock = threading.Lock()
        self._clock = ForwardClock()
        self._states: dict[int, _State] = {}
        self._last: FrameResult | None = None

    def __len__(self) -> int:
        return len(self._states)

    def update(self, result: FrameResult) -> tuple[Change, ...]:
        """Take the faces of a frame, and return what has changed with it, in order."""
        with self._lock:
            # Without the image, which would be kept in memory until the next one.
            frame = result.frame.without_image()
            changes = [] if self._follows(frame) else self._all_departures()
            self._clock.advance(frame.time)
            self._last = replace(result, frame=frame, faces=())
            for face in result.faces:
                self._take(face, self._last)
            changes += self._departures()
            for state in self._states.values():
                changes += _arrival(state)
            return tuple(changes)

    def clear(self) -> tuple[Change, ...]:
        """Let all faces leave, as at the end of the camera; return these changes."""
        with self._lock:
            changes = self._all_departures()
            self._last = None
            return tuple(changes)

    def people(self, seconds: float = 0.0) -> tuple[FrameResult | None, tuple[PresentFace, ...]]:
        """
        Return who is there now.

        :param seconds: over which attributes are averaged, up to ``MAX_SECONDS``; 0 for those of
            ``config``
        :returns: the last frame, without image and faces, None before the first one; and the
            faces, nearest first where all have a pose, else the largest first
        """
        with self._lock:
            people = [
                PresentFace(
                    state.face,
                    state.frame,
                    state.since_ns,
                    state.looking_since_ns,
                    self._stable(state, seconds or self.config.seconds),
                )
                for state in self._states.values()
                if state.is_there
            ]
            return self._last, tuple(_by_nearness(people))

    def _stable(self, state: _State, seconds: float) -> dict[str, StableAttribute]:
        """Return what is classified now; a face may have been classified otherwise before."""
        found = {}
        for info in () if self._last is None else self._last.attributes:
            average = state.averages.get(info.name)
            if average is None or average.labels != info.labels:
                found[info.name] = NOTHING
            else:
                found[info.name] = average.over(self._now, seconds)
        return found

    @property
    def _now(self) -> float:
        return self._clock.now

    def _follows(self, frame: Frame) -> bool:
        """Return whether the tracks of the last frame may go on in this one."""
        if self._last is None:
            return True
        last = self._last.frame
        is_same_camera = (frame.frame_id, frame.size_wh) == (last.frame_id, last.size_wh)
        return is_same_camera and frame.time >= last.time - LONGEST_STEP_BACK_S

    def _all_departures(self) -> list[Change]:
        changes = [each for state in self._states.values() for each in _departure(state)]
        self._states.clear()
        return changes

    def _take(self, face: Face, result: FrameResult) -> None:
        state = self._states.get(face.track_id)
        if face.is_coasted:  # predicted, and not found
            if state is not None:
                state.face, state.frame = face, result.frame
                self._doubt_look(state)
            return
        stamp_ns = result.frame.stamp_ns or result.frame.received_ns
        if state is None:
            frame = result.frame
            state = _State(face, frame, face, frame, stamp_ns, self._now, self._now)
            self._states[face.track_id] = state
        state.face = state.found = face
        state.frame = state.found_frame = result.frame
        state.found_time = self._now
        state.is_there |= self._now - state.first_time >= self.config.appear_s
        self._take_looking(state, stamp_ns)
        for info in result.attributes:
            self._take_attribute(state, info)

    def _take_looking(self, state: _State, stamp_ns: int) -> None:
        pose, is_looking = state.found.pose, False
        if pose is not None and pose.rotation is not None:
            is_looking, state.oriented_time = pose.is_looking, self._now
        elif not state.is_looking:
            self._doubt_look(state)
            return
        if is_looking == state.is_looking:
            state.differs_since = None
            return
        since, since_ns = state.differs_since = state.differs_since or (self._now, stamp_ns)
        if self._now - since >= self.config.looking_s:
            state.is_looking, state.differs_since = not state.is_looking, None
            state.looking_since_ns = since_ns if state.is_looking else 0

    def _doubt_look(self, state: _State) -> None:
        """Let what a frame showed of looking be forgotten where none has shown it for long."""
        if self._now - state.oriented_time > self.config.looking_s:
            state.differs_since = None

    def _take_attribute(self, state: _State, info: AttributeInfo) -> None:
        average = state.averages.get(info.name)
        if average is None or average.labels != info.labels:
            average = state.averages[info.name] = ViewAverage(info.labels)
            state.views.pop(info.name, None)
        attribute, quality = state.found.attributes.get(info.name), state.found.quality
        if attribute is None or quality <= 0.0 or quality < self.config.min_quality:
            return
        # What a rule leaves without a label is not to be labelled here either.
        if attribute.label:
            is_first = average.add(self._now, attribute.raw_probabilities, quality)
        else:
            is_first = average.add_bare(self._now)
        views = self._count_view(state, info.name)
        label = state.labels.get(info.name, '')
        # A mean costs more than all the rest of a face: a known label waits for the next bucket.
        least = self.config.label_views
        if views < least or (not is_first and (label or views > least)):
            return
        # A label that is known stays where some more of the views lack one.
        most_bare = LABEL_ENDS if label else LABEL_BEGINS
        mean = average.over(self._now, self.config.seconds, most_bare)
        if label in info.labels and mean.label:
            behind = float(mean.probabilities[info.labels.index(label)])
            if mean.confidence - behind < self.config.label_margin:
                return
        if label or mean.label:
            state.labels[info.name] = mean.label

    def _count_view(self, state: _State, name: str) -> int:
        """Return how many good views there were since the first one, or since a pause."""
        count, last = state.views.get(name, (0, self._now))
        if self._now - last > max(self.config.seconds, PAUSE_S):
            count = 0
        state.views[name] = (count + 1, self._now)
        return count + 1

    def _departures(self) -> Iterator[Change]:
        """Forget the faces that are gone, and yield their changes."""
        surplus = len(self._states) - MAX_FACES
        by_time = sorted(self._states.items(), key=lambda item: item[1].found_time)
        for number, (track_id, state) in enumerate(by_time):
            missing_s = self._now - state.found_time
            if number < surplus or (missing_s > 0.0 and missing_s >= self.config.leave_s):
                del self._states[track_id]
                yield from _departure(state)


def _arrival(state: _State) -> Iterator[Change]:
    """Yield what is not reported yet of a face that is there."""
    face, frame = state.found, state.found_frame
    if not state.is_there:
        return
    if not state.has_reported_presence:
        state.has_reported_presence = True
        yield Change(ChangeKind.APPEARED, face, frame)
    if state.is_looking != state.has_reported_looking:
        state.has_reported_looking = state.is_looking
        kind = ChangeKind.STARTED_LOOKING if state.is_looking else ChangeKind.STOPPED_LOOKING
        yield Change(kind, face, frame)
    for name, label in state.labels.items():
        before = state.reported_labels.get(name, '')
        if label != before:
            state.reported_labels[name] = label
            yield Change(ChangeKind.LABEL_CHANGED, face, frame, name, label, before)


def _departure(state: _State) -> Iterator[Change]:
    """Yield the changes with which a face is gone; one that was not reported has none."""
    if state.has_reported_looking:
        yield Change(ChangeKind.STOPPED_LOOKING, state.found, state.found_frame)
    if state.has_reported_presence:
        yield Change(ChangeKind.LEFT, state.found, state.found_frame)


def _by_nearness(faces: list[PresentFace]) -> list[PresentFace]:
    """Sort faces, nearest first where all have a pose, else the largest first."""
    poses = [each.face.pose for each in faces]
    distances = [float(np.linalg.norm(pose.position)) for pose in poses if pose is not None]
    if len(distances) < len(faces):
        return sorted(faces, key=lambda each: -each.face.box.area)
    ranked = sorted(zip(distances, range(len(faces)), strict=True))
    return [faces[index] for _, index in ranked]
