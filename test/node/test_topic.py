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

"""A topic that is subscribed to: why nothing comes on it, and where such messages are."""

from types import SimpleNamespace

import pytest
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.nodes.qos import image_profile
from rtcnn_perception.nodes.subscriptions.topic import offers
from rtcnn_perception.nodes.subscriptions.topic import Topic
from rtcnn_perception.nodes.subscriptions.topic import topics_of_type
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

BEST_EFFORT, RELIABLE = ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE
VOLATILE, LATCHED = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL


def test_topics_are_found_by_their_type():
    assert topics_of_type([], 'a/msg/A') == ()
    topics = [('/b', ['a/msg/A']), ('/a', ['a/msg/A', 'b/msg/B']), ('/c', ['c/msg/C'])]
    assert topics_of_type(topics, 'a/msg/A') == ('/a', '/b')


@pytest.mark.parametrize(
    ('offered', 'requested', 'expected'),
    [
        ((RELIABLE, LATCHED), (RELIABLE, LATCHED), True),
        ((RELIABLE, LATCHED), (BEST_EFFORT, VOLATILE), True),
        ((BEST_EFFORT, VOLATILE), (BEST_EFFORT, VOLATILE), True),
        ((BEST_EFFORT, VOLATILE), (RELIABLE, VOLATILE), False),
        ((RELIABLE, VOLATILE), (RELIABLE, LATCHED), False),
    ],
)
def test_a_publisher_offers_what_is_requested_or_more(offered, requested, expected):
    publisher = SimpleNamespace(qos_profile=image_profile(*offered))
    assert offers(publisher, image_profile(*requested)) == expected


@pytest.fixture
def topic(bench):
    """Return a function that watches a topic in a node of its own."""

    def make(name='image_raw', seconds=lambda: 0.0, **arguments):
        return Topic(bench.make_node('subscriber', **arguments), Image, name, seconds)

    return make


def publish(bench, name, kind=Image, reliability=RELIABLE):
    made = bench.tester.create_publisher(kind, name, QoSProfile(depth=5, reliability=reliability))
    bench.spin_until(lambda: bench.tester.get_publishers_info_by_topic(name), 'the publisher')
    return made


def test_silence_is_measured_from_the_subscription_and_from_each_message(topic):
    seconds = [100.0]
    watched = topic(seconds=lambda: seconds[0])
    seconds[0] += 3.0
    assert watched.silent_for == 3.0
    watched.tick()
    assert watched.silent_for == 0.0


def test_silence_has_a_reason(bench, topic):
    watched = topic()
    profile = image_profile(RELIABLE)
    assert watched.why_silent(None) == watched.why_silent(profile) == 'no publisher of /image_raw'
    made = publish(bench, '/image_raw', reliability=BEST_EFFORT)
    bench.spin_until(watched.publishers, 'the publisher')
    assert watched.why_silent(profile) == (
        'no publisher of /image_raw offers RELIABLE, VOLATILE, as this node requests'
    )
    bench.tester.destroy_publisher(made)
    publish(bench, '/image_raw')
    bench.spin_until(lambda: 'sends nothing' in watched.why_silent(profile), 'the publisher')


def test_a_topic_of_another_type_is_told_with_what_to_do(bench, topic):
    publish(bench, '/image_raw', CompressedImage)
    watched = topic()
    bench.spin_until(lambda: watched._node.count_publishers('/image_raw'), 'the publisher')
    assert watched.why_silent(None) == (
        '/image_raw has messages of sensor_msgs/msg/CompressedImage, no sensor_msgs/msg/Image: '
        'set image_transport to compressed, and remap to its base topic'
    )


def test_the_topics_of_others_are_named_and_none_of_this_package(bench, topic):
    for name in ('/front/image', '/faces/image', '/robot2/faces/image_annotated', '/marked'):
        publish(bench, name)
    publish(bench, '/back/image/compressed', CompressedImage)
    bench.tester.create_subscription(Image, '/wanted/image', print, 10)
    watched = topic(cli_args=['--ros-args', '-r', 'faces/saliency:=/marked'])
    node = watched._node
    bench.spin_until(lambda: node.count_publishers('/marked'), 'the topics')
    bench.spin_until(lambda: node.count_subscribers('/wanted/image'), 'the topics')
    assert watched.where_else() == 'topics of type sensor_msgs/msg/Image are: /front/image'


def test_an_image_of_this_package_has_one_source(bench, topic):
    publish(bench, '/front/image')
    assert topic('faces/image').where_else() == (
        'it comes from the camera node of this package, in the same namespace'
    )
