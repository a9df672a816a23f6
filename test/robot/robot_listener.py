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

"""
A program of the robot that listens: it prints diagnostics and faces as lines of JSON.

Usage: robot_listener.py
"""

import json
import sys

from diagnostic_msgs.msg import DiagnosticArray
import rclpy
from rtcnn_perception.msg import FaceAttributes


def show(**values):
    sys.stdout.write(json.dumps(values) + '\n')
    sys.stdout.flush()


def on_diagnostics(msg):
    for each in msg.status:
        show(
            status=each.name,
            level=int.from_bytes(each.level, 'little'),
            message=each.message,
            hardware=each.hardware_id,
            values={value.key: value.value for value in each.values},
        )


def on_attributes(msg):
    show(attributes=len(msg.faces), total_ms=msg.total_ms)


if __name__ == '__main__':
    rclpy.init()
    node = rclpy.create_node('listener')
    node.create_subscription(DiagnosticArray, '/diagnostics', on_diagnostics, 100)
    node.create_subscription(FaceAttributes, 'faces/attributes', on_attributes, 100)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        sys.exit(0)
