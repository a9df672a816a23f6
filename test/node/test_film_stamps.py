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

"""Frames of a film are stamped with when they were due, whenever they could be decoded."""

import numpy as np
import pytest
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.nodes import camera_node
from rtcnn_perception.nodes.camera_node import CameraNode

IMAGE = np.zeros((4, 4, 3), np.uint8)


class Film(FrameSource):
    name = 'a film'
    fps = 1000.0
    size = (4, 4)

    def __iter__(self):
        for _ in range(3):
            yield IMAGE


@pytest.fixture
def played(bench, monkeypatch):
    """Play a film, each frame of it late, and return the results."""

    def play(*lateness, **parameters):
        class Player(camera_node.SourcePlayer):
            """A player that gives each frame late by so many seconds."""

            def __init__(self, open_source, emit, report, **options):
                more = iter(lateness)

                def emit_late(image, late_s):
                    emit(image, late_s + next(more))

                super().__init__(open_source, emit_late, report, **options)

        monkeypatch.setattr(camera_node, 'SourcePlayer', Player)
        results = []
        given = {'source': 'a film', 'source_loop': False, **parameters}
        node = bench.add(
            CameraNode, parameters=given, on_output=results.append, opener=lambda *_: Film()
        )
        return node, results

    return play


def test_a_frame_that_comes_late_has_the_stamp_of_its_due_time(bench, played):
    node, results = played(0.25, 0.25, 0.25)
    node.start()
    bench.spin_until(lambda: len(results) == 3, 'all frames')
    for result in results:
        assert result.frame.received_ns - result.frame.stamp_ns >= 250_000_000
    stamps = [result.frame.stamp_ns for result in results]
    assert stamps == sorted(set(stamps))


def test_under_simulated_time_no_stamp_lies_before_the_one_before(bench, played):
    node, results = played(0.25, 0.75, 0.5, use_sim_time=True)
    clock = bench.tester.create_publisher(Clock, '/clock', 10)
    now = Time(seconds=100)
    bench.spin_until(
        lambda: clock.publish(Clock(clock=now.to_msg())) or node.get_clock().now().nanoseconds,
        'simulated time',
    )
    node.start()
    bench.spin_until(lambda: len(results) == 3, 'all frames')
    assert [result.frame.stamp_ns for result in results] == [now.nanoseconds] * 3
