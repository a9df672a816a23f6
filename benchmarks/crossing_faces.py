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
Measure the errors of the tracker among people who cross, turn, hide and leave.

Scenes are synthetic: people of random size walk sideways and turn at random, the nearer hide the
farther, some detections are missed and some are false. An id that changes counts as an error where
the person was undetected for less than a second: as a swap if another person had the new id
before, else as a new id. Cases without a right answer, such as a turn while hidden, count as well.

    python benchmarks/crossing_faces.py
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
import sys
import time

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.geometry.boxes import overlap_share
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker

WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Scene:
    """How people move, and the errors of a detector; speed and jitter are in face sizes."""

    people: int = 4
    fps: float = 30.0
    seconds: float = 10.0
    every_n: int = 1
    speed: float = 1.5
    turns: float = 0.3
    jitter: float = 0.01
    missed: float = 0.05
    false: float = 0.02


SCENES = {
    'default': Scene(),
    'jitter of 0.03': Scene(jitter=0.03),
    'a camera at 10 fps': Scene(fps=10.0, seconds=30.0),
    'detector on every 3rd frame': Scene(every_n=3),
    'eight people': Scene(people=8),
    'twice the speed': Scene(speed=3.0),
    'a false face in every 3rd frame': Scene(false=0.3),
}


@dataclass
class Errors:
    """Errors, and the detections they are out of."""

    swaps: int = 0
    new_ids: int = 0
    detections: int = 0
    seconds: float = 0.0
    updates: int = 0


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--repeats', type=int, default=20, help='scenes of each kind')
    arguments = parser.parse_args()
    print(f'{"scene":33}{"detections":>11}{"swaps":>7}{"new ids":>9}{"ms an update":>14}')
    for name, scene in SCENES.items():
        errors = Errors()
        for seed in range(arguments.repeats):
            play(scene, np.random.default_rng(seed), errors)
        cost = 1e3 * errors.seconds / errors.updates
        print(f'{name:33}{errors.detections:11}{errors.swaps:7}{errors.new_ids:9}{cost:14.3f}')
    return 0


def play(scene: Scene, rng: np.random.Generator, errors: Errors) -> None:
    """Run a tracker on one scene, and add its errors."""
    tracker = FaceTracker()
    crowd = Crowd(scene, rng)
    owner: dict[int, int] = {}
    last: dict[int, tuple[int, float]] = {}  # by person: the last id and its time
    for frame in range(round(scene.seconds * scene.fps)):
        now = frame / scene.fps
        detected = crowd.step()
        found = [*detected.values(), *crowd.false_detections()]
        is_run = frame % scene.every_n == 0
        begin = time.perf_counter()
        tracks = tracker.update(found if is_run else None, now)
        errors.seconds += time.perf_counter() - begin
        errors.updates += 1
        shown = [track for track in tracks if track.state is not TrackState.COASTED]
        if not is_run or not shown:
            continue
        boxes = boxes_to_array(tuple(track.box for track in shown))
        for person, detection in detected.items():
            iou = iou_matrix(boxes_to_array((detection.box,)), boxes)[0]
            # Where several people overlap, the owner of the track is unknown.
            if (iou > 0.1).sum() != 1 or iou.max() < 0.4:
                continue
            track_id = shown[int(iou.argmax())].track_id
            errors.detections += 1
            before, then = last.get(person, (track_id, now))
            if track_id != before and now - then <= 1.0:
                errors.swaps += owner.get(track_id, person) != person
                errors.new_ids += owner.get(track_id, person) == person
            last[person] = track_id, now
            owner[track_id] = person


class Crowd:
    """People who walk sideways and turn at random; the larger are nearer."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        """Place them at random."""
        self._scene, self._rng = scene, rng
        self._size = np.sort(rng.uniform(40, 110, scene.people))[::-1]
        self._x = rng.uniform(0, WIDTH, scene.people)
        self._y = rng.uniform(150, 260, scene.people)
        self._speed = rng.normal(0.0, scene.speed, scene.people) * self._size

    def step(self) -> dict[int, Detection]:
        """Advance by a frame, and return the detections by person."""
        scene, rng = self._scene, self._rng
        turns = rng.random(scene.people) < scene.turns / scene.fps
        fresh = rng.normal(0.0, scene.speed, scene.people) * self._size
        self._speed = np.where(turns, fresh, self._speed)
        self._x = self._x + self._speed / scene.fps
        # People who have left return.
        is_leaving = (self._x < -self._size) & (self._speed < 0)
        is_leaving |= (self._x > WIDTH + self._size) & (self._speed > 0)
        self._speed = np.where(is_leaving, -self._speed, self._speed)
        half = self._size[:, None] * np.array([0.45, 0.55])
        center = np.stack([self._x, self._y], axis=1)
        boxes = np.hstack([center - half, center + half])
        return {
            person: self._detect(boxes[person])
            for person in range(scene.people)
            if self._visible_share(boxes, person) > 0.55 and rng.random() >= scene.missed
        }

    def false_detections(self) -> list[Detection]:
        """Return detections where no face is."""
        if self._rng.random() >= self._scene.false:
            return []
        x, y = self._rng.uniform(0, (WIDTH, HEIGHT))
        size = self._rng.uniform(30, 100)
        box = BoundingBox.from_xywh(x, y, size, 1.2 * size)
        return [Detection(box, float(self._rng.uniform(0.6, 0.85)))]

    def _visible_share(self, boxes: NDArray[np.float64], person: int) -> float:
        picture = np.array([[0.0, 0.0, WIDTH, HEIGHT]])
        own = boxes[person : person + 1]
        hidden = overlap_share(own, boxes[:person]).sum()
        return float(overlap_share(own, picture).sum() - hidden)

    def _detect(self, box: NDArray[np.float64]) -> Detection:
        size = box[2:] - box[:2]
        center = (box[:2] + box[2:]) / 2 + self._rng.normal(0.0, self._scene.jitter, 2) * size
        size = size * np.exp(self._rng.normal(0.0, 1.5 * self._scene.jitter, 2))
        corners = np.concatenate([center - size / 2, center + size / 2]).tolist()
        return Detection(BoundingBox(*corners), float(self._rng.uniform(0.75, 0.95)))


if __name__ == '__main__':
    sys.exit(main())
