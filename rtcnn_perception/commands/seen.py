"""Who is seen, told as it changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame

SETTLE_S = 0.3
"""A face, or a label of it, is told once it has stood for so long."""
GONE_S = 1.0
"""A face is gone when it was not seen for so long; a track may coast as long and come back."""
REMEMBERED = 50
"""Faces of which the summary can tell; of earlier ones only the number is kept."""
SPOKEN_ORDER = ('gender', 'emotion')


@dataclass
class _Visit:
    """What is known of one track."""

    first: float
    last: float
    frames: int = 0
    told: Mapping[str, str] | None = None
    wanted: Mapping[str, str] = field(default_factory=dict)
    wanted_since: float = 0.0
    words: str = ''
    is_gone: bool = False


class SeenLog:
    """
    Turn judged frames into lines for people, one for each change that lasts.

    :param labels: class names by attribute, in the order of the probabilities
    """

    def __init__(self, labels: Mapping[str, tuple[str, ...]]) -> None:
        self.tracks = 0
        self.most_at_once = 0
        self._labels = labels
        self._visits: OrderedDict[int, _Visit] = OrderedDict()
        self._highest_id = 0

    def update(self, judged: JudgedFrame, now: float) -> list[str]:
        """Take in a frame at ``now`` (seconds since the run began); return the lines to print."""
        self.most_at_once = max(self.most_at_once, len(judged.faces))
        lines = []
        for face in judged.faces:
            visit = self._visit(face.track.track_id, now)
            line = self._look(visit, face, now)
            if line:
                lines.append(f'{now:6.1f} s  face {face.track.track_id}: {line}')
        return [*lines, *self._farewells(now)]

    def summary(self) -> list[str]:
        """Return a line for each face that was told of, as it was last seen."""
        return [
            f'face {number}: seen from {visit.first:.1f} to {visit.last:.1f} s, {visit.words}'
            for number, visit in sorted(self._visits.items())
            if visit.told is not None
        ]

    def _visit(self, track_id: int, now: float) -> _Visit:
        visit = self._visits.get(track_id)
        if visit is None:
            # Ids only grow, so that one that was forgotten here is not counted again.
            self.tracks += track_id > self._highest_id
            self._highest_id = max(self._highest_id, track_id)
            visit = self._visits[track_id] = _Visit(first=now, last=now)
            if len(self._visits) > REMEMBERED:
                self._visits.popitem(last=False)
        # Who was not seen for longest is forgotten first.
        self._visits.move_to_end(track_id)
        visit.last = now
        visit.frames += 1
        return visit

    def _look(self, visit: _Visit, face: JudgedFace, now: float) -> str:
        best = {name: int(row.argmax()) for name, row in face.smoothed.items()}
        named = {name: self._labels[name][index] for name, index in best.items()}
        visit.words = (
            ', '.join(
                f'{named[name]} {float(face.smoothed[name][best[name]]):.2f}'
                for name in SPOKEN_ORDER
                if name in named
            )
            or 'not judged'
        )
        if named != visit.wanted or visit.frames == 1:
            visit.wanted, visit.wanted_since = named, now
        if visit.is_gone:
            visit.is_gone = False
            visit.told = None
        if named == visit.told or now - visit.wanted_since < SETTLE_S:
            return ''
        visit.told = named
        return visit.words

    def _farewells(self, now: float) -> list[str]:
        lines = []
        for number, visit in self._visits.items():
            if visit.is_gone or visit.told is None or now - visit.last < GONE_S:
                continue
            visit.is_gone = True
            lines.append(
                f'{now:6.1f} s  face {number}: gone, seen for {visit.last - visit.first:.1f} s'
            )
        return lines
