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
Measure what weak detections do to tracks: on clips of one person, made small, blurred and dark.

Of each clip and each change: the share of frames in which the face is detected, the tracks that
are no person and the frames in which such a one is shown, where tracks are continued by detections
of these shares of the minimum score. A track is no person where in none of its frames it overlaps
the face that YuNet finds in the unchanged frame.

    python benchmarks/weak_detections.py ../shared/data/video yunet=FILE rtcnn
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.pipeline import detect_for_tracks
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.resources import models_search_path

CLIPS = ('again', 'book', 'help', 'walk')
FPS = 30.0
RATIOS = (1.0, 0.8, 0.6, 0.4)
LEAST_IOU = 0.2
"""Of a track with the person, in one frame at least."""

Change = Callable[[ImageBGR], ImageBGR]


def smaller(share: float) -> Change:
    """Return a change that shrinks the picture to a share of its size, on a gray ground."""

    def change(image: ImageBGR) -> ImageBGR:
        height, width = image.shape[:2]
        size_wh = (round(share * width), round(share * height))
        ground = np.full_like(image, 70)
        shrunk = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
        ground[: size_wh[1], : size_wh[0]] = shrunk
        return ground

    return change


def moved(length: int) -> Change:
    """Return a change that blurs along a line of so many pixels."""
    kernel = np.full((1, length), 1 / length)
    return lambda image: np.asarray(cv2.filter2D(image, -1, kernel), np.uint8)


def darkened(light: float) -> Change:
    """Return a change that leaves a share of the light, and adds a noise of 5."""
    rng = np.random.default_rng(0)

    def change(image: ImageBGR) -> ImageBGR:
        noise = rng.normal(0.0, 5.0, image.shape)
        return np.asarray(np.clip(light * image + noise, 0, 255), np.uint8)

    return change


CHANGES: dict[str, tuple[float, Change]] = {
    'unchanged': (1.0, lambda image: image),
    'a third of the size': (1 / 3, smaller(1 / 3)),
    'a quarter of the size': (1 / 4, smaller(1 / 4)),
    'moved by 25 pixels': (1.0, moved(25)),
    'a tenth of the light': (1.0, darkened(0.1)),
}
"""With the scale of the picture."""


def frames(path: Path) -> list[ImageBGR]:
    """Return the frames of a clip, (H, W, 3) BGR."""
    capture = cv2.VideoCapture(str(path))
    found: list[ImageBGR] = []
    while True:
        is_read, image = capture.read()
        if not is_read:
            return found
        found.append(np.asarray(image, np.uint8))


def follow(
    images: list[ImageBGR], detector: Detector, keep_ratio: float
) -> list[dict[int, tuple[BoundingBox, TrackState]]]:
    """Return the tracks of each frame."""
    tracker = FaceTracker(TrackerConfig(keep_ratio=keep_ratio))
    min_score = detector.min_score
    found = []
    for index, image in enumerate(images):
        detections = detect_for_tracks(detector, image, min_score, keep_ratio)
        tracks = tracker.update(detections, index / FPS, min_score)
        found.append({track.track_id: (track.box, track.state) for track in tracks})
    return found


def judge(
    tracks: list[dict[int, tuple[BoundingBox, TrackState]]],
    truth: list[BoundingBox],
    scale: float,
) -> tuple[float, int, int]:
    """Return the share of frames with the face, other tracks, and frames with one of those."""
    people = set()
    for shown, box in zip(tracks, truth, strict=True):
        there = boxes_to_array((BoundingBox(*(scale * side for side in box.as_tuple())),))
        for track_id, (each, _) in shown.items():
            if iou_matrix(there, boxes_to_array((each,)))[0, 0] > LEAST_IOU:
                people.add(track_id)
    with_face = [
        any(
            track_id in people and state is not TrackState.COASTED
            for track_id, (_, state) in shown.items()
        )
        for shown in tracks
    ]
    others = {track_id for shown in tracks for track_id in shown} - people
    with_other = sum(bool(shown.keys() & others) for shown in tracks)
    return sum(with_face) / len(tracks), len(others), with_other


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('clips', type=Path, help='folder of the clips')
    parser.add_argument('reference', metavar='yunet=FILE', help='finds the person')
    parser.add_argument('detector', metavar='NAME[=MODEL]', help='is measured')
    arguments = parser.parse_args()
    reference, detector = (
        load_detector(parse_detector(text), models_search_path()).detector
        for text in (arguments.reference, arguments.detector)
    )
    print(f'{detector.tag}; detected, tracks that are no person, frames with one')
    print(f'| change | {" | ".join(f"{ratio:g}" for ratio in RATIOS)} |')
    print(f'|{" --- |" * (len(RATIOS) + 1)}')
    clips = [frames(arguments.clips / f'{clip}.mkv') for clip in CLIPS]
    truths = [[reference.detect(image)[0].box for image in images] for images in clips]
    for name, (scale, change) in CHANGES.items():
        changed = [[change(image) for image in images] for images in clips]
        cells = []
        for ratio in RATIOS:
            found = [
                judge(follow(images, detector, ratio), truth, scale)
                for images, truth in zip(changed, truths, strict=True)
            ]
            shares, others, with_other = zip(*found, strict=True)
            cells.append(f'{np.mean(shares):.1%}, {sum(others)}, {sum(with_other)}')
        print(f'| {name} | {" | ".join(cells)} |', flush=True)


if __name__ == '__main__':
    main()
