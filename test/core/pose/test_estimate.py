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

"""Poses of projected heads, whose shape is not that of the model."""

import math

import numpy as np
from projected_heads import HEADS
from projected_heads import NAMES
from projected_heads import project
from projected_heads import turned
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.pose.estimate import BOX_CENTER_STD
from rtcnn_perception.core.pose.estimate import BOX_STD
from rtcnn_perception.core.pose.estimate import PoseEstimator
from rtcnn_perception.core.pose.head_model import face_height
from rtcnn_perception.core.pose.head_model import head_points
from rtcnn_perception.core.pose.head_model import PUPIL_DISTANCE
from rtcnn_perception.core.pose.head_model import SIZE_STD
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.intrinsics import Intrinsics

SIZE = (1280, 960)
SHAPES = (('canonical', 59.0), ('canonical', 63.0), ('canonical', 67.0), ('multi_pie', 64.2))
"""Heads of 63 ± 4 mm of one shape, and another that is shorter for its pupils, in its own size."""

CAMERAS = {
    '45': (45.0, 'plumb_bob', ()),
    '60': (60.0, 'plumb_bob', (-0.28, 0.09, 0.0006, -0.0004, -0.01)),
    '90': (90.0, 'rational_polynomial', (0.54, -2.78, 2e-4, -1e-4, 1.6, 0.42, -2.6, 1.53)),
    '120': (120.0, 'plumb_bob', ()),
    'fisheye': (0.0, 'equidistant', (-0.02, 0.005, -0.003, 0.0005)),
}
"""Field of view, model and distortion."""

BEARINGS = ((0.0, 0.0), (0.7, 0.1), (-0.7, 0.5), (0.2, -0.7))
"""Where heads are in the picture, from the middle in halves of its width and height."""


def make_camera(name):
    fov, model, distortion = CAMERAS[name]
    focal = SIZE[0] / 2 / math.tan(math.radians(fov) / 2) if fov else SIZE[0] / math.radians(130)
    return Intrinsics(SIZE, (focal, focal), (SIZE[0] / 2, SIZE[1] / 2), model, distortion)


def region_of(landmarks, names=NAMES, box=None):
    points = None if landmarks is None else np.asarray(landmarks, np.float32)
    if box is None:
        (x0, y0), (x1, y1) = landmarks.min(axis=0), landmarks.max(axis=0)
        box = BoundingBox(x0 - 10, y0 - 30, x1 + 10, y1 + 10)
    return FaceRegion(box, points, names)


def seen(camera, points, position, rotation, noise=None):
    """Return the landmarks of a head [m] as a camera sees them."""
    placed = points @ rotation.T + position
    shown = project(placed, camera.focal_xy, camera.center_xy, camera.model, camera.distortion)
    return shown if noise is None else shown + noise


def place(camera, bearing, distance):
    """Return the position at a distance in the direction of a place in the picture."""
    pixel = np.array([[SIZE[0] / 2 * (1 + bearing[0]), SIZE[1] / 2 * (1 + bearing[1])]])
    ray = np.append(camera.directions(pixel)[0], 1.0)
    return ray / np.linalg.norm(ray) * distance


def estimate(camera, *regions, pupil_distance=PUPIL_DISTANCE):
    found = PoseEstimator(pupil_distance).estimate(regions, camera)
    return [None if each is None else each.pose for each in found]


def test_no_faces_have_no_poses():
    assert estimate(make_camera('60')) == []


def facing(position):
    """Return the rotation from the optical axis to the ray of a position."""
    ray = position / np.linalg.norm(position)
    axis = np.cross((0.0, 0.0, 1.0), ray)
    sine, cosine = np.linalg.norm(axis), ray[2]
    if not sine:
        return np.eye(3)
    x, y, z = axis / sine
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + sine * cross + (1 - cosine) * cross @ cross


@pytest.mark.parametrize(('head', 'pupils_mm'), SHAPES)
@pytest.mark.parametrize('name', CAMERAS)
def test_heads_of_another_shape_are_placed_within_8_percent_and_turned_within_6_degrees(
    name, head, pupils_mm
):
    camera, points = make_camera(name), HEADS[head] * pupils_mm / 1000
    angles = [(yaw, pitch) for yaw in range(-40, 41, 20) for pitch in (-15, 0, 15)]
    truth, regions = [], []
    for bearing in BEARINGS:
        for distance in (0.5, 1.0, 3.0):
            position = place(camera, bearing, distance)
            for index, (yaw, pitch) in enumerate(angles):
                rotation = facing(position) @ turned(yaw, pitch, (-20, 0, 20)[index % 3])
                regions.append(region_of(seen(camera, points, position, rotation)))
                truth.append((position, rotation))
    poses = estimate(camera, *regions)
    wrong, yaws = [], []
    for pose, (position, rotation) in zip(poses, truth, strict=True):
        wrong.append(np.linalg.norm(pose.position - position) / np.linalg.norm(position))
        # Seen from the camera, which the head points to at 0.
        view = facing(position).T
        found, expected = (yaw_of(view @ each) for each in (pose.rotation, rotation))
        yaws.append(abs(found - expected))
    assert max(wrong) < 0.08
    assert max(yaws) < 6.0


def yaw_of(rotation):
    return HeadPose(np.ones(3), rotation, np.eye(6)).angles[0]


def test_the_models_own_head_is_found_exactly():
    camera, points = make_camera('60'), head_points(PUPIL_DISTANCE)
    position, rotation = np.array([0.3, -0.2, 1.2]), turned(25, -10, 8)
    (pose,) = estimate(camera, region_of(seen(camera, points, position, rotation)))
    # Landmarks are float32: a pixel has 1e-4 of noise.
    np.testing.assert_allclose(pose.position, position, atol=1e-4)
    np.testing.assert_allclose(pose.rotation, rotation, atol=1e-4)
    assert pose.angles == pytest.approx((25, -10, 8), abs=0.01)


def test_noise_of_a_pixel_is_what_the_covariance_says():
    camera, points = make_camera('60'), head_points(PUPIL_DISTANCE)
    position, rotation = np.array([0.1, 0.0, 1.0]), turned(15, 5, 0)
    noise = np.random.default_rng(1).normal(0.0, 1.0, (400, 5, 2))
    regions = [region_of(seen(camera, points, position, rotation, each)) for each in noise]
    poses = estimate(camera, *regions)
    assert all(pose.rotation is not None for pose in poses)
    off = np.array([pose.position for pose in poses]) - position
    distance = off @ position / np.linalg.norm(position)
    assert np.percentile(np.abs(distance), 90) < 0.04
    assert abs(distance.mean()) < 0.01
    yaws = np.array([pose.angles[0] for pose in poses])
    assert np.percentile(np.abs(yaws - 15), 90) < 6.0
    # Across the ray a pixel, along it the size of heads.
    spread = np.sqrt(np.diag(poses[0].covariance))
    assert spread[1] == pytest.approx(off[:, 1].std(), rel=0.6)
    assert spread[2] == pytest.approx(math.hypot(SIZE_STD, distance.std()), rel=0.2)


def test_the_sizes_of_heads_are_the_larger_part_of_a_near_head_s_covariance():
    camera, points = make_camera('60'), head_points(PUPIL_DISTANCE)
    for position in (np.array([0.0, 0.0, 0.6]), np.array([0.25, -0.1, 0.5])):
        (pose,) = estimate(camera, region_of(seen(camera, points, position, turned())))
        variances, axes = np.linalg.eigh(pose.covariance[:3, :3])
        distance = np.linalg.norm(position)
        assert abs(axes[:, 2] @ position) / distance == pytest.approx(1.0, abs=1e-3)
        assert math.sqrt(variances[2]) == pytest.approx(SIZE_STD * distance, rel=0.1)
        assert math.sqrt(variances[1]) < 0.01 * distance
        assert np.linalg.eigvalsh(pose.covariance).min() > 0


def test_a_child_of_known_size_is_placed_where_it_is():
    camera, points = make_camera('60'), HEADS['canonical'] * 0.053
    position = np.array([0.0, 0.2, 1.5])
    region = region_of(seen(camera, points, position, turned(10)))
    (adult,), (child,) = estimate(camera, region), estimate(camera, region, pupil_distance=0.053)
    assert np.linalg.norm(child.position - position) < 0.03 * 1.5
    assert adult.position[2] == pytest.approx(child.position[2] * 63 / 53)


def test_a_head_on_its_side_or_upside_down_is_found_as_well():
    camera, points = make_camera('60'), HEADS['canonical'] * 0.063
    for roll in (90, -90, 180, 135):
        rotation = turned(20, 0, roll)
        region = region_of(seen(camera, points, np.array([0.1, 0.1, 1.0]), rotation))
        (pose,) = estimate(camera, region)
        yaw, _, found = pose.angles
        assert abs((found - roll + 180) % 360 - 180) < 6
        assert abs(yaw - 20) < 6


@pytest.mark.parametrize('names', [NAMES[::-1], ('chin', *NAMES, 'forehead')])
def test_landmarks_are_taken_by_their_names(names):
    camera, points = make_camera('60'), HEADS['canonical'] * 0.063
    landmarks = seen(camera, points, np.array([0.1, 0.1, 1.0]), turned(20))
    rows = dict(zip(NAMES, landmarks, strict=True))
    ordered = np.array([rows.get(name, (0.0, 0.0)) for name in names])
    box = region_of(landmarks).box
    (expected,) = estimate(camera, region_of(landmarks, box=box))
    (pose,) = estimate(camera, region_of(ordered, names, box))
    np.testing.assert_array_equal(pose.position, expected.position)


def mirrored(landmarks):
    return landmarks[[1, 0, 2, 4, 3]]


def scrambled(landmarks):
    return landmarks[[2, 0, 1, 3, 4]]


def collapsed(landmarks):
    return np.full_like(landmarks, 500.0)


def in_line(landmarks):
    return landmarks[:1] + np.arange(5)[:, np.newaxis] * [15.0, 0.0]


def missing(landmarks):
    return np.full_like(landmarks, math.nan)


@pytest.mark.parametrize('change', [mirrored, scrambled, collapsed, in_line, missing])
def test_landmarks_of_no_head_leave_the_position_to_the_box(change):
    camera, points = make_camera('60'), HEADS['canonical'] * 0.063
    position = np.array([0.1, -0.1, 1.0])
    landmarks = seen(camera, points, position, turned())
    height = face_height(PUPIL_DISTANCE) * camera.focal_xy[1]
    x, y = landmarks.mean(axis=0)
    box = BoundingBox(x - 0.4 * height, y - 0.5 * height, x + 0.4 * height, y + 0.5 * height)
    (pose,) = estimate(camera, region_of(change(landmarks), box=box))
    assert pose.rotation is None
    assert pose.angles is None
    assert np.linalg.norm(pose.position - position) < 0.15


def test_a_face_without_landmarks_has_a_position_by_its_height_and_no_rotation():
    camera = Intrinsics.from_fov(SIZE, 60.0)
    focal, height = camera.focal_xy[0], face_height(PUPIL_DISTANCE)
    pixels = focal * height / 2.0  # at 2 m
    box = BoundingBox.from_xywh(640 - 0.4 * pixels, 480 - 0.35 * pixels, 0.8 * pixels, pixels)
    (pose,) = estimate(camera, region_of(None, (), box))
    np.testing.assert_allclose(pose.position, (0, 0, 2.0), atol=0.01)
    assert pose.rotation is None
    assert not pose.covariance[3:].any()
    assert not pose.covariance[:, 3:].any()
    deviation = 2.0 * math.hypot(BOX_STD, SIZE_STD)
    assert math.sqrt(pose.covariance[2, 2]) == pytest.approx(deviation, rel=0.05)
    assert math.sqrt(pose.covariance[0, 0]) == pytest.approx(BOX_CENTER_STD * height, rel=0.05)
    assert pose.covariance.shape == (6, 6)
    # On its side it is as far.
    side = BoundingBox.from_xywh(640 - 0.5 * pixels, 480 - 0.4 * pixels, pixels, 0.8 * pixels)
    (lying,) = estimate(camera, region_of(None, (), side))
    assert lying.position[2] == pytest.approx(2.0, abs=0.01)


def test_a_face_where_the_camera_points_nowhere_has_no_pose():
    camera = Intrinsics(SIZE, (600.0, 600.0), (640.0, 480.0), 'plumb_bob', (-0.3, 0, 0, 0))
    box = BoundingBox(1270.0, 100.0, 1400.0, 250.0)
    assert estimate(camera, region_of(None, (), box)) == [None]


def test_a_box_without_a_height_to_speak_of_has_no_pose():
    box = BoundingBox(500.0, 500.0, 500.0 + 1e-9, 500.0 + 2e-9)
    assert estimate(make_camera('60'), region_of(None, (), box)) == [None]
