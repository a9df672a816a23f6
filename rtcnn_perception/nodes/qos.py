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

"""Quality of service: profiles of publishers, and those of subscriptions that match them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

IMAGE_DEPTH = 5
"""
Images that wait for a callback, 5 as in the sensor data profile.

It only has to bridge a pause of the process: callbacks pass the newest image on at once, and
older ones are dropped and counted there.
"""

LOW_RATE = 0.7
"""Share of the expected rate below which it is low: above it lie pauses of a busy machine."""

RESULTS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
)
"""For small messages that must not be lost: rois, attributes, diagnostics."""

IMAGES_OFFERED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=2, reliability=ReliabilityPolicy.RELIABLE
)
"""
For published images: reliable, which a best-effort subscription receives as well.

Only the last are kept, so that a slow subscriber blocks no other.
"""


def image_profile(
    reliability: ReliabilityPolicy, durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
) -> QoSProfile:
    """Return the profile of a subscription to images."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=IMAGE_DEPTH,
        reliability=reliability,
        durability=durability,
    )


def match(publishers: Sequence[TopicEndpointInfo]) -> QoSProfile | None:
    """
    Return the profile that receives from all of these publishers, None where there are none yet.

    A reliable subscription receives nothing from a best-effort publisher, and a transient-local
    one nothing from a volatile publisher: the lowest level offered is requested, and no lower one,
    so that images of a reliable camera are not lost.
    """
    if not publishers:
        return None
    offered = [publisher.qos_profile for publisher in publishers]
    is_reliable = all(profile.reliability == ReliabilityPolicy.RELIABLE for profile in offered)
    is_latched = all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in offered)
    return image_profile(
        ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT,
        DurabilityPolicy.TRANSIENT_LOCAL if is_latched else DurabilityPolicy.VOLATILE,
    )


QOS: Mapping[str, Callable[[Sequence[TopicEndpointInfo]], QoSProfile | None]] = {
    'auto': match,
    'sensor_data': lambda _publishers: image_profile(ReliabilityPolicy.BEST_EFFORT),
    'reliable': lambda _publishers: image_profile(ReliabilityPolicy.RELIABLE),
}
"""How a subscription's profile follows from the publishers, by the value of ``qos``."""
