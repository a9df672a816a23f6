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
