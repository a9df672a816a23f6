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

"""The output vision: ``faces/detections`` and ``faces/detections_3d``."""

from __future__ import annotations

from rclpy.node import Node
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.vision import detections_3d_to_msg
from rtcnn_perception.nodes.conversions.vision import detections_to_msg
from rtcnn_perception.nodes.humans.output import Output
from rtcnn_perception.nodes.parameters.humans import HumansParameters
from rtcnn_perception.nodes.qos import RESULTS
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3DArray


class VisionOutput(Output):
    """Publishes a message of each kind per frame, also without a face."""

    def __init__(self, node: Node, parameters: HumansParameters) -> None:
        super().__init__(node, parameters)
        topic = 'faces/detections'
        self._flat = self._publish_on(Detection2DArray, topic, RESULTS)
        self._spatial = self._publish_on(Detection3DArray, f'{topic}_3d', RESULTS)

    def publish(self, result: FrameResult) -> None:
        for publisher, convert in (
            (self._flat, detections_to_msg),
            (self._spatial, detections_3d_to_msg),
        ):
            if publisher.get_subscription_count():
                publisher.publish(convert(result, self._parameters.id_of))


make = VisionOutput
