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

"""The part of a soak in which the camera node plays a film that ends, vanishes and returns."""

from __future__ import annotations

from pathlib import Path
import time

import cv2
from frames import scenes
from frames import SIZES
from record import Record
from rig import NODES
from rig import Rig
from rig import SoakError

FILM_FRAMES = 240
RATE = 200.0
"""Frames per second at which it is played, in a loop."""


def write_film(path: Path) -> None:
    """Write a film of the scenes in one size."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 30.0, SIZES[0])
    if not writer.isOpened():
        raise SoakError(f'no film can be written to {path}')
    images = [image for image in scenes() if image.shape[1::-1] == SIZES[0]]
    for index in range(FILM_FRAMES):
        writer.write(images[index // 10 % len(images)])
    writer.release()


class FilmPart:
    """A film as the source, and what happens to its file meanwhile."""

    def __init__(self, rig: Rig, record: Record, film: Path) -> None:
        self.rig, self.record, self.film = rig, record, film
        self._whole = film.read_bytes()

    def play(self, count: int) -> None:
        """Play the film in a loop."""
        self._until_published(count)

    def end(self, count: int) -> None:
        """Play the film once, whose end diagnostics report."""
        self._until_published(count // 2)
        self.rig.set_parameter('camera', 'source_loop', False)
        self.rig.wait(lambda: 'has ended' in self.rig.status['camera']['says'], 'the end')
        self.rig.set_parameter('camera', 'source_loop', True)
        self.record.events['sources ended'] += 1

    def vanish(self, count: int) -> None:
        """Remove the file, so that it is gone when the film begins anew, and put it back."""
        self.film.unlink()
        self._until_error()
        self.film.write_bytes(self._whole)
        self.record.events['sources gone and back'] += 1
        self._until_published(count)

    def damage(self, count: int) -> None:
        """Cut the file off, so that a part of it can be read, and then nothing."""
        for size in (len(self._whole) // 2, 100):
            self.film.write_bytes(self._whole[:size])
            self._until_error()
            self.record.events['sources damaged'] += 1
        self.film.write_bytes(self._whole)
        self._until_published(count)

    def refuse(self, count: int) -> None:
        """Activate the camera without its file, which is refused, and again with it."""
        self._until_published(count // 2)
        self._change('deactivate')
        self.film.unlink()
        if self.rig.change_state('camera', 'activate'):
            raise SoakError('the camera is activated without its source')
        self.record.events['activations refused'] += 1
        self.film.write_bytes(self._whole)
        self._change('activate')

    def run(self, segment: str, count: int) -> None:
        """Run a segment, and count what became of its frames."""
        before = self.rig.fresh_status()
        is_restarted = segment == 'refuse'  # the camera counts from its activation on
        self._change('activate')
        getattr(self, segment)(count)
        self._change('deactivate')
        end = time.monotonic() + 10.0
        while True:
            after = self.rig.fresh_status()
            grown = {
                (node, key): int(after[node][key]) - int(before[node][key])
                for node in NODES[1:]
                for key in ('frames published', 'frames dropped', 'errors')
            }
            sent = int(after['camera']['frames published'])
            answered = grown['classifier', 'frames published']
            others = sum(value for (_, key), value in grown.items() if key != 'frames published')
            missing = sent - answered - others
            if not missing or is_restarted or time.monotonic() > end:
                break
        self._note(segment, sent, answered, others, 0 if is_restarted else missing)

    def _note(self, segment: str, sent: int, answered: int, others: int, missing: int) -> None:
        record, answers = self.record, self.rig.answers
        record.sent['good'] += max(sent, answered + others)
        twice = sum(count > 1 for count in answers.values())
        record.counts.update(
            answered=answered,
            dropped=others,
            received=len(answers),
            twice=twice,
            unaccounted=missing,
        )
        if missing or twice:
            record.wrong.append(
                f'in {segment} {missing} frames are counted nowhere, {twice} are answered twice'
            )
        answers.clear()

    def _change(self, transition: str) -> None:
        if not self.rig.change_state('camera', transition):
            raise SoakError(f'the camera does not {transition}')

    def _until_published(self, count: int) -> None:
        goal = self._published() + count
        self.rig.wait(lambda: self._published() >= goal, f'{count} frames')

    def _published(self) -> int:
        return int(self.rig.status['camera']['frames published'])

    def _until_error(self) -> None:
        before = int(self.rig.status['camera']['errors'])
        self.rig.wait(lambda: int(self.rig.status['camera']['errors']) > before, 'an error')
