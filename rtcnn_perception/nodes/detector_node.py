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

"""The node that finds faces and follows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from dataclasses import replace
import time
from typing import Any

from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import LoadedDetector
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.faces import rois_to_msg
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.detector import DetectorGroup
from rtcnn_perception.nodes.parameters.detector import DetectorParameters
from rtcnn_perception.nodes.parameters.detector import TrackerGroup
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.worker import WorkerNode
from rtcnn_perception.one_line import bounded
from rtcnn_perception.resources import models_search_path
from sensor_msgs.msg import Image


class DetectorNode(WorkerNode[DetectorParameters, FrameResult]):
    """
    Find and follow the faces of each frame.

    :param detector: used instead of the one that the parameters name
    :param on_output: called with each result, in this node's thread
    :param is_composed: whether frames come by ``submit`` alone, and not over ``faces/image``
    """

    def __init__(
        self,
        *,
        detector: Detector | None = None,
        on_output: Callable[[FrameResult], None] | None = None,
        is_composed: bool = False,
        **node_kwargs: Any,
    ) -> None:
        super().__init__(node_name(DetectorParameters), DetectorParameters, **node_kwargs)
        # With its own minimum score: it is set while the node runs.
        self._given = None
        if detector is not None:
            self._given = LoadedDetector(detector, 'which was given', detector.min_score)
        self._on_output = on_output
        self._is_composed = is_composed
        # Made once: ids are not reused, whatever transitions the node goes through.
        tracker = self.parameters.tracker
        self._tracker = FaceTracker(_tracker_config(tracker), tracker.first_id or _first_id())
        self._stage: DetectionStage | None = None
        self._default_min_score = 0.0
        self._reason = ''
        self._publisher = self.create_publisher(FaceRois, 'faces/rois', RESULTS)

    @property
    def reason(self) -> str:
        """Which detector was chosen and why; empty before it is loaded."""
        return self._reason

    def _configure(self) -> None:
        wanted = self.parameters.detector
        loaded = self._given or load_detector(_detector_config(wanted), models_search_path())
        self._reason = loaded.reason
        self._default_min_score = loaded.default_min_score
        self._stage = DetectionStage(loaded.detector, self._tracker, rotation=wanted.rotation)
        self._apply(self.parameters)
        self.get_logger().info(bounded(loaded.reason))
        super()._configure()

    def _activate(self) -> None:
        super()._activate()
        self._tracker.reset()
        if self._stage is not None:
            self._stage.restart()
        self._start_worker()
        if not self._is_composed:
            self._subscribe_to_images(Image, 'faces/image', self._on_image, self.parameters.qos)

    def _cleanup(self) -> None:
        self._stage = None

    def _apply(self, parameters: DetectorParameters) -> None:
        self._tracker.config = _tracker_config(parameters.tracker)
        if self._stage is not None:
            self._stage.min_score = parameters.detector.min_score or self._default_min_score
            self._stage.every_n = parameters.detector.every_n

    def _measured(self) -> dict[str, str]:
        return {'detector': self._reason, **super()._measured()}

    def _on_image(self, msg: Image) -> None:
        received_ns = self.get_clock().now().nanoseconds
        try:
            self.submit(FrameResult(frame_from_image(msg, received_ns=received_ns)))
        except PerceptionError as error:
            self._report(error)

    def _work(self, result: FrameResult, /) -> None:
        stage = self._stage
        if stage is None:
            return
        dropped = result.frames_dropped + self.dropped
        found = stage.process(replace(result, frames_dropped=dropped))
        if self._on_output is not None:
            self._on_output(found)
        if self._publisher.get_subscription_count():
            self._publisher.publish(rois_to_msg(found))
        self._count_published(found.detect_s, self._latency(found.frame))


def _detector_config(group: DetectorGroup) -> DetectorConfig:
    values = asdict(group)
    del values['every_n'], values['rotation']
    return DetectorConfig(**values)


def _tracker_config(group: TrackerGroup) -> TrackerConfig:
    values = asdict(group)
    del values['first_id']
    values['max_coast_s'] = values.pop('max_coast')
    return TrackerConfig(**values)


def _first_id() -> int:
    """
    Return an id that grows by 100 a second, up to 10 million: it begins anew after 28 hours.

    A node that is started again begins at other ids than those of the run before, unless that had
    more than 100 new faces a second: others may still smooth, count or greet by those.
    """
    return 1 + time.time_ns() // 10**7 % 10**7


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_nodes('detector_node', (DetectorParameters,), lambda: (DetectorNode(),), args)
