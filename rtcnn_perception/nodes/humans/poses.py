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
