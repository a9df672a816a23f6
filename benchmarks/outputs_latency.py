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
Measure what the outputs of the humans node cost: the time from stamp to attributes.

All nodes run in one process of their own on a clip with one face, with no output, with the default
ones, and with all of them, each subscribed to here; in turns, as the machine's speed drifts.

    python benchmarks/outputs_latency.py ../shared/data/video/help.mkv
"""

from __future__ import annotations

import argparse
from collections import Counter
import importlib
import os
from pathlib import Path
import sys
import tempfile
import time
from typing import Any

import numpy as np
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rtcnn_perception.commands.benchmark.processes import Processes
from rtcnn_perception.commands.benchmark.processes import Program
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.msg import FaceAttributes

sys.path.append(str(Path(__file__).parents[1] / 'test' / 'node'))
interfaces = importlib.import_module('interfaces')

OUTPUTS = {
    'none': (),
    'default': ('events', 'who'),
    'all': ('events', 'who', 'poses', 'markers', 'vision', 'hri'),
}
TOPICS = (
    ('rtcnn_perception/FaceEvent', 'faces/events'),
    ('geometry_msgs/PoseArray', 'faces/poses'),
    ('visualization_msgs/MarkerArray', 'faces/markers'),
    ('vision_msgs/Detection2DArray', 'faces/detections'),
    ('vision_msgs/Detection3DArray', 'faces/detections_3d'),
    ('tf2_msgs/TFMessage', '/tf'),
)
TOPICS_OF_FACE = (
    ('hri_msgs/NormalizedRegionOfInterest2D', '/humans/faces/{face}/roi'),
    ('sensor_msgs/Image', '/humans/faces/{face}/cropped'),
    ('sensor_msgs/Image', '/humans/faces/{face}/aligned'),
    ('hri_msgs/FacialLandmarks', '/humans/faces/{face}/landmarks'),
    ('hri_msgs/Expression', '/humans/faces/{face}/expression'),
    ('hri_msgs/SoftBiometrics', '/humans/faces/{face}/softbiometrics'),
)
WARM_UP_S = 4.0
DOMAIN = '77'


def provide_packages(folder: Path) -> None:
    """Let this process and those it starts import the messages of others."""
    for name in interfaces.DEPENDENCIES:
        interfaces.provide(name, folder)
    built = sorted({each.parent for each in folder.glob('*/*/done')})
    for variable, part in (('PYTHONPATH', 'python'), ('LD_LIBRARY_PATH', 'lib')):
        paths = [str(each / part) for each in built]
        os.environ[variable] = os.pathsep.join([*paths, os.environ.get(variable, '')])


def message(name: str) -> type[Any]:
    """Return a message by package and name."""
    package, _, kind = name.partition('/')
    found: type[Any] = getattr(importlib.import_module(f'{package}.msg'), kind)
    return found


class Listener:
    """Subscribes to attributes, and to all outputs where that is asked for."""

    def __init__(self, node: Node, *, is_to_all: bool) -> None:
        self.node = node
        self.latencies_ms: list[float] = []
        self.received: Counter[str] = Counter()
        self._ids: set[str] = set()
        node.create_subscription(FaceAttributes, 'faces/attributes', self._on_attributes, 10)
        if is_to_all:
            self._subscribe_to_all()

    def _on_attributes(self, msg: FaceAttributes) -> None:
        stamp = msg.header.stamp
        now = self.node.get_clock().now().nanoseconds
        self.latencies_ms.append((now - stamp.sec * 10**9 - stamp.nanosec) / 1e6)

    def _subscribe_to_all(self) -> None:
        for kind, topic in TOPICS:
            self._subscribe(kind, topic, 10)
        kind = message('hri_msgs/IdsList')
        self.node.create_subscription(kind, '/humans/faces/tracked', self._on_tracked, 1)

    def _on_tracked(self, msg: Any) -> None:  # noqa: ANN401 - its package is built at run time
        """Subscribe to all that ROS4HRI has of a face."""
        self.received['tracked'] += 1
        for face in set(msg.ids) - self._ids:
            self._ids.add(face)
            for kind, topic in TOPICS_OF_FACE:
                self._subscribe(kind, topic.format(face=face), 1)

    def _subscribe(self, kind: str, topic: str, depth: int) -> None:
        name = topic.rpartition('/')[2]
        self.node.create_subscription(
            message(kind), topic, lambda _: self.received.update([name]), depth
        )


def measure(clip: Path, outputs: str, seconds: float) -> tuple[np.ndarray, Counter[str]]:
    """Return the latencies in ms of a run, and how many messages came of each output."""
    parameters = {
        'faces_camera:source': str(clip),
        'faces_camera:source_rate': 30.0,
        'faces_classifier:pose.horizontal_fov': 60.0,
        'faces_humans:outputs': list(OUTPUTS[outputs]),
    }
    program = Program('perception', parameters)
    with Processes(program) as processes, initialised_context() as context:
        node = Node('outputs_latency', context=context)
        listener = Listener(node, is_to_all=outputs == 'all')
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        for duration in (WARM_UP_S, seconds):
            listener.latencies_ms.clear()
            listener.received.clear()
            end = time.monotonic() + duration
            while time.monotonic() < end:
                executor.spin_once(timeout_sec=0.1)
            processes.check()
        executor.shutdown()
        node.destroy_node()
    return np.array(listener.latencies_ms), listener.received


def main() -> None:
    """Measure in turns, and print medians and their range."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n\n')[0])
    parser.add_argument('clip', type=Path, help='film with one face')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=20.0, help='of each run')
    args = parser.parse_args()
    os.environ['ROS_DOMAIN_ID'] = DOMAIN
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    medians: dict[str, list[float]] = {each: [] for each in OUTPUTS}
    with tempfile.TemporaryDirectory() as folder:
        provide_packages(Path(folder))
        for _ in range(args.rounds):
            for outputs, found in medians.items():
                latencies, received = measure(args.clip, outputs, args.seconds)
                found.append(float(np.median(latencies)))
                print(
                    f'{outputs}: {len(latencies)} frames, p50 {found[-1]:.2f} ms, '
                    f'p95 {np.percentile(latencies, 95):.2f} ms {dict(received) or ""}',
                    flush=True,
                )
    print('| outputs | stamp to attributes, median of p50 | range |\n| --- | --- | --- |')
    for outputs, found in medians.items():
        print(
            f'| {outputs} | {np.median(found):.2f} ms | {min(found):.2f} to {max(found):.2f} ms |'
        )


if __name__ == '__main__':
    main()
