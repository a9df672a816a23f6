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

"""Statistics of the messages that a benchmark received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rtcnn_perception.core.statistics import LatencySummary
from rtcnn_perception.core.statistics import summarise

LOST_S = 1.0
"""A face that was not detected for longer may return under another id."""
COASTED = 2
"""Face.COASTED: the box is predicted, the detector did not find the face."""


@dataclass(frozen=True)
class Received:
    """
    The part of a FaceAttributes message that is kept.

    ``stamp`` and ``received_at`` in seconds of the system's clock, ``faces`` as pairs of track id
    and state, largest face first, ``detect_s`` and ``classify_s`` as in the message.
    """

    stamp: float
    received_at: float
    faces: tuple[tuple[int, int], ...]
    detect_s: float
    classify_s: float
    frames_dropped: int


@dataclass(frozen=True)
class ClipResult:
    """
    Statistics of a clip with one person.

    ``detected`` is the share of the messages in which the detector found a face,
    ``detected_of_all`` the share of all frames, so that one without a message counts as not
    detected; ``with_face`` is the share of the messages with a face, detected or coasted.
    ``id_changes`` counts the changes of the person's id, and ``early_changes`` those after less
    than ``LOST_S`` without a detection.
    """

    frames: int
    messages: int
    with_face: float
    detected: float
    detected_of_all: float
    id_changes: int
    early_changes: int


def summarise_clip(messages: Sequence[Received], frames: int) -> ClipResult:
    """Summarise a clip of ``frames`` frames that shows one person."""
    changes = early = 0
    last_id: int | None = None
    last_detected = -np.inf
    for message in messages:
        if not message.faces:
            continue
        states = dict(message.faces)
        if last_id not in states:
            if last_id is not None:
                changes += 1
                early += message.stamp - last_detected <= LOST_S
            last_id = message.faces[0][0]
        state = states[last_id]
        if state != COASTED:
            last_detected = message.stamp
    count = max(len(messages), 1)
    detected = sum(any(state != COASTED for _, state in message.faces) for message in messages)
    return ClipResult(
        frames=frames,
        messages=len(messages),
        with_face=sum(bool(message.faces) for message in messages) / count,
        detected=detected / count,
        detected_of_all=detected / max(frames, 1),
        id_changes=changes,
        early_changes=early,
    )


def percentiles_ms(seconds: Sequence[float]) -> LatencySummary:
    """Return the percentiles in milliseconds of durations given in seconds, without any NaN."""
    values = np.array(seconds, np.float64) * 1e3
    return summarise(values[np.isfinite(values)])


@dataclass(frozen=True)
class Drift:
    """Resident memory over a run, in MB: at its start once warm, at its end, and the trend."""

    start_mb: float
    end_mb: float
    highest_mb: float
    per_10000_frames_mb: float


def drift(frames: Sequence[int], resident_mb: Sequence[float]) -> Drift:
    """
    Fit a line to the memory of a process.

    :param frames: number of processed frames at each sample, increasing
    :param resident_mb: its resident memory at each sample
    :raises ValueError: if there are fewer than three samples
    """
    if len(frames) < 3:
        raise ValueError(f'a trend needs 3 samples, got {len(frames)}')
    slope = float(np.polyfit(np.array(frames, float), np.array(resident_mb, float), 1)[0])
    return Drift(
        start_mb=resident_mb[0],
        end_mb=resident_mb[-1],
        highest_mb=max(resident_mb),
        per_10000_frames_mb=1e4 * slope,
    )
