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

"""Subscriptions to images: they match real publishers, count losses, and watch the rate."""

import pytest
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.subscriptions.images import CHECK_PERIOD
from rtcnn_perception.nodes.subscriptions.images import ImageSubscription
from rtcnn_perception.nodes.subscriptions.images import PATIENCE
from rtcnn_perception.nodes.subscriptions.losses import HAS_MESSAGE_INFO
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

BEST_EFFORT, RELIABLE = ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE
VOLATILE, LATCHED = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL


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

    def make(qos='auto', kind=Image, topic='image_raw', node=None, **options):
        subscriber = node or bench.make_node('subscriber')
        made = ImageSubscription(
            subscriber, kind, topic, received.append, qos=qos, clock=clock, **options
        )
        made.received = received
        return made

    return make


def discover(bench, subscription, publishers, topic='image_raw'):
    """Wait until there are so many publishers, and let the subscription match them."""
    node = bench.tester
    bench.spin_until(lambda: len(node.get_publishers_info_by_topic(topic)) == publishers)
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
        is_seldom = subscription._timer.timer_period_ns == CHECK_PERIOD * 1e9
        assert (len(warnings), is_seldom) == (int(is_late), is_late)
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


def test_no_image_is_lost_where_one_of_two_cameras_goes(bench, subscribe):
    cameras = [
        bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE)) for _ in range(2)
    ]
    subscription = subscribe()
    discover(bench, subscription, 2)
    subscription._on_message(Image(), {'publication_sequence_number': 6})
    bench.tester.destroy_publisher(cameras[0])
    discover(bench, subscription, 1)
    for number in (206, 207, 210):
        subscription._on_message(Image(), {'publication_sequence_number': number})
    assert subscription.lost == 2


def test_after_closing_there_is_no_subscription(bench, subscribe):
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    bench.connect(publisher)
    subscription.close()
    bench.spin_until(lambda: publisher.get_subscription_count() == 0, 'its end')


@pytest.fixture
def numbered(bench, clock):
    """Return a subscription to one camera, and a function that receives its images by number."""

    def make(numbers_images=True, topic='image_raw'):
        make.camera = bench.tester.create_publisher(Image, topic, profile(BEST_EFFORT))
        node = bench.make_node('subscriber')
        subscription = ImageSubscription(node, Image, topic, id, qos='auto', clock=clock)
        discover(bench, subscription, 1, topic)
        numbers = iter(range(1, 100_000))

        def play(seconds, hertz=30.0, keep=bool):
            """Receive what is kept of the images of some seconds; return the last findings."""
            end, found = clock.now + seconds, []
            while clock.now < end - 1e-6:
                second = min(clock.now + 1.0, end)
                while clock.now < second - 1e-6:
                    clock.now += 1.0 / hertz
                    number = next(numbers)
                    if keep(number):
                        info = {'publication_sequence_number': number if numbers_images else None}
                        subscription._on_message(Image(), info)
                found = [*subscription.findings(expected_rate=make.expected)]
            return [(each.level, each.message) for each in found]

        return subscription, play

    make.expected = 0.0
    return make


@pytest.mark.parametrize('hertz', [1.0, 30.0])
def test_a_steady_camera_of_any_rate_causes_no_finding(numbered, hertz):
    _, play = numbered()
    assert play(30.0, hertz) == []


def test_lost_images_are_a_warning_from_the_start_and_end_with_the_loss(numbered):
    _, play = numbered()
    ((level, message),) = play(8.0, keep=lambda number: number % 10 == 0)
    assert level == WARN
    assert message.startswith('3.0 Hz of 30.0 Hz come from /image_raw, the others are lost: ')
    assert play(8.0) == []


def test_lost_images_of_this_package_need_no_profile_as_it_is_set(numbered):
    _, play = numbered(topic='faces/image')
    ((_, message),) = play(8.0, keep=lambda number: number % 10 == 0)
    assert 'come from /faces/image, the others are lost: the nodes get too little' in message
    assert 'fastdds' not in message


def test_a_best_effort_camera_may_seem_silent_as_all_its_images_are_lost(numbered):
    subscription, _ = numbered()
    assert '; or all images are lost: start their publisher with ' in subscription.why_silent()
    subscription._topic.publishers = list
    assert subscription.why_silent() == 'no publisher of /image_raw'


def test_a_few_lost_images_are_no_warning(numbered):
    _, play = numbered()
    assert play(30.0, keep=lambda number: number % 30) == []


def test_a_camera_that_publishes_fewer_images_than_before_causes_a_warning(numbered):
    _, play = numbered()
    assert play(15.0) == []
    assert play(8.0, 10.0) == [
        (WARN, '10.0 Hz come from /image_raw, 30.0 Hz are expected: it is published no faster')
    ]


def test_where_images_have_no_numbers_a_low_rate_may_be_a_loss(numbered):
    subscription, play = numbered(numbers_images=False)
    assert play(15.0) == []
    ((level, message),) = play(8.0, 10.0)
    assert (subscription.lost, level) == (None, WARN)
    assert message.startswith('10.0 Hz come from /image_raw, 30.0 Hz are expected: where')
    assert 'docs/ros.md' in message


def test_an_expected_rate_is_compared_from_the_first_seconds_on(numbered):
    numbered.expected = 30.0
    _, play = numbered()
    assert [level for level, _ in play(8.0, 15.0)] == [WARN]
    assert play(8.0, 25.0) == []


def test_what_was_lost_in_a_pause_is_not_taken_for_the_rate_after_it(numbered):
    _, play = numbered()
    assert play(15.0) == []
    play(10.0, keep=lambda _: False)
    play(6.0)
    assert play(15.0) == []


def test_another_camera_on_the_topic_may_have_another_rate(bench, numbered):
    subscription, play = numbered()
    assert play(15.0) == []
    bench.tester.destroy_publisher(numbered.camera)
    discover(bench, subscription, 0)
    bench.tester.create_publisher(Image, 'image_raw', profile(BEST_EFFORT))
    discover(bench, subscription, 1)
    assert play(15.0, 10.0) == []


def test_what_is_optional_is_not_missed(bench, subscribe, clock):
    node = bench.make_node('waiting')
    warnings = []
    node.get_logger().warning = warnings.append
    subscription = subscribe(node=node, is_optional=True)
    for clock.now in (0.0, PATIENCE + 1, 10 * PATIENCE):
        subscription.check()
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    discover(bench, subscription, 1)
    bench.tester.destroy_publisher(publisher)
    discover(bench, subscription, 0)
    for clock.now in (20 * PATIENCE, 30 * PATIENCE):
        subscription.check()
    assert [*warnings, *subscription.findings()] == []
