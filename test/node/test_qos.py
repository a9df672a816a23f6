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

"""Quality of service: what matches the publishers of images, by itself and on real ones."""

import itertools
from types import SimpleNamespace

import pytest
from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.qos import HAS_MESSAGE_INFO
from rtcnn_perception.nodes.qos import IMAGE_DEPTH
from rtcnn_perception.nodes.qos import image_profile
from rtcnn_perception.nodes.qos import ImageSubscription
from rtcnn_perception.nodes.qos import match
from rtcnn_perception.nodes.qos import PATIENCE
from rtcnn_perception.nodes.qos import QOS
from rtcnn_perception.nodes.qos import topics_of_type
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

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


def test_topics_are_found_by_their_type():
    assert topics_of_type([], 'a/msg/A') == ()
    topics = [('/b', ['a/msg/A']), ('/a', ['a/msg/A', 'b/msg/B']), ('/c', ['c/msg/C'])]
    assert topics_of_type(topics, 'a/msg/A') == ('/a', '/b')


def profile(reliability, durability=VOLATILE):
    return QoSProfile(depth=5, reliability=reliability, durability=durability)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def subscribe(bench, clock):
    received = []

    def make(qos='auto', kind=Image, topic='image_raw', node=None):
        subscriber = node or bench.make_node('subscriber')
        made = ImageSubscription(subscriber, kind, topic, received.append, qos=qos, clock=clock)
        made.received = received
        return made

    return make


def discover(bench, subscription, publishers):
    """Wait until there are so many publishers, and let the subscription match them."""
    node = bench.tester
    bench.spin_until(lambda: len(node.get_publishers_info_by_topic('image_raw')) == publishers)
    bench.spin_until(lambda: subscription.check() or True)


def receives(bench, subscription, publisher):
    """Return whether messages of a publisher arrive; the first may be lost before both match."""
    before = len(subscription.received)

    def is_received():
        publisher.publish(Image())
        return len(subscription.received) > before

    bench.spin_until(is_received, 'an image')
    return True


@pytest.mark.parametrize('qos', ['auto', 'sensor_data'])
@pytest.mark.parametrize('reliability', [BEST_EFFORT, RELIABLE])
@pytest.mark.parametrize('is_camera_first', [True, False])
def test_images_of_either_reliability_arrive_whichever_side_starts_first(
    bench, subscribe, qos, reliability, is_camera_first
):
    subscription = None if is_camera_first else subscribe(qos)
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(reliability))
    if subscription is None:
        bench.spin_until(lambda: bench.tester.get_publishers_info_by_topic('image_raw'))
        subscription = subscribe(qos)
    assert receives(bench, subscription, publisher)
    subscription.check()
    assert receives(bench, subscription, publisher)


def test_the_subscription_to_a_reliable_camera_is_reliable(bench, subscribe):
    bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    discover(bench, subscription, 1)
    assert subscription.qos.reliability == RELIABLE


def test_images_of_a_best_effort_camera_beside_a_reliable_one_arrive(bench, subscribe):
    reliable = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    discover(bench, subscription, 1)
    best_effort = bench.tester.create_publisher(Image, 'image_raw', profile(BEST_EFFORT))
    discover(bench, subscription, 2)
    assert subscription.qos.reliability == BEST_EFFORT
    assert receives(bench, subscription, best_effort)
    assert receives(bench, subscription, reliable)


def test_a_latched_image_is_received(bench, subscribe):
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE, LATCHED))
    publisher.publish(Image(width=7))
    subscription = subscribe()
    discover(bench, subscription, 1)
    bench.spin_until(lambda: subscription.received, 'the latched image')
    assert subscription.received[-1].width == 7


def test_reliable_can_be_configured(bench, subscribe):
    subscription = subscribe('reliable')
    assert subscription.qos.reliability == RELIABLE
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    assert receives(bench, subscription, publisher)


def test_compressed_images_arrive(bench, subscribe):
    subscription = subscribe(kind=CompressedImage, topic='image_raw/compressed')
    publisher = bench.tester.create_publisher(
        CompressedImage, 'image_raw/compressed', profile(BEST_EFFORT)
    )
    bench.spin_until(
        lambda: publisher.publish(CompressedImage()) or subscription.received, 'an image'
    )


def test_a_remapped_topic_is_subscribed(bench, subscribe):
    node = bench.make_node('remapped', cli_args=['--ros-args', '-r', 'image_raw:=/front/image'])
    subscription = subscribe(node=node)
    assert subscription.topic == '/front/image'
    publisher = bench.tester.create_publisher(Image, '/front/image', profile(RELIABLE))
    assert receives(bench, subscription, publisher)
    subscription.check()
    assert list(subscription.findings()) == []


def test_a_missing_camera_causes_one_warning_with_the_topics_that_exist(bench, subscribe, clock):
    bench.tester.create_publisher(Image, '/back/image', profile(RELIABLE))
    bench.tester.create_publisher(CompressedImage, '/back/image/compressed', profile(RELIABLE))
    bench.spin_until(lambda: bench.tester.get_publishers_info_by_topic('/back/image'))
    node = bench.make_node('waiting')
    warnings = []
    node.get_logger().warning = warnings.append
    subscription = subscribe(node=node)
    bench.spin_until(lambda: node.get_publishers_info_by_topic('/back/image'))
    for clock.now in (0.0, PATIENCE - 0.1, PATIENCE, PATIENCE + 1, 10 * PATIENCE):
        subscription.check()
        is_late = clock.now >= PATIENCE
        levels = [finding.level for finding in subscription.findings()]
        assert levels == [ERROR if is_late else WARN]
        assert len(warnings) == int(is_late)
    assert warnings == [
        'no publisher of /image_raw; topics of type sensor_msgs/msg/Image are: /back/image'
    ]


def test_a_publisher_of_another_type_on_the_topic_does_not_count(bench, subscribe, clock):
    bench.tester.create_publisher(CompressedImage, 'image_raw', profile(RELIABLE))
    bench.spin_until(lambda: bench.tester.get_publishers_info_by_topic('image_raw'))
    subscription = subscribe()
    clock.now = PATIENCE
    subscription.check()
    assert subscription.qos is None
    assert [each.message for each in subscription.findings()] == ['no publisher of /image_raw']


def test_a_camera_that_starts_late_ends_the_finding(bench, subscribe, clock):
    subscription = subscribe()
    clock.now = PATIENCE
    subscription.check()
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(BEST_EFFORT))
    discover(bench, subscription, 1)
    assert list(subscription.findings()) == []
    assert receives(bench, subscription, publisher)


@pytest.mark.skipif(not HAS_MESSAGE_INFO, reason='this rclpy numbers no messages')
@pytest.mark.parametrize(
    ('numbers', 'publishers', 'lost'),
    [
        ([], 1, 0),
        ([7], 1, 0),  # those before the first may have been meant for others
        ([7, 8, 9], 1, 0),
        ([7, 9, 14], 1, 5),
        ([7, 9, 1, 2, 4], 1, 2),  # the camera restarted after the second
        ([7, 1000, 8, 1001, 9], 2, 0),
        ([7, 9, None, None], 1, None),
    ],
)
def test_images_that_never_came_are_counted_by_their_numbers(
    bench, subscribe, numbers, publishers, lost
):
    made = [
        bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
        for _ in range(publishers)
    ]
    subscription = subscribe()
    discover(bench, subscription, len(made))
    for number in numbers:
        subscription._on_message(Image(), {'publication_sequence_number': number})
    assert subscription.lost == lost
    assert len(subscription.received) == len(numbers)


def test_after_closing_there_is_no_subscription(bench, subscribe):
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    bench.connect(publisher)
    subscription.close()
    bench.spin_until(
        lambda: publisher.get_subscription_count() == 0, 'the end of the subscription'
    )
