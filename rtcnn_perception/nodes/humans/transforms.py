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

"""TF of the outputs poses and hri: the frames of faces and gazes, on ``/tf``."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.spatial import transforms_of
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from tf2_msgs.msg import TFMessage

BROADCAST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE
)
"""As tf2_ros broadcasts."""


class TransformsOutput(Output):
    """Broadcasts the frames of the faces that have a pose."""

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        super().__init__(node, parameters)
        self._tf = self._publish_on(TFMessage, '/tf', BROADCAST)

    def publish(self, result: FrameResult) -> None:
        if not self._tf.get_subscription_count():
            return
        transforms = transforms_of(result, self._parameters.id_of)
        if transforms:
            self._tf.publish(TFMessage(transforms=transforms))


make = TransformsOutput
