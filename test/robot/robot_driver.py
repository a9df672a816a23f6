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
A camera driver in a process of its own: best-effort images until its input is closed.

With CLOCK_HERTZ the stamps are of simulated time, which it publishes from the first line of its
input on.

Usage: robot_driver.py WIDTH HEIGHT HERTZ [CLOCK_HERTZ]
"""

import random
import sys
import threading
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

BEGIN = 1002.0
"""Seconds of simulated time at the start of the driver."""


def main(width, height, hertz, clock_hertz=0):
    rclpy.init()
    node = rclpy.create_node('driver')
    images = node.create_publisher(Image, 'image_raw', qos_profile_sensor_data)
    clock = node.create_publisher(Clock, '/clock', 10)
    msg = Image(height=height, width=width, encoding='bgr8', step=3 * width)
    msg.data = bytes(3 * width * height)
    has_clock, is_over = threading.Event(), threading.Event()

    def read_input():
        for _ in sys.stdin:
            has_clock.set()
        is_over.set()

    threading.Thread(target=read_input, daemon=True).start()
    began = time.monotonic()
    next_image = next_tick = 0.0
    while not is_over.wait(
        max(next_image - (time.monotonic() - began), 0.0) if not clock_hertz else 0.2 / clock_hertz
    ):
        now = time.monotonic() - began
        if clock_hertz and has_clock.is_set() and now >= next_tick:
            next_tick = now + 1.0 / clock_hertz
            clock.publish(Clock(clock=stamp(BEGIN + now)))
        if now >= next_image:
            next_image += 1.0 / hertz
            # An exposure and a transfer ago; a simulator knows its time between the ticks, too.
            seconds = BEGIN + now if clock_hertz else time.time()
            msg.header.stamp = stamp(seconds - random.uniform(0.002, 0.02))
            images.publish(msg)
    rclpy.shutdown()


def stamp(seconds):
    return rclpy.time.Time(nanoseconds=round(seconds * 1e9)).to_msg()


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
