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

"""The tracker on real clips, where the research data is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig

pytestmark = [pytest.mark.data, pytest.mark.slow]

CLIPS = ('again', 'book', 'help', 'walk')


def frames(path: Path) -> Iterator[ImageBGR]:
    capture = cv2.VideoCapture(str(path))
    while True:
        is_read, image = capture.read()
        if not is_read:
            return
        yield np.asarray(image, np.uint8)


def shaken(image):
    """Blur an image along a line of 25 pixels."""
    return np.asarray(cv2.blur(image, (25, 1)), np.uint8)


def run(path, config, fps, *, every_n=1, tracker=None, change=np.asarray):
    """Return the tracks of every frame of a clip, which is changed before."""
    detector = load_detector(config, ()).detector
    stage = DetectionStage(detector, FaceTracker(tracker), every_n=every_n)
    found = []
    for index, image in enumerate(frames(path)):
        frame = Frame(change(image), round(index / fps * 1e9), 'camera', 0)
        found.append([face.track for face in stage.process(FrameResult(frame)).faces])
    return found


@pytest.mark.parametrize('every_n', [1, 3])
@pytest.mark.parametrize('clip', CLIPS)
def test_rtcnn_finds_the_person_in_every_frame_under_one_id(
    clip, every_n, data_directory, face_model
):
    config = DetectorConfig(name='rtcnn', model_path=str(face_model))
    tracks = run(data_directory / 'video' / f'{clip}.mkv', config, fps=30.0, every_n=every_n)
    # The skull on a shirt is no face, whatever the check of the detector takes it for.
    assert {track.track_id for found in tracks for track in found} == {1}
    (person,) = zip(*tracks, strict=True)
    assert not [track for track in person if track.state is TrackState.COASTED]
    boxes = boxes_to_array(tuple(track.box for track in person))
    assert np.diag(iou_matrix(boxes[:-1], boxes[1:])).min() > 0.5


def test_where_a_camera_shakes_weak_detections_keep_the_face_and_make_no_other(
    data_directory, face_model
):
    config = DetectorConfig(name='rtcnn', model_path=str(face_model))

    def detected_and_ids(keep_ratio):
        found = [
            track
            for clip in CLIPS
            for tracks in run(
                data_directory / 'video' / f'{clip}.mkv',
                config,
                fps=30.0,
                tracker=TrackerConfig(keep_ratio=keep_ratio),
                change=shaken,
            )
            for track in tracks
        ]
        detected = sum(track.state is not TrackState.COASTED for track in found)
        return detected, len({track.track_id for track in found})

    detected, ids = detected_and_ids(0.6)
    without, ids_without = detected_and_ids(1.0)
    assert detected > without
    assert ids <= ids_without


@pytest.mark.parametrize('every_n', [1, 3])
@pytest.mark.parametrize('clip', CLIPS)
def test_yunet_finds_one_face_in_every_frame_under_one_id(
    clip, every_n, data_directory, yunet_file
):
    config = DetectorConfig(name='yunet', model_path=str(yunet_file))
    tracks = run(data_directory / 'video' / f'{clip}.mkv', config, fps=30.0, every_n=every_n)
    assert len(tracks) > 50
    assert [[track.track_id for track in found] for found in tracks] == [[1]] * len(tracks)
    states = [found[0].state for found in tracks]
    assert states == [TrackState.NEW] + [TrackState.TRACKED] * (len(tracks) - 1)
    assert [found[0].age for found in tracks] == list(range(1, len(tracks) + 1))


@pytest.mark.parametrize('clip', CLIPS)
def test_with_haar_a_track_is_coasted_where_the_cascade_loses_the_face(clip, data_directory):
    config = DetectorConfig(name='haar')
    tracks = run(data_directory / 'video' / f'{clip}.mkv', config, fps=30.0)
    detected = [found for found in tracks if any(t.state is not TrackState.COASTED for t in found)]
    # One fewer than the bare cascade gives at worst, and by coasting more.
    assert len(detected) >= 0.73 * len(tracks)
    assert sum(map(bool, tracks)) >= 0.95 * len(tracks)
    assert {track.track_id for found in tracks for track in found} == {1}


def test_three_people_who_walk_up_keep_three_ids_from_the_first_frame_to_the_last(
    data_directory, yunet_file
):
    config = DetectorConfig(name='yunet', model_path=str(yunet_file))
    tracks = run(data_directory / 'video' / 'three_people_walking.gif', config, fps=12.5)
    assert [[track.track_id for track in found] for found in tracks] == [[1, 2, 3]] * 41
    for found in (tracks[0], tracks[-1]):
        left, middle, right = (track.box.center[0] for track in found)
        assert left < middle < right
    # They come nearer.
    for first, last in zip(tracks[0], tracks[-1], strict=True):
        assert last.box.area > 1.4 * first.box.area


def test_faces_in_a_still_picture_are_confirmed_at_once(data_directory, yunet_file):
    config = DetectorConfig(name='yunet', model_path=str(yunet_file))
    detector = load_detector(config, ()).detector
    path = data_directory / 'images' / 'emotion_classification.jpg'
    image = np.asarray(cv2.imread(str(path)), np.uint8)
    assert len(FaceTracker().update(detector.detect(image), 0.0)) == 4
