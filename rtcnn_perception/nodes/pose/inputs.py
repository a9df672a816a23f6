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

"""What the poses of heads rest on: the intrinsics of the camera, and depth."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator

from rclpy.node import Node
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.conversions.camera_info import identity_of
from rtcnn_perception.nodes.conversions.camera_info import intrinsics_from_msg
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.parameters.pose import PoseGroup
from rtcnn_perception.nodes.pose.depth_input import DepthInput
from rtcnn_perception.nodes.subscriptions.images import ImageSubscription
from rtcnn_perception.nodes.subscriptions.images import PATIENCE
from rtcnn_perception.nodes.subscriptions.losses import lost_text
from rtcnn_perception.one_line import bounded
from sensor_msgs.msg import CameraInfo

CAMERA_INFO = 'camera_info'

LOGGED_EVERY = 10.0
"""Seconds between two lines about intrinsics that change."""


def camera_info_topic(node: Node) -> str:
    """
    Return the topic of the camera's intrinsics: beside its images, as image_transport has it.

    Where ``image_raw`` is remapped this moves with it, unless it is remapped itself.
    """
    own = str(node.resolve_topic_name(CAMERA_INFO))
    if own != node.resolve_topic_name(CAMERA_INFO, only_expand=True):
        return own
    return beside(str(node.resolve_topic_name('image_raw')))


def beside(image_topic: str) -> str:
    """Return the topic of the intrinsics that belongs to a topic of images."""
    namespace, slash, _ = image_topic.rpartition('/')
    return f'{namespace}{slash}{CAMERA_INFO}'


class PoseInputs:
    """
    What poses rest on while a node is active: the intrinsics of the camera, and depth if wanted.

    :param node: the subscriber
    :param parameters: those of the poses
    :param clock: seconds of a clock that does not jump
    """

    def __init__(self, node: Node, parameters: PoseGroup, *, clock: Callable[[], float]) -> None:
        self._camera = CameraInput(node, parameters, clock=clock)
        try:
            self._depth = DepthInput(node, parameters, clock=clock) if parameters.depth else None
        except Exception:
            self._camera.close()
            raise

    @property
    def measured(self) -> dict[str, str]:
        """Return what poses rest on or why there are none, and what was lost, for diagnostics."""
        if self._depth is None:
            return {'head pose': self._camera.state}
        return {
            'head pose': f'{self._camera.state}; depth of {self._depth.topic}',
            'depth images lost': lost_text(self._depth.lost),
        }

    def findings(self) -> Iterator[Finding]:
        """Yield that depth images are lost; to be called about once a second."""
        if self._depth is not None:
            yield from self._depth.findings()

    def close(self) -> None:
        """Unsubscribe."""
        self._camera.close()
        if self._depth is not None:
            self._depth.close()

    def of(
        self,
        result: FrameResult,
        parameters: PoseGroup,
        report: Callable[[Exception], None],
    ) -> tuple[Intrinsics | None, DepthImage | None]:
        """
        Return the intrinsics for a frame, and its depth if a face was found in it.

        :param parameters: as they are now
        :param report: called with what keeps one of the two away
        """
        try:
            camera = self._camera.camera_of(result.frame)
        except PerceptionError as error:
            report(error)
            return None, None
        if camera is None or self._depth is None or all(f.is_coasted for f in result.faces):
            return camera, None
        try:
            return camera, self._depth.depth_of(result.frame, parameters.depth_offset)
        except PerceptionError as error:
            report(error)
            return camera, None


class CameraInput:
    """
    The intrinsics of the camera while a node is active.

    :param node: the subscriber
    :param parameters: those of the poses; none but these are read later
    :param clock: seconds of a clock that does not jump
    """

    def __init__(self, node: Node, parameters: PoseGroup, *, clock: Callable[[], float]) -> None:
        self._node = node
        self._parameters = parameters
        self._clock = clock
        self._since = clock()
        self._has_said = False
        self._msg: CameraInfo | None = None
        self._key: object = None
        self._camera: Intrinsics | None = None
        self._subscription: ImageSubscription | None = None
        self.state = 'waits for the first frame'
        if not parameters.horizontal_fov:
            self._subscription = ImageSubscription(
                node,
                CameraInfo,
                camera_info_topic(node),
                self._on_camera_info,
                qos='auto',  # a driver may keep its only one for who comes later
                clock=clock,
                is_optional=True,
            )

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._subscription.close()

    def camera_of(self, frame: Frame) -> Intrinsics | None:
        """
        Return the intrinsics for the image of a frame, in the thread that works on it.

        :returns: None where there are none; that is logged once
        :raises PerceptionError: if those that came are not those of the image
        """
        if self._subscription is None:
            return self._by_fov(frame)
        msg = self._msg
        if msg is None:
            self._say_once()
            return None
        # At 30 Hz this compares some bytes, and computes nothing.
        key = (identity_of(msg), frame.size_wh, frame.frame_id)
        if key != self._key:
            self._key = None
            self._camera = self._by_message(msg, frame)
            self._key = key
        return self._camera

    def _by_fov(self, frame: Frame) -> Intrinsics:
        if self._camera is None or self._camera.size_wh != frame.size_wh:
            degrees = self._parameters.horizontal_fov
            self._camera = Intrinsics.from_fov(frame.size_wh, degrees)
            self.state = f'by pose.horizontal_fov of {degrees:g} degrees'
        return self._camera

    def _by_message(self, msg: CameraInfo, frame: Frame) -> Intrinsics:
        try:
            _check_frame(msg, frame)
            given = intrinsics_from_msg(msg, is_rectified=self._parameters.rectified)
            camera = given.scaled_to(frame.size_wh)
        except PerceptionError as error:
            self.state = f'no pose: {error}'
            raise
        width, height = given.size_wh
        scaled = '' if given is camera else f', scaled from {width}x{height}'
        self.state = f'by camera_info, {camera.plain_fov:.0f} degrees wide{scaled}'
        # A zoom, or two cameras on one topic, change them with each frame.
        self._node.get_logger().info(
            bounded(f'poses of heads {self.state}'), throttle_duration_sec=LOGGED_EVERY
        )
        return camera

    def _on_camera_info(self, msg: CameraInfo) -> None:
        self._msg = msg

    def _say_once(self) -> None:
        if self._has_said or self._clock() - self._since < PATIENCE:
            return
        self._has_said = True
        topic = '' if self._subscription is None else self._subscription.topic
        self.state = f'no pose: no camera_info on {topic}'
        self._node.get_logger().info(
            bounded(
                f'no camera_info on {topic}: faces have no pose; publish it there, remap '
                'camera_info, or set pose.horizontal_fov'
            )
        )


def _check_frame(msg: CameraInfo, frame: Frame) -> None:
    """Refuse the intrinsics of another camera; where one has no frame_id that is not known."""
    own = msg.header.frame_id
    if own and frame.frame_id and own != frame.frame_id:
        raise PerceptionError(
            f'expected camera_info in the frame of the images, {frame.frame_id!r}, got {own!r}: '
            'is it that of another camera? Remap camera_info'
        )
