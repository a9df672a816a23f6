"""The node that finds faces and follows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rtcnn_perception.core.detection.registry import Detector
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.registry import LoadedDetector
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.faces import rois_to_msg
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.conversions.images import since_stamp_ms
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.tables import DetectorParameters
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.working_node import WorkingNode
from rtcnn_perception.resources import models_search_path
from sensor_msgs.msg import Image


class DetectorNode(WorkingNode[DetectorParameters, Frame]):
    """
    Find and follow the faces of each frame.

    :param detector: instead of the one that the parameters name
    :param hand_on: takes what was found in each frame, in this node's thread
    :param dropped_before: how many images gave way before they came here
    :param is_listening: whether frames come over the topic ``faces/image``; otherwise they come by
        ``submit`` alone
    """

    def __init__(
        self,
        *,
        detector: Detector | None = None,
        hand_on: Callable[[FacesInFrame], None] | None = None,
        dropped_before: Callable[[], int] = lambda: 0,
        is_listening: bool = True,
        **node_kwargs: Any,
    ) -> None:
        super().__init__('detector', DetectorParameters, **node_kwargs)
        self._given = detector
        self._hand_on = hand_on
        self._dropped_before = dropped_before
        self._is_listening = is_listening
        # Made once: ids are not used again, whatever transitions the node goes through.
        self._tracker = FaceTracker(_tracker_config(self.parameters))
        self._stage: DetectionStage | None = None
        self._reason = ''
        self._publisher = self.create_publisher(FaceRois, 'faces/rois', RESULTS)

    @property
    def reason(self) -> str:
        """Which detector was taken and why; empty before it is loaded."""
        return self._reason

    def _load(self) -> None:
        wanted = self.parameters.detector
        if self._given is not None:
            loaded = LoadedDetector(self._given, 'which was given')
            self._given.min_score = wanted.min_score
        else:
            config = DetectorConfig(
                name=wanted.name,
                model_path=wanted.model_path,
                width=wanted.width,
                min_score=wanted.min_score,
                threads=wanted.threads,
            )
            loaded = load_detector(config, models_search_path())
        self._reason = loaded.reason
        self._stage = DetectionStage(
            loaded.detector, self._tracker, wanted.every_n, tag=loaded.tag
        )
        self.get_logger().info(loaded.reason)

    def _begin(self) -> None:
        self._tracker.reset()
        if self._stage is not None:
            self._stage.restart()
        self._start_work()
        if self._is_listening:
            self._listen(Image, 'faces/image', self._on_image, self.parameters.qos)

    def _release(self) -> None:
        self._stage = None

    def _apply(self, parameters: DetectorParameters) -> None:
        self._tracker.config = _tracker_config(parameters)
        if self._stage is not None:
            self._stage.min_score = parameters.detector.min_score
            self._stage.every_n = parameters.detector.every_n

    def _measured(self) -> dict[str, str]:
        return {'detector': self._reason, 'frames dropped': str(self.dropped)}

    def _on_image(self, msg: Image) -> None:
        received_ns = self.get_clock().now().nanoseconds
        try:
            frame = frame_from_image(msg, received_ns=received_ns)
        except PerceptionError as error:
            self._report(error)
        else:
            self.submit(frame)

    def _work(self, frame: Frame, /) -> None:
        stage = self._stage
        if stage is None:
            return
        found = stage.process(frame, self._dropped_before() + self.dropped)
        if self._hand_on is not None:
            self._hand_on(found)
        if self._publisher.get_subscription_count():
            self._publisher.publish(rois_to_msg(found))
        self.meter.work.add(found.detect_s)
        self.meter.latency.add(since_stamp_ms(frame, self.get_clock().now().nanoseconds) * 1e-3)
        self.meter.published.tick(self._now())


def _tracker_config(parameters: DetectorParameters) -> TrackerConfig:
    return TrackerConfig(**asdict(parameters.tracker))


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop."""
    return run_nodes('detector_node', (DetectorParameters,), lambda: (DetectorNode(),), args)
