"""A subscription that receives from any camera, on real publishers."""

import pytest

pytest.importorskip('rclpy')

from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.nodes.diagnostics import ERROR
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.image_subscription import ImageSubscription
from rtcnn_perception.nodes.image_subscription import PATIENCE
from rtcnn_perception.nodes.qos import topics_of_type
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

    def make(qos='auto', kind=Image, topic='image_raw', node=None):
        listener = node or bench.make_node('listener')
        made = ImageSubscription(listener, kind, topic, received.append, qos=qos, clock=clock)
        made.received = received
        return made

    return make


def discover(bench, subscription, publishers):
    """Wait until the listener knows of so many publishers, and let it match them."""
    node = bench.tester
    bench.spin_until(lambda: len(node.get_publishers_info_by_topic('image_raw')) == publishers)
    bench.spin_until(lambda: subscription.check() or True)


def hears(bench, subscription, publisher):
    """Tell whether messages of a publisher arrive; the first may come before both sides match."""
    before = len(subscription.received)

    def is_heard():
        publisher.publish(Image())
        return len(subscription.received) > before

    bench.spin_until(is_heard, 'an image')
    return True


@pytest.mark.parametrize('qos', ['auto', 'sensor_data'])
@pytest.mark.parametrize('reliability', [BEST_EFFORT, RELIABLE])
@pytest.mark.parametrize('is_camera_first', [True, False])
def test_a_camera_of_either_kind_is_heard_whoever_comes_first(
    bench, subscribe, qos, reliability, is_camera_first
):
    subscription = None if is_camera_first else subscribe(qos)
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(reliability))
    if subscription is None:
        bench.spin_until(lambda: bench.tester.get_publishers_info_by_topic('image_raw'))
        subscription = subscribe(qos)
    assert hears(bench, subscription, publisher)
    subscription.check()
    assert hears(bench, subscription, publisher)


def test_a_reliable_camera_is_asked_to_be_reliable(bench, subscribe):
    bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    discover(bench, subscription, 1)
    assert subscription.qos.reliability == RELIABLE


def test_a_best_effort_camera_beside_a_reliable_one_is_heard_too(bench, subscribe):
    reliable = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    discover(bench, subscription, 1)
    best_effort = bench.tester.create_publisher(Image, 'image_raw', profile(BEST_EFFORT))
    discover(bench, subscription, 2)
    assert subscription.qos.reliability == BEST_EFFORT
    assert hears(bench, subscription, best_effort)
    assert hears(bench, subscription, reliable)


def test_a_picture_that_was_latched_before_is_received(bench, subscribe):
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE, LATCHED))
    publisher.publish(Image(width=7))
    subscription = subscribe()
    discover(bench, subscription, 1)
    bench.spin_until(lambda: subscription.received, 'the latched image')
    assert subscription.received[-1].width == 7


def test_reliable_is_asked_for_where_it_is_wanted(bench, subscribe):
    subscription = subscribe('reliable')
    assert subscription.qos.reliability == RELIABLE
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    assert hears(bench, subscription, publisher)


def test_a_compressed_camera_is_heard(bench, subscribe):
    subscription = subscribe(kind=CompressedImage, topic='image_raw/compressed')
    publisher = bench.tester.create_publisher(
        CompressedImage, 'image_raw/compressed', profile(BEST_EFFORT)
    )
    bench.spin_until(
        lambda: publisher.publish(CompressedImage()) or subscription.received, 'an image'
    )


def test_a_remapped_topic_is_listened_to(bench, subscribe):
    node = bench.make_node('remapped', cli_args=['--ros-args', '-r', 'image_raw:=/front/image'])
    subscription = subscribe(node=node)
    assert subscription.topic == '/front/image'
    publisher = bench.tester.create_publisher(Image, '/front/image', profile(RELIABLE))
    assert hears(bench, subscription, publisher)
    subscription.check()
    assert list(subscription.findings()) == []


def test_a_camera_that_stays_away_is_warned_of_once_naming_topics_that_are_there(
    bench, subscribe, clock
):
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
        'nobody publishes /image_raw; topics of type sensor_msgs/msg/Image are: /back/image'
    ]


def test_who_publishes_another_type_under_the_name_does_not_count(bench, subscribe, clock):
    bench.tester.create_publisher(CompressedImage, 'image_raw', profile(RELIABLE))
    bench.spin_until(lambda: bench.tester.get_publishers_info_by_topic('image_raw'))
    subscription = subscribe()
    clock.now = PATIENCE
    subscription.check()
    assert subscription.qos is None
    assert [each.message for each in subscription.findings()] == ['nobody publishes /image_raw']


def test_a_camera_that_comes_late_ends_the_complaint(bench, subscribe, clock):
    subscription = subscribe()
    clock.now = PATIENCE
    subscription.check()
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(BEST_EFFORT))
    discover(bench, subscription, 1)
    assert list(subscription.findings()) == []
    assert hears(bench, subscription, publisher)


def test_after_closing_nobody_listens(bench, subscribe):
    publisher = bench.tester.create_publisher(Image, 'image_raw', profile(RELIABLE))
    subscription = subscribe()
    bench.connect(publisher)
    subscription.close()
    bench.spin_until(lambda: publisher.get_subscription_count() == 0, 'the end of listening')


@pytest.mark.parametrize(
    ('topics', 'expected'),
    [
        ([], ()),
        ([('/b', ['a/msg/A']), ('/a', ['a/msg/A', 'b/msg/B']), ('/c', ['c/msg/C'])], ('/a', '/b')),
    ],
)
def test_topics_are_found_by_their_type(topics, expected):
    assert topics_of_type(topics, 'a/msg/A') == expected
