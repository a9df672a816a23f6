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

"""The node that takes in images: from a topic, a device or a file."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.decoding.limits import check_megapixels
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.frame import NANOSECOND
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.device import DeviceMode
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.open import Opener
from rtcnn_perception.core.sources.player import SourcePlayer
from rtcnn_perception.core.statistics import DeliveryMeter
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.base import Stoppable
from rtcnn_perception.nodes.conversions.images import frame_from_compressed
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import image_to_msg
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.camera import CameraParameters
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.qos import IMAGES_OFFERED
from rtcnn_perception.nodes.qos import LOW_RATE
from rtcnn_perception.nodes.worker import WorkerNode
from rtcnn_perception.one_line import bounded
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

TRANSPORTS: Mapping[str, tuple[type[Any], str, Callable[..., Frame]]] = {
    'raw': (Image, '', frame_from_image),
    'compressed': (CompressedImage, '/compressed', frame_from_compressed),
}
"""Type, end of the topic's name and conversion by the value of ``image_transport``."""


class CameraNode(WorkerNode[CameraParameters, tuple[Any, int]]):
    """
    Take in images and pass them on as frames.

    :param on_output: called with each frame, in a thread of this node; None where only topics are
        used
    :param opener: opens the node's own source
    """

    def __init__(
        self,
        *,
        on_output: Callable[[FrameResult], None] | None = None,
        opener: Opener = open_source,
        **node_kwargs: Any,
    ) -> None:
        super().__init__(node_name(CameraParameters), CameraParameters, **node_kwargs)
        self._on_output = on_output
        self._opener = opener
        self._publisher = self.create_publisher(Image, 'faces/image', IMAGES_OFFERED)
        self._player: SourcePlayer | None = None
        self._delivery = DeliveryMeter()

    @property
    def has_ended(self) -> bool:
        """Whether the node's own source has ended."""
        return self._player is not None and self._player.ended.is_set()

    def _check_source_size(self) -> None:
        """Refuse half a size, which OpenCV would pass over in silence."""
        width, height = self.parameters.source_width, self.parameters.source_height
        if (width == 0) != (height == 0):
            raise ConfigurationError(
                'parameters source_width and source_height must both be 0, or both be above, got '
                f'{width} and {height}'
            )

    def _activate(self) -> None:
        self._check_source_size()
        super()._activate()
        self._player = self._worker = None  # the source may be another one than before
        self._delivery.restart()
        if self.parameters.source:
            self._player = SourcePlayer(
                self._open_source,
                self._on_source_image,
                self._report,
                rate=self.parameters.source_rate,
                is_looping=self.parameters.source_loop,
            )
            return
        message_type, end, _ = TRANSPORTS[self.parameters.image_transport]
        self._start_worker()
        topic = self._topic_of_transport(end)
        self._subscribe_to_images(message_type, topic, self._on_message, self.parameters.qos)

    def _topic_of_transport(self, end: str) -> str:
        """Return the topic; as with image_transport, remapping ``image_raw`` moves all of them."""
        topic = f'image_raw{end}'
        own = self.resolve_topic_name(topic)
        if own != self.resolve_topic_name(topic, only_expand=True):
            return str(own)
        return f'{self.resolve_topic_name("image_raw")}{end}'

    def _open_source(self) -> FrameSource:
        wanted = self.parameters
        mode = DeviceMode(wanted.source_width, wanted.source_height, wanted.source_fps)
        source = self._opener(wanted.source, mode)
        width, height = source.size
        name = bounded(source.name)
        self.get_logger().info(f'{name} has {width}x{height} at {source.fps:g} Hz')
        return source

    def _threads(self) -> Iterable[Stoppable | None]:
        return (*super()._threads(), self._player)

    def _apply(self, parameters: CameraParameters) -> None:
        if self._player is not None:
            self._player.rate = parameters.source_rate
            self._player.is_looping = parameters.source_loop

    def _findings(self) -> Iterator[Finding]:
        if self.parameters.source:
            yield from self._source_findings()
        yield from super()._findings()

    def _source_findings(self) -> Iterator[Finding]:
        """Yield that the own source has ended, or gives images more rarely than is expected."""
        if self.has_ended:
            yield Finding(ERROR, f'the source {self.parameters.source} has ended')
        came = self._delivery.sample(self._now(), self.meter.received.count, 0)
        wanted = self.parameters.expected_rate
        if came is not None and came.rate < LOW_RATE * wanted:
            yield Finding(
                WARN,
                f'{came.rate:.1f} Hz come from {self.parameters.source}, {wanted:.1f} Hz are '
                'expected: light, settings of the camera, or a busy machine lower it',
            )

    @property
    def _expected_rate(self) -> float:
        return self.parameters.expected_rate

    def _why_silent(self) -> str:
        source = self.parameters.source
        return f'{source} gives none' if source else super()._why_silent()

    def _hardware(self) -> str:
        topic = '' if self._images is None else self._images.topic
        return (
            self.parameters.source
            or topic
            or self._topic_of_transport(TRANSPORTS[self.parameters.image_transport][1])
        )

    def _measured(self) -> dict[str, str]:
        return {'source': self._hardware(), **super()._measured()}

    def _on_message(self, msg: Image | CompressedImage) -> None:
        self.submit((msg, self.get_clock().now().nanoseconds))

    def _work(self, item: tuple[Any, int], /) -> None:
        begin = self._now()
        msg, received_ns = item
        _, _, convert = TRANSPORTS[self.parameters.image_transport]
        limit = self.parameters.max_megapixels
        self._emit(convert(msg, received_ns=received_ns, max_megapixels=limit), begin)

    def _on_source_image(self, image: ImageBGR, late_s: float) -> None:
        begin = self._now()
        self.meter.count_received(begin)
        height, width = image.shape[:2]
        try:
            check_megapixels(width, height, self.parameters.max_megapixels)
        except PerceptionError as error:
            self._report(error)
            return
        clock = self.get_clock()
        now_ns = clock.now().nanoseconds
        # Motion and smoothing take the times of a film, and not those of its decoding. Simulated
        # time stands still between its messages: less real seconds it would go back.
        late_ns = 0 if clock.ros_time_is_active else round(late_s / NANOSECOND)
        stamp_ns = max(now_ns - late_ns, 0)
        self._emit(Frame(image, stamp_ns, self.parameters.frame_id, now_ns), begin)

    def _emit(self, frame: Frame, begin: float) -> None:
        """Pass a frame on; ``begin`` is when work on it began."""
        if self._on_output is not None:
            self._on_output(FrameResult(frame, frames_dropped=self.dropped))
        if self._publisher.get_subscription_count():
            self._publisher.publish(image_to_msg(frame.image, header_of(frame)))
        self._count_published(self._now() - begin, self._latency(frame))


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_nodes('camera_node', (CameraParameters,), lambda: (CameraNode(),), args)
