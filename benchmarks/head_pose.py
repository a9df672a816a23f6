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
Measure the poses of heads: projected heads of known pose, clips, and the time of a face.

The heads are those of the tests, of published shapes that are not the model's. Clips are taken to
have a horizontal field of view of 60 degrees; their positions are true but for that factor.

    python benchmarks/head_pose.py ../shared/data --picture docs/images/head_axes.jpg
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import importlib
from importlib import resources
from pathlib import Path
import sys
import time

import cv2
import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import parse_detector
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.drawing.text import set_text
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.core.pose.estimate import PoseEstimator
from rtcnn_perception.core.pose.head_model import PUPIL_DISTANCE
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.stage import PoseStage
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.resources import models_search_path

sys.path.append(str(Path(__file__).parents[1] / 'test' / 'core'))
heads = importlib.import_module('projected_heads')

SIZE = (640, 480)
CAMERA = Intrinsics.from_fov(SIZE, 60.0)
CLIPS = {
    'again.mkv': 30.0,
    'book.mkv': 30.0,
    'help.mkv': 30.0,
    'walk.mkv': 30.0,
    'portrait_596x336.mp4': 25.0,
    'three_people_walking.gif': 12.5,
}
AXES = (('x', (60, 60, 235)), ('y', (70, 190, 70)), ('z', (235, 130, 50)))
"""Names and colours (BGR) of a head's axes, as rviz has them."""

AXIS_LENGTH = 0.11
"""Metres."""


def regions(points: np.ndarray, noise: float, count: int, seed: int) -> Iterator[tuple]:
    """Yield heads at random places: region, position and yaw."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        distance, yaw = random.uniform(0.5, 3.0), random.uniform(-40, 40)
        position = distance * np.array([*random.uniform(-0.35, 0.35, 2) * (1, 0.75), 1.0])
        rotation = heads.turned(yaw, random.uniform(-15, 15), random.uniform(-20, 20))
        pixels = heads.project(points @ rotation.T + position, CAMERA.focal_xy, CAMERA.center_xy)
        pixels += random.normal(0.0, noise, pixels.shape)
        (x0, y0), (x1, y1) = pixels.min(axis=0), pixels.max(axis=0)
        box = BoundingBox(x0 - 5, y0 - 5, x1 + 5, y1 + 5)
        yield FaceRegion(box, np.float32(pixels), heads.NAMES), position, yaw


def measure_heads() -> None:
    """Print errors of projected heads."""
    print('\nprojected heads, 640x480 at 60 degrees, 0.5 to 3 m, yaw to 40, pitch to 15 degrees')
    print('| shape | pupils | noise | distance: median, 95 % | yaw: median, 95 % |')
    print('| --- | --- | --- | --- | --- |')
    for shape, pupils_mm, noise in (
        *(('canonical', pupils, 0.0) for pupils in (59, 63, 67)),
        *(('multi_pie', pupils, 0.0) for pupils in (59, 63, 64.2, 67)),
        ('canonical', 63, 0.5),
        ('canonical', 63, 1.0),
    ):
        made = list(regions(heads.HEADS[shape] * pupils_mm / 1000, noise, 2000, 1))
        found = PoseEstimator(PUPIL_DISTANCE).estimate([each[0] for each in made], CAMERA)
        wrong, yaws = [], []
        for estimate, (_, position, yaw) in zip(found, made, strict=True):
            if estimate is None or estimate.pose.angles is None:
                continue
            off = np.linalg.norm(estimate.pose.position - position)
            wrong.append(100 * off / np.linalg.norm(position))
            yaws.append(abs(estimate.pose.angles[0] - yaw))
        d, y = (np.percentile(each, (50, 95)) for each in (wrong, yaws))
        print(
            f'| {shape} | {pupils_mm} mm | {noise} px | {d[0]:.1f} %, {d[1]:.1f} % | '
            f'{y[0]:.1f}°, {y[1]:.1f}° |'
        )


def frames(path: Path) -> Iterator[ImageBGR]:
    """Yield the frames of a film."""
    capture = cv2.VideoCapture(str(path))
    while True:
        is_read, image = capture.read()
        if not is_read:
            return
        yield np.asarray(image, np.uint8)


def follow(path: Path, fps: float, config: DetectorConfig) -> dict[int, list[HeadPose]]:
    """Return the poses of each track of a clip."""
    detector = load_detector(config, models_search_path()).detector
    detection, stage = DetectionStage(detector, FaceTracker()), PoseStage()
    found: dict[int, list[HeadPose]] = {}
    for index, image in enumerate(frames(path)):
        stamp_ns = 10**9 + round(index / fps * 1e9)
        frame = Frame(image, stamp_ns, 'optical', stamp_ns)
        camera = Intrinsics.from_fov(frame.size_wh, 60.0)
        for face in stage.process(detection.process(FrameResult(frame)), camera).faces:
            if face.pose is not None:
                found.setdefault(face.track_id, []).append(face.pose)
    return found


def measure_clips(folder: Path, configs: list[DetectorConfig]) -> None:
    """Print how steady the poses of clips are."""
    print('\n| clip | detector | track | distance | median step | yaw, pitch | looks |')
    print('| --- | --- | --- | --- | --- | --- | --- |')
    for name, fps in CLIPS.items():
        for config in configs:
            for track, poses in follow(folder / name, fps, config).items():
                if len(poses) < 20:
                    continue
                places = np.array([pose.position for pose in poses])
                away = np.linalg.norm(places, axis=1)
                steps = np.linalg.norm(np.diff(places, axis=0), axis=1) / away[1:]
                angles = [pose.angles for pose in poses if pose.angles is not None]
                yaw, pitch, _ = np.median(angles, axis=0)
                looks = np.mean([pose.is_looking for pose in poses])
                print(
                    f'| {name} | {config.name} | {track} | {np.median(away):.2f} m | '
                    f'{100 * np.median(steps):.2f} % | {yaw:.0f}°, {pitch:.0f}° | {looks:.0%} |'
                )


def measure_time() -> None:
    """Print the time of a face by the least and the median of many frames."""
    distorted = Intrinsics(
        SIZE, CAMERA.focal_xy, CAMERA.center_xy, 'plumb_bob', (-0.28, 0.09, 6e-4, -4e-4, -0.01)
    )
    depth = DepthImage(np.full(SIZE[::-1], 1500, np.uint16), 1e-3)
    image = np.zeros((*SIZE[::-1], 3), np.uint8)
    print('\none thread, the whole stage: estimation, smoothing, looking')
    print('| camera | depth | faces | a face: least | median |')
    print('| --- | --- | --- | --- | --- |')
    for name, camera, given in (
        ('no distortion', CAMERA, None),
        ('plumb_bob', distorted, None),
        ('no distortion', CAMERA, depth),
    ):
        for count in (1, 4):
            stage, times = PoseStage(), []
            faces = [each[0] for each in regions(heads.HEADS['canonical'] * 0.063, 0.5, count, 2)]
            for number in range(2000):
                stamp_ns = 10**9 + number * 33_333_333
                result = FrameResult(
                    Frame(image, stamp_ns, 'optical', stamp_ns),
                    tuple(map(tracked, range(count), faces)),
                    landmark_names=heads.NAMES,
                )
                begin = time.perf_counter()
                stage.process(result, camera, given)
                times.append((time.perf_counter() - begin) / count)
            least, median = 1e6 * min(times), 1e6 * float(np.median(times))
            is_given = 'no' if given is None else 'yes'
            print(f'| {name} | {is_given} | {count} | {least:.0f} µs | {median:.0f} µs |')


def tracked(number: int, region: FaceRegion) -> Face:
    """Return a face as tracking gives it."""
    return Face(Track(number + 1, region.box, 0.9, region.landmarks, TrackState.TRACKED, 9))


def draw(path: Path) -> None:
    """Write a picture of a head's axes, as they are estimated of the built-in portrait."""
    data = np.frombuffer(
        resources.files('rtcnn_perception').joinpath('assets/astronaut.jpg').read_bytes(), np.uint8
    )
    image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    frame = Frame(image, 1, 'optical', 1)
    camera = Intrinsics.from_fov(frame.size_wh, 40.0)
    detector = load_detector(DetectorConfig('rtcnn'), models_search_path()).detector
    detection = DetectionStage(detector, FaceTracker())
    (face,) = PoseStage().process(detection.process(FrameResult(frame)), camera).faces
    pose = face.pose
    if pose is None or pose.rotation is None or pose.angles is None or face.landmarks is None:
        raise SystemExit('expected a head with an orientation in the portrait')
    canvas = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for x, y in face.landmarks.tolist():
        cv2.circle(canvas, (round(2 * x), round(2 * y)), 4, (255, 255, 255), -1, cv2.LINE_AA)
    ends = np.vstack([pose.position, pose.position + AXIS_LENGTH * pose.rotation.T])
    shown = 2 * camera.pixels(ends[:, :2] / ends[:, 2:])
    origin, *tips = (tuple(round(each) for each in point) for point in shown.tolist())
    for (name, color), tip in zip(AXES, tips, strict=True):
        cv2.arrowedLine(canvas, origin, tip, (20, 20, 20), 8, cv2.LINE_AA, tipLength=0.12)
        cv2.arrowedLine(canvas, origin, tip, color, 5, cv2.LINE_AA, tipLength=0.12)
        draw_text(canvas, set_text(name, tip[0] + 10, tip[1] - 12, 18), color)
    yaw, pitch, roll = pose.angles
    lines = (
        f'{pose.distance:.2f} m away, yaw {yaw:.0f}, pitch {pitch:.0f}, roll {roll:.0f} degrees',
        f'looking at the camera: {pose.looking:.2f}',
    )
    cut = canvas[: canvas.shape[0] * 5 // 8, canvas.shape[1] // 8 : canvas.shape[1] * 7 // 8]
    cut = np.ascontiguousarray(cut)
    for row, line in enumerate(lines):
        text = set_text(line, 12, cut.shape[0] - 76 + 34 * row, 16)
        below = cut[text.rect.top : text.rect.bottom, text.rect.left : text.rect.right]
        below //= 3
        draw_text(cut, text, (255, 255, 255))
    cv2.imwrite(str(path), cut, [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    """Measure, and draw where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n\n')[0])
    parser.add_argument('data', type=Path, nargs='?', help='research data with the clips')
    parser.add_argument(
        '--detector', action='append', metavar='NAME[=MODEL]', help='of the clips (default: rtcnn)'
    )
    parser.add_argument('--picture', type=Path, help='JPEG of the axes to write')
    args = parser.parse_args()
    cv2.setNumThreads(1)
    measure_heads()
    if args.data is not None:
        configs = [parse_detector(each) for each in args.detector or ['rtcnn']]
        measure_clips(args.data / 'video', configs)
    measure_time()
    if args.picture is not None:
        draw(args.picture)


if __name__ == '__main__':
    main()
