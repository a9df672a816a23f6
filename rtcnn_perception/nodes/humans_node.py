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

"""The node that publishes who is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import threading
from typing import Any

from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.conversions.attributes import result_from_bytes
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.humans.registry import load_outputs
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.subscriptions.stamp_join import StampJoin
from rtcnn_perception.nodes.subscriptions.topic import Topic
from rtcnn_perception.nodes.worker import WorkerNode
from rtcnn_perception.one_line import bounded
from sensor_msgs.msg import Image

CHECKED_EVERY = 0.5
"""Seconds between checks whether results come, and whether images are needed."""


class HumansNode(WorkerNode[HumansParameters, FrameResult]):
    """
    Publish the faces of each frame in the forms that the parameter ``outputs`` lists.

    In a process of its own it reads ``faces/attributes``, and ``faces/image`` only while crops
    have a subscriber. Where it has no output, results pass it by in the thread they come in.

    :param on_output: called with each result, after it was published
    :param is_composed: whether results come by ``submit`` alone
    """

    def __init__(
        self,
        *,
        on_output: Callable[[FrameResult], None] | None = None,
        is_composed: bool = False,
        **node_kwargs: Any,
    ) -> None:
        super().__init__(node_name(HumansParameters), HumansParameters, **node_kwargs)
        self._on_output = on_output
        self._is_composed = is_composed
        self._outputs: tuple[Output, ...] = ()
        self._attributes: Topic | None = None
        self._join: StampJoin[Frame, FrameResult] = StampJoin(self.parameters.join_frames)
        self._publishing = threading.Lock()
        self._has_published = False
        self.create_timer(CHECKED_EVERY, self._on_timer, clock=self._steady)

    def submit(self, item: FrameResult) -> None:
        """Put a result, from one thread at a time."""
        if self._outputs:
            super().submit(item)
        elif self._on_output is not None and self.is_active:
            self._on_output(item)

    def _configure(self) -> None:
        self._outputs = load_outputs(self, self.parameters)
        names = ', '.join(self.parameters.outputs) or 'nothing'
        self.get_logger().info(bounded(f'publishing {names}'))
        super()._configure()

    def _activate(self) -> None:
        super()._activate()
        self._attributes = None
        self._join = StampJoin(self.parameters.join_frames)
        self._start_worker()
        if self._outputs and not self._is_composed:
            self._attributes = self._subscribe(
                FaceAttributes, 'faces/attributes', self._on_attributes
            )

    def _deactivate(self) -> None:
        super()._deactivate()
        self._join.clear()
        if self.context.ok():
            self._clear()

    def _cleanup(self) -> None:
        outputs, self._outputs = self._outputs, ()
        if self.context.ok():
            self._wait_until_received(each for output in outputs for each in output.publishers)
        for output in outputs:
            output.close()

    def _apply(self, parameters: HumansParameters) -> None:
        for output in self._outputs:
            output.apply(parameters)

    @property
    def _is_fed(self) -> bool:
        return bool(self._outputs)

    @property
    def _takes(self) -> str:
        return super()._takes if self._attributes is None else 'attributes'

    @property
    def _come_in(self) -> str:
        return super()._come_in if self._attributes is None else 'attributes'

    def _why_silent(self) -> str:
        if self._attributes is None:
            return super()._why_silent()
        return self._attributes.why_silent(RESULTS)

    @property
    def lost(self) -> int | None:
        """Return how many results never came since activation; None where that is not known."""
        return 0 if self._attributes is None else self._attributes.losses.lost

    @property
    def _wants_image(self) -> bool:
        return any(output.wants_image for output in self._outputs)

    def _on_timer(self) -> None:
        if self.is_active:
            self._let_faces_leave()
            if not self._is_composed:
                self._follow_image_subscribers()

    def _let_faces_leave(self) -> None:
        """Let all faces leave once no result comes: no time passes for them without one."""
        longest = max(self.parameters.image_timeout, self.parameters.presence.leave_s)
        if self.meter.silent_for(self._now()) <= longest:
            return
        # Held only while a result is at hand, after all; then it is no matter.
        if self._publishing.acquire(blocking=False):
            try:
                if self._has_published:
                    self._clear()
            except Exception as error:  # noqa: BLE001 - as from publishing
                self._report(error)
            finally:
                self._publishing.release()

    def _clear(self) -> None:
        self._has_published = False
        for output in self._outputs:
            output.clear()

    def _follow_image_subscribers(self) -> None:
        """Subscribe to images while they are needed."""
        if self._images is None and self._wants_image:
            self._subscribe_to_images(Image, 'faces/image', self._on_image, self.parameters.qos)
        elif self._images is not None and not self._wants_image:
            self._unsubscribe_from_images()
            self._join.clear()

    def _on_image(self, msg: Image) -> None:
        try:
            frame = frame_from_image(msg, received_ns=self.get_clock().now().nanoseconds)
        except PerceptionError as error:
            self._report(error)
            return
        if frame.stamp_ns:
            # Detection and classification take longer than an image's way here. Where it comes
            # after its attributes all the same, they are published, and only crops are missing.
            self._join.put_frame(frame.stamp_ns, frame, frame.image.nbytes)

    def _on_attributes(self, data: bytes) -> None:
        received_ns = self.get_clock().now().nanoseconds
        try:
            result = result_from_bytes(data, received_ns, self._report)
        except PerceptionError as error:
            self._report(error)
            return
        if self._images is not None and result.frame.stamp_ns:
            result = _with_image(result, self._join.put_faces(result.frame.stamp_ns, result))
        self.submit(result)

    def _work(self, result: FrameResult, /) -> None:
        begin = self._now()
        with self._publishing:
            self._has_published = True
            for output in self._outputs:
                try:
                    output.publish(result)
                except Exception as error:  # noqa: BLE001, PERF203 - reported and counted; one output must not cost the others
                    self._report(error)
        self._count_published(self._now() - begin, self._latency(result.frame))
        if self._on_output is not None:
            self._on_output(result)


def _with_image(result: FrameResult, pair: tuple[Frame, FrameResult] | None) -> FrameResult:
    """Return a result with its image, where that came before it."""
    if pair is None or pair[0].size_wh != result.frame.size_wh:
        return result
    return replace(result, frame=replace(result.frame, image=pair[0].image, has_image=True))


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_nodes('humans_node', (HumansParameters,), lambda: (HumansNode(),), args)
