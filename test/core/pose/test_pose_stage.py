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

"""The stage of poses: over tracks, coasted faces, looking, and what it keeps."""

import math

from depth_scenes import put_head
from depth_scenes import wall
import numpy as np
from projected_heads import HEADS
from projected_heads import NAMES
from projected_heads import project
from projected_heads import turned
import pytest
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.looking import LookingConfig
from rtcnn_perception.core.pose.stage import PoseConfig
from rtcnn_perception.core.pose.stage import PoseStage
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.exceptions import ConfigurationError

SIZE = (640, 480)
CAMERA = Intrinsics.from_fov(SIZE, 60.0)
STEP = 1 / 30


def face(track_id=1, position=(0.0, 0.0, 1.0), yaw=0.0, *, state=TrackState.TRACKED, points=True):
    placed = HEADS['canonical'] * 0.063 @ turned(yaw).T + position
    landmarks = project(placed, CAMERA.focal_xy, CAMERA.center_xy)
    (x0, y0), (x1, y1) = landmarks.min(axis=0), landmarks.max(axis=0)
    box = BoundingBox(x0 - 20, y0 - 30, x1 + 20, y1 + 20)
    shown = landmarks.astype(np.float32) if points else None
    return Face(Track(track_id, box, 0.9, shown, state, 5))


def result(time, *faces):
    frame = Frame(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), round(time * 1e9), 'optical', 1)
    return FrameResult(frame, faces, landmark_names=NAMES)


def process(stage, time, *faces):
    return [each.pose for each in stage.process(result(time, *faces), CAMERA).faces]


def test_a_frame_without_faces_stays_as_it_is():
    empty = result(1.0)
    assert PoseStage().process(empty, CAMERA) == empty


def test_each_face_gets_its_own_pose_and_keeps_what_it_had():
    faces = (face(3, (-0.3, 0, 1.5), 20), face(5, (0.3, 0.1, 0.8), -20), face(9, points=False))
    posed = PoseStage().process(result(1.0, *faces), CAMERA).faces
    assert [each.track for each in posed] == [each.track for each in faces]
    assert [each.pose.position[2] for each in posed] == pytest.approx([1.5, 0.8, 1.0], rel=0.2)
    assert [round(each.pose.angles[0], -1) for each in posed[:2]] == [20, -20]
    assert posed[2].pose.rotation is None


def test_the_pose_is_smoothed_over_the_track():
    stage = PoseStage()
    process(stage, 1.0, face(yaw=0), face(2))
    first, second = process(stage, 1.0 + STEP, face(yaw=30), face(2))
    assert 2 < first.angles[0] < 25
    assert abs(second.angles[0]) < 0.1
    # Another head starts as it is.
    (new,) = process(stage, 1.0 + 2 * STEP, face(3, yaw=30))
    assert new.angles[0] > 25


def test_a_stamp_that_steps_back_or_repeats_is_a_frame_like_any_other():
    for step_ms in (-5, 0):
        stage = PoseStage(PoseConfig(looking=LookingConfig(15.0, 30.0)))
        (before,) = process(stage, 1.0, face(yaw=0))
        (after,) = process(stage, 1.0 + step_ms / 1000, face(yaw=28, position=(0.0, 0.0, 1.1)))
        assert 2 < after.angles[0] < 25
        assert before.position[2] < after.position[2] < 1.08
        assert after.is_looking


def test_images_that_come_seldom_keep_whether_a_head_looks():
    stage = PoseStage(PoseConfig(smoothing=0.0, looking=LookingConfig(15.0, 30.0)))
    process(stage, 1.0, face(yaw=0))
    (pose,) = process(stage, 3.5, face(yaw=25))
    assert pose.is_looking


def test_smoothing_ends_where_it_is_set_to_0():
    stage = PoseStage()
    process(stage, 1.0, face(yaw=0))
    stage.config = PoseConfig(smoothing=0.0)
    (pose,) = process(stage, 1.0 + STEP, face(yaw=30))
    assert pose.angles[0] > 25


def test_a_coasted_face_keeps_its_pose_for_a_second_and_looks_where_it_looked():
    stage = PoseStage()
    (seen,) = process(stage, 1.0, face())
    coasted = face(position=(0.3, 0.0, 2.0), yaw=50, state=TrackState.COASTED)
    (held,) = process(stage, 1.5, coasted)
    np.testing.assert_array_equal(held.position, seen.position)
    np.testing.assert_array_equal(held.rotation, seen.rotation)
    assert (held.looking, held.is_looking) == (seen.looking, True)
    assert held.covariance[2, 2] > seen.covariance[2, 2]
    assert process(stage, 2.2, coasted) == [None]
    (found,) = process(stage, 2.3, face(position=(0.0, 0.0, 2.0)))
    assert found.position[2] == pytest.approx(2.0, rel=0.05)


def test_a_face_that_was_never_seen_has_no_pose_while_it_is_coasted():
    assert process(PoseStage(), 1.0, face(state=TrackState.COASTED)) == [None]


def test_a_face_that_is_found_again_goes_on_from_its_last_pose():
    stage = PoseStage()
    process(stage, 1.0, face())
    process(stage, 1.0 + STEP, face(state=TrackState.COASTED))
    (pose,) = process(stage, 1.0 + 2 * STEP, face(position=(0.0, 0.0, 1.2)))
    assert 1.02 < pose.position[2] < 1.18


def test_looking_has_two_angles_for_its_state():
    stage = PoseStage(PoseConfig(smoothing=0.0, looking=LookingConfig(15.0, 30.0)))
    states, scores = [], []
    for index, yaw in enumerate((40, 20, 5, 20, 40, 20)):
        (pose,) = process(stage, 1.0 + index * STEP, face(yaw=yaw))
        states.append(pose.is_looking)
        scores.append(pose.looking)
    assert states == [False, False, True, True, False, False]
    assert scores[2] > 0.9 > scores[1] > 0.6
    assert scores[0] < 0.3


def test_a_head_at_the_side_that_faces_the_camera_plane_does_not_look_at_the_camera():
    (pose,) = process(PoseStage(), 1.0, face(position=(0.5, 0.0, 0.8)))
    assert not pose.is_looking
    (pose,) = process(PoseStage(), 1.0, face(position=(0.5, 0.0, 0.8), yaw=-32))
    assert pose.is_looking


def test_a_face_without_landmarks_does_not_look():
    (pose,) = process(PoseStage(), 1.0, face(points=False))
    assert (pose.looking, pose.is_looking) == (0.0, False)


def test_after_a_restart_nothing_is_remembered():
    stage = PoseStage()
    process(stage, 1.0, face())
    stage.restart()
    (pose,) = process(stage, 1.0 + STEP, face(position=(0.0, 0.0, 2.0)))
    assert pose.position[2] == pytest.approx(2.0, rel=0.05)


def test_a_thousand_faces_leave_nothing_behind():
    stage = PoseStage()
    for track_id in range(1, 1001):
        process(stage, 1.0 + track_id * STEP, face(track_id))
    assert len(stage._tracks) == 1
    process(stage, 60.0)
    assert stage._tracks == {}


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        ({'pupil_distance': 0.0}, 'pupil_distance'),
        ({'pupil_distance': math.nan}, 'pupil_distance'),
        ({'smoothing': -1.0}, 'smoothing'),
        ({'smoothing': math.inf}, 'smoothing'),
    ],
)
def test_values_out_of_range_are_refused(values, text):
    with pytest.raises(ConfigurationError, match=text):
        PoseConfig(**values)


def flat(distance=1.0):
    return DepthImage(np.full((SIZE[1], SIZE[0]), distance, np.float32))


def test_with_depth_a_head_is_where_its_depth_is_and_a_picture_is_implausible():
    stage = PoseStage()
    scene = wall(SIZE)
    put_head(scene, CAMERA, np.array((0.0, 0.0, 1.15)))
    (found,) = stage.process(result(1.0, face()), CAMERA, DepthImage(scene)).faces
    pose = found.pose
    assert pose.position[2] == pytest.approx(1.15, abs=0.02)
    assert pose.implausible_reason == ''
    (picture,) = PoseStage().process(result(1.0, face()), CAMERA, flat()).faces
    assert picture.pose.implausible_reason.startswith('flat in depth')


def test_a_head_stays_where_it_is_where_depth_is_missing_for_some_frames():
    stage = PoseStage(PoseConfig(smoothing=0.0))
    scene = wall(SIZE)
    put_head(scene, CAMERA, np.array((0.0, 0.0, 1.15)))
    places = []
    for number in range(30):
        depth = None if number % 4 else DepthImage(scene)
        (found,) = stage.process(result(1.0 + number * STEP, face()), CAMERA, depth).faces
        places.append(found.pose.position)
    np.testing.assert_allclose(places, np.tile(places[0], (30, 1)), atol=1e-6)
    assert places[0][2] == pytest.approx(1.15, abs=0.02)


def test_depth_of_long_ago_says_nothing_more():
    stage = PoseStage(PoseConfig(smoothing=0.0))
    (found,) = stage.process(result(1.0, face()), CAMERA, flat(1.2)).faces
    for number in range(1, 70):
        (pose,) = process(stage, 1.0 + number * STEP, face())
    assert (found.pose.position[2], pose.position[2]) == pytest.approx((1.2, 1.0), abs=0.02)
    assert found.pose.implausible_reason
    assert pose.implausible_reason == ''


def test_a_picture_stays_implausible_in_a_frame_without_depth_and_while_it_is_coasted():
    stage = PoseStage()
    stage.process(result(1.0, face()), CAMERA, flat())
    (pose,) = process(stage, 1.0 + STEP, face())
    assert pose.implausible_reason
    (pose,) = process(stage, 1.0 + 2 * STEP, face(state=TrackState.COASTED))
    assert pose.implausible_reason


def test_doubts_end_where_the_stamps_stand_still():
    stage, scene = PoseStage(), wall(SIZE)
    put_head(scene, CAMERA, np.array((0.0, 0.0, 1.15)))
    (found,) = stage.process(result(1.0, face()), CAMERA, flat()).faces
    assert found.pose.implausible_reason
    for _ in range(90):
        (found,) = stage.process(result(1.0, face()), CAMERA, DepthImage(scene)).faces
    assert found.pose.implausible_reason == ''


def test_a_frame_without_an_orientation_ends_no_looking():
    stage = PoseStage(PoseConfig(smoothing=0.0, looking=LookingConfig(15.0, 30.0)))
    looking = []
    for index, shown in enumerate((face(yaw=5), face(yaw=20), face(points=False), face(yaw=20))):
        (pose,) = process(stage, 1.0 + index * STEP, shown)
        looking.append(pose.is_looking)
    assert looking == [True, True, False, True]
