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
Draw what rviz shows of faces/markers, from the messages themselves: docs/images/outputs.jpg.

The built-in clip runs through all nodes; the markers of one of its frames are drawn as rviz draws
them, beside the image they belong to. It needs visualization_msgs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
import rclpy
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.rotations import rotation_of
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.markers import face_markers
from rtcnn_perception.nodes.conversions.spatial import posed_faces
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.perception import Perception
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

Color = tuple[int, int, int]

FOV = 60.0
"""Degrees, horizontally; the clip is of no camera whose field of view is known."""

FRAMES = 150
"""Of which the last one with the most faces is drawn."""

VIEW = (0.5, -0.6)
"""Pitch and yaw in radians from which rviz looks, about a point before the camera."""

CENTER, DISTANCE = np.array([0.15, 0.0, 0.7]), 1.9
"""In metres: that point in the camera's frame, and how far the view is from it."""

GREY, GRID = (48, 48, 48), (90, 90, 90)


def last_result() -> FrameResult:
    """Run the nodes on the clip, and return a frame with the most faces."""
    results: list[FrameResult] = []
    rclpy.init()
    parameters = {
        'source': 'builtin',
        'pose.horizontal_fov': FOV,
        'tracker.first_id': 1,
        'outputs': [],
    }
    with Perception(parameters=parameters, on_result=results.append) as running:
        while len(results) < FRAMES:
            running.wait(0.1)
    rclpy.try_shutdown()
    return max(results, key=lambda each: (len(posed_faces(each)), each.frame.stamp_ns))


class View:
    """A picture of the space before the camera, seen from above and from one side."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._camera = Intrinsics.from_fov(size_wh, 55.0)
        pitch, yaw = VIEW
        tilt = np.array(
            [
                [1, 0, 0],
                [0, np.cos(pitch), -np.sin(pitch)],
                [0, np.sin(pitch), np.cos(pitch)],
            ]
        )
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        self._rotation = tilt @ turn
        self.image = np.full((size_wh[1], size_wh[0], 3), GREY, np.uint8)

    def pixels(self, points: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Project points (N, 3) of the camera's frame in metres."""
        seen = (points - CENTER) @ self._rotation.T + (0.0, 0.0, DISTANCE)
        flat = self._camera.pixels(seen[:, :2] / seen[:, 2:])
        return [(round(x), round(y)) for x, y in flat.tolist()]

    def line(
        self, begin: Sequence[float], end: Sequence[float], color: Color, width: int = 1
    ) -> None:
        """Draw a line between two points of the camera's frame."""
        first, second = self.pixels(np.array([begin, end], np.float64))
        cv2.line(self.image, first, second, color, width, cv2.LINE_AA)

    def grid(self) -> None:
        """Draw the floor, 30 cm below the camera, and the camera's own axes."""
        for step in np.arange(-0.8, 0.81, 0.2):
            self.line((step, 0.3, 0.0), (step, 0.3, 1.6), GRID)
            self.line((-0.8, 0.3, step + 0.8), (0.8, 0.3, step + 0.8), GRID)
        for axis, color in enumerate([(60, 60, 230), (60, 200, 60), (230, 120, 60)]):
            self.line((0, 0, 0), 0.12 * np.eye(3)[axis], color, 2)
        self.text((0.0, -0.03, 0.0), 'camera', (200, 200, 200))

    def marker(self, marker: Marker) -> None:
        """Draw a marker as rviz does."""
        place, turn = marker.pose.position, marker.pose.orientation
        origin = np.array([place.x, place.y, place.z])
        if marker.type == Marker.TEXT_VIEW_FACING:
            self.text(origin, marker.text, bgr(marker.color))
            return
        rotation = rotation_of((turn.x, turn.y, turn.z, turn.w))
        points = [origin + rotation @ (each.x, each.y, each.z) for each in marker.points]
        colors = list(marker.colors) or [marker.color] * len(points)
        for begin, end, color in zip(points[::2], points[1::2], colors[::2], strict=True):
            if marker.type == Marker.ARROW:
                first, second = self.pixels(np.array([begin, end]))
                cv2.arrowedLine(self.image, first, second, bgr(color), 3, cv2.LINE_AA)
            else:
                self.line(begin, end, bgr(color), 3)

    def text(self, place: Sequence[float], text: str, color: Color) -> None:
        """Write lines about a point of the camera's frame."""
        ((x, y),) = self.pixels(np.array([place], np.float64))
        for row, line in enumerate(text.split('\n')):
            (width, height), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
            corner = (x - width // 2, y + row * (height + 6))
            cv2.putText(
                self.image, line, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA
            )


def bgr(color: ColorRGBA) -> Color:
    """Return a color of a message as OpenCV has it."""
    return round(color.b * 255), round(color.g * 255), round(color.r * 255)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('output', type=Path, help='picture to write')
    output = parser.parse_args().output
    result, parameters = last_result(), HumansParameters()
    view = View(result.frame.size_wh)
    view.grid()
    for face, pose in posed_faces(result):
        name = parameters.id_of(face.track_id)
        for marker in face_markers(
            face, pose, header_of(result.frame), 'f', [name, *result.texts(face)]
        ):
            view.marker(marker)
    both = np.hstack([annotate(result, bars=False), view.image])
    if not cv2.imwrite(str(output), both, [cv2.IMWRITE_JPEG_QUALITY, 85]):
        raise SystemExit(f'cannot write {output.absolute()}')


if __name__ == '__main__':
    main()
