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

"""A log of tracks: one line for each change of a face's labels that lasts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult

SETTLE_S = 0.3
"""A new face, or a new label of one, is logged once it has lasted for so long."""
LOST_S = 1.0
"""A face is lost when it has no track for so long; a track may coast as long and return."""
MAX_FACES = 50
"""Faces in the summary at most; of earlier ones only the number is kept."""


@dataclass
class _Entry:
    """What is known of one track."""

    first: float
    last: float
    frames: int = 0
    logged: Mapping[str, str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    labels_since: float = 0.0
    text: str = ''
    is_lost: bool = False


class TrackLog:
    """Turn results into lines, one for each change that lasts."""

    def __init__(self) -> None:
        self.tracks = 0
        self.most_at_once = 0
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._highest_id = 0

    def update(self, result: FrameResult, now: float) -> list[str]:
        """Take a result at ``now`` (seconds since the run began); return the lines to print."""
        self.most_at_once = max(self.most_at_once, len(result.faces))
        lines = []
        for face in result.faces:
            texts = result.texts(face, '.2f')
            line = self._change(self._entry(face.track_id, now), face, texts, now)
            if line:
                lines.append(f'{now:6.1f} s  face {face.track_id}: {line}')
        while len(self._entries) > max(MAX_FACES, len(result.faces)):
            self._entries.popitem(last=False)
        return [*lines, *self._lost(now)]

    def summary(self) -> list[str]:
        """Return a line for each face that was logged, with its last labels."""
        return [
            f'face {number}: tracked from {entry.first:.1f} to {entry.last:.1f} s, {entry.text}'
            for number, entry in sorted(self._entries.items())
            if entry.logged is not None
        ]

    def _entry(self, track_id: int, now: float) -> _Entry:
        entry = self._entries.get(track_id)
        if entry is None:
            # Ids only grow, so that one that was removed here is not counted again.
            self.tracks += track_id > self._highest_id
            self._highest_id = max(self._highest_id, track_id)
            entry = self._entries[track_id] = _Entry(first=now, last=now)
        # The first to be removed is the one without a track for the longest time.
        self._entries.move_to_end(track_id)
        entry.last = now
        entry.frames += 1
        return entry

    def _change(self, entry: _Entry, face: Face, texts: Sequence[str], now: float) -> str:
        labels = {name: each.shown_label for name, each in face.attributes.items()}
        entry.text = ', '.join(texts) or 'no attributes'
        if labels != entry.labels or entry.frames == 1:
            entry.labels, entry.labels_since = labels, now
        if entry.is_lost:
            entry.is_lost = False
            entry.logged = None
        if labels == entry.logged or now - entry.labels_since < SETTLE_S:
            return ''
        entry.logged = labels
        return entry.text

    def _lost(self, now: float) -> list[str]:
        lines = []
        for number, entry in self._entries.items():
            if entry.is_lost or entry.logged is None or now - entry.last < LOST_S:
                continue
            entry.is_lost = True
            duration = entry.last - entry.first
            lines.append(f'{now:6.1f} s  face {number}: lost, tracked for {duration:.1f} s')
        return lines
