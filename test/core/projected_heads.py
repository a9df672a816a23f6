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
Heads of known pose, projected by cameras of known intrinsics.

Neither comes from the package: the shapes are others' published ones, and the projection is
written from the formulas.
"""

from __future__ import annotations

import math

import numpy as np

CANONICAL = {
    # MediaPipe, canonical_face_model.obj (Apache-2.0), in cm: x to the head's left, y up, z out of
    # the face. Vertices 168, 33 and 133, 362 and 263, 1, 61, 291.
    'sellion': (0.0, 3.271027, 5.236015),
    'right_eye': ((-4.445859, 2.663991, 3.173422), (-1.856432, 2.585245, 3.757904)),
    'left_eye': ((1.856432, 2.585245, 3.757904), (4.445859, 2.663991, 3.173422)),
    'nose': (0.0, -1.126865, 7.475604),
    'right_mouth_corner': (-2.456206, -4.342621, 4.283884),
    'left_mouth_corner': (2.456206, -4.342621, 4.283884),
}
MULTI_PIE = {
    # The 68 points of pytorch_mpiigaze (MIT), in m: x to the head's left, y down, z into the face,
    # its plane of eyes and mouth upright. Points 27, 36 and 39, 42 and 45, 30, 48, 54.
    'sellion': (0.0, -0.03515768, 0.02038099),
    'right_eye': ((-0.045, -0.032415, 0.03976718), (-0.01919724, -0.03101962, 0.03359268)),
    'left_eye': ((0.01919724, -0.03101962, 0.03359268), (0.045, -0.032415, 0.03976718)),
    'nose': (0.0, 0.0, 0.0),
    'right_mouth_corner': (-0.02847002, 0.03331642, 0.03667993),
    'left_mouth_corner': (0.02847002, 0.03331642, 0.03667993),
}
NAMES = ('right_eye', 'left_eye', 'nose', 'right_mouth_corner', 'left_mouth_corner')


def _head(shape, axes):
    """Return the points in the axes of REP-155 from the sellion, of pupils 1 apart, (5, 3)."""
    points = np.array([np.mean(np.atleast_2d(shape[name]), axis=0) for name in NAMES])
    points = (points - shape['sellion']) @ np.array(axes, float)
    return points / np.linalg.norm(points[0] - points[1])


HEADS = {
    'canonical': _head(CANONICAL, ((0, 1, 0), (0, 0, 1), (1, 0, 0))),
    'multi_pie': _head(MULTI_PIE, ((0, 1, 0), (0, 0, -1), (-1, 0, 0))),
}
"""Points of heads in the order of ``NAMES``, (5, 3), whose pupils are 1 apart."""


def turned(yaw=0.0, pitch=0.0, roll=0.0):
    """
    Return the axes of a head in the optical frame, written out from the conventions.

    Its x axis is -z of the camera where all angles are 0, y is x, and z is -y.
    """
    a, b, c = (math.radians(each) for each in (yaw, pitch, roll))
    about_z = [[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]]
    about_y = [[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]]
    about_x = [[1, 0, 0], [0, math.cos(c), -math.sin(c)], [0, math.sin(c), math.cos(c)]]
    facing = np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], float)
    return facing @ np.array(about_z) @ np.array(about_y) @ np.array(about_x)


def project(points, focal_xy, center_xy, model='', distortion=()):
    """Return the pixels (N, 2) of points (N, 3) in the optical frame [m]."""
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    square = x * x + y * y
    if model == 'equidistant':
        radius = np.maximum(np.sqrt(square), 1e-12)
        angle = np.arctan(radius)
        powers = sum(k * angle ** (2 * i + 2) for i, k in enumerate(distortion))
        scale = angle * (1 + powers) / radius
        x, y = x * scale, y * scale
    elif distortion:
        k1, k2, p1, p2, k3, k4, k5, k6 = (*distortion, *[0.0] * (8 - len(distortion)))
        above = 1 + k1 * square + k2 * square**2 + k3 * square**3
        below = 1 + k4 * square + k5 * square**2 + k6 * square**3
        radial = above / below
        x, y = (
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        )
    return np.stack([x * focal_xy[0] + center_xy[0], y * focal_xy[1] + center_xy[1]], axis=1)
