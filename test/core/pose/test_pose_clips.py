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

"""Poses on real clips, where the research data is."""

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.stage import PoseStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker

pytestmark = [pytest.mark.data, pytest.mark.slow]

CLIPS = {
    'again.mkv': 30.0,
    'book.mkv': 30.0,
    'help.mkv': 30.0,
    'walk.mkv': 30.0,
    'portrait_596x336.mp4': 25.0,
}
"""Their frames per second; one person each, who faces the camera."""


def poses(path, fps, config):
    """Return the pose of the first track in each frame in which it has one, at 60 degrees."""
    detection = DetectionStage(load_detector(config, ()).detector, FaceTracker())
    stage, found = PoseStage(), []
    capture = cv2.VideoCapture(str(path))
    while True:
        is_read, image = capture.read()
        if not is_read:
            return found
        stamp_ns = 10**9 + round(len(found) / fps * 1e9)
        frame = Frame(np.asarray(image, np.uint8), stamp_ns, 'optical', stamp_ns)
        camera = Intrinsics.from_fov(frame.size_wh, 60.0)
        result = stage.process(detection.process(FrameResult(frame)), camera)
        found.append(next((face.pose for face in result.faces if face.track_id == 1), None))


@pytest.mark.parametrize('clip', CLIPS)
@pytest.mark.parametrize('name', ['rtcnn', 'yunet'])
def test_positions_are_steady_and_who_faces_the_camera_looks_at_it(
    name, clip, data_directory, face_model, yunet_file
):
    path = {'rtcnn': face_model, 'yunet': yunet_file}[name]
    config = DetectorConfig(name=name, model_path=str(path))
    found = poses(data_directory / 'video' / clip, CLIPS[clip], config)
    assert sum(pose is not None for pose in found) >= 0.99 * len(found)
    known = [pose for pose in found if pose is not None]
    places = np.array([pose.position for pose in known])
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1) / np.linalg.norm(places[1:], axis=1)
    assert np.median(steps) < 0.01
    assert np.mean([pose.is_looking for pose in known]) >= 0.95
    assert all(0.5 < pose.position[2] < 2.5 for pose in known)
