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

"""Quality of service: what matches the publishers of images."""

import itertools
from types import SimpleNamespace

from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.nodes.qos import IMAGE_DEPTH
from rtcnn_perception.nodes.qos import image_profile
from rtcnn_perception.nodes.qos import match
from rtcnn_perception.nodes.qos import QOS

BEST_EFFORT, RELIABLE = ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE
VOLATILE, LATCHED = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL


def publisher(reliability, durability=VOLATILE):
    return SimpleNamespace(qos_profile=image_profile(reliability, durability))


def test_without_publishers_there_is_no_profile_yet():
    assert match([]) is None


def test_the_profile_requests_no_more_than_every_publisher_offers():
    offers = list(itertools.product((BEST_EFFORT, RELIABLE), (VOLATILE, LATCHED)))
    for pair in itertools.product(offers, repeat=2):
        profile = match([publisher(*each) for each in pair])
        is_reliable = all(reliability == RELIABLE for reliability, _ in pair)
        is_latched = all(durability == LATCHED for _, durability in pair)
        assert profile.reliability == (RELIABLE if is_reliable else BEST_EFFORT)
        assert profile.durability == (LATCHED if is_latched else VOLATILE)
        assert (profile.history, profile.depth) == (HistoryPolicy.KEEP_LAST, IMAGE_DEPTH)


def test_a_configured_reliability_does_not_depend_on_the_publishers():
    for publishers in ([], [publisher(BEST_EFFORT)], [publisher(RELIABLE, LATCHED)]):
        assert QOS['sensor_data'](publishers).reliability == BEST_EFFORT
        assert QOS['reliable'](publishers).reliability == RELIABLE
