"""The output poses: ``faces/poses``, nearest first."""

from __future__ import annotations

from geometry_msgs.msg import PoseArray
from rclpy.node import Node
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.spatial import pose_array_to_msg
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.qos import RESULTS


class PosesOutput(Output):
    """Publishes one message per frame, also without a pose."""

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        super().__init__(node, parameters)
        self._poses = self._publish_on(PoseArray, 'faces/poses', RESULTS)

    def publish(self, result: FrameResult) -> None:
        if self._poses.get_subscription_count():
            self._poses.publish(pose_array_to_msg(result))


make = PosesOutput
