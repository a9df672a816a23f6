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

"""Depth images beside those of the camera, joined to them by stamp."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.frame import NANOSECOND
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.conversions.depth import depth_from_compressed
from rtcnn_perception.nodes.conversions.depth import depth_from_image
from rtcnn_perception.nodes.conversions.images import stamp_ns_of
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.parameters.pose import COMPRESSED
from rtcnn_perception.nodes.parameters.pose import PoseGroup
from rtcnn_perception.nodes.parameters.pose import RAW
from rtcnn_perception.nodes.subscriptions.images import ImageSubscription
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

TOPIC = 'depth_registered/image_rect'

KEPT = 5
"""Depth images that are kept: at 30 Hz those of 170 ms, in which faces are found."""

SILENCE_S = 2.0
"""Seconds after which depth images do not come any more, and are not only late."""

TRANSPORTS: Mapping[str, tuple[type[Any], str, Callable[[Any], DepthImage]]] = {
    RAW: (Image, '', depth_from_image),
    COMPRESSED: (CompressedImage, '/compressedDepth', depth_from_compressed),
}
"""Type, end of the topic's name and conversion by the value of ``pose.depth_transport``."""


class DepthInput:
    """
    The last depth images while a node is active, undecoded.

    A frame is not kept waiting for its depth: the image that is nearest in time is taken.

    :param node: the subscriber
    :param parameters: those of the poses
    :param clock: seconds of a clock that does not jump
    """

    def __init__(self, node: Node, parameters: PoseGroup, *, clock: Callable[[], float]) -> None:
        message_type, end, self._convert = TRANSPORTS[parameters.depth_transport]
        # As with image_transport, remapping the topic moves those below it.
        topic = f'{node.resolve_topic_name(TOPIC)}{end}'
        self._recent: tuple[tuple[int, Any], ...] = ()
        self._refused = ''
        self._subscription = ImageSubscription(
            node, message_type, topic, self._on_depth, qos='auto', clock=clock, is_optional=True
        )

    @property
    def topic(self) -> str:
        """Name of the topic."""
        return self._subscription.topic

    @property
    def lost(self) -> int | None:
        """Return the number of depth images that never came; None where it is not known."""
        return self._subscription.lost

    def findings(self) -> Iterator[Finding]:
        """Yield that depth images are lost, once a second; that none come is said by frames."""
        yield from self._subscription.findings()

    def close(self) -> None:
        """Unsubscribe."""
        self._subscription.close()

    def depth_of(self, frame: Frame, most_offset: float) -> DepthImage:
        """
        Return the depth image of a frame, in the thread that works on it.

        :param most_offset: seconds by which the stamps may differ
        :raises PerceptionError: if there is none, or it is not one of that frame's pixels
        """
        if self._refused:
            raise PerceptionError(self._refused)
        recent = self._recent
        if not recent:
            raise PerceptionError(f'no depth image on {self.topic}: remap {TOPIC}')
        silent_for = self._subscription.silent_for
        if silent_for > SILENCE_S:
            why = self._subscription.why_silent()
            raise PerceptionError(f'no depth image for {silent_for:.0f} s: {why}')
        # The newest of several with one stamp.
        stamp_ns, msg = min(reversed(recent), key=lambda each: abs(each[0] - frame.stamp_ns))
        offset = abs(stamp_ns - frame.stamp_ns) * NANOSECOND
        if offset > most_offset:
            # One that is older may be that of an image before, where depth comes after its image.
            raise PerceptionError(
                f'expected a depth image within {most_offset:g} s of the image, the nearest is '
                f'{offset:.3f} s {"older" if stamp_ns < frame.stamp_ns else "newer"}: let the '
                'driver synchronise them, or raise pose.depth_offset above the time between images'
            )
        own = msg.header.frame_id
        if own and frame.frame_id and own != frame.frame_id:
            raise PerceptionError(
                f'expected depth in the frame of the images, {frame.frame_id!r}, got {own!r}: '
                'register it to the camera'
            )
        depth = self._convert(msg)
        if depth.size_wh != frame.size_wh:
            (width, height), (own_width, own_height) = frame.size_wh, depth.size_wh
            raise ImageFormatError(
                f'expected depth of {width}x{height}, registered to the image, got '
                f'{own_width}x{own_height}'
            )
        depth.check_unit()
        return depth

    def _on_depth(self, msg: Image | CompressedImage) -> None:
        try:
            stamp_ns = stamp_ns_of(msg.header)
        except PerceptionError as error:
            self._refused = f'depth of {self.topic}: {error}'
            return
        self._refused = ''
        self._recent = (*self._recent[1 - KEPT :], (stamp_ns, msg))
