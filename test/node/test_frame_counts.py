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

"""Every image that is published to a node is published by it, dropped, lost, or an error."""

from diagnostic_msgs.msg import DiagnosticArray
from partner import INSIDE
from posed import face
from posed import scene
import pytest
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.humans_node import HumansNode
from rtcnn_perception.nodes.perception import make_chain
from rtcnn_perception.nodes.qos import IMAGE_DEPTH
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.subscriptions.losses import HAS_MESSAGE_INFO
from scripted import image
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from scripted import stamp_of
from sensor_msgs.msg import Image

pytestmark = pytest.mark.skipif(not HAS_MESSAGE_INFO, reason='this rclpy numbers no messages')

BURST = 40
"""Images while nothing spins: far more than any queue between publisher and callback holds."""


class Camera:
    """Publishes numbered images, of which some are bad, and waits for those of the last node."""

    def __init__(self, bench, reliability, is_done):
        qos = QoSProfile(depth=IMAGE_DEPTH, reliability=reliability)
        self.publisher = bench.tester.create_publisher(Image, 'image_raw', qos)
        self.bench, self.is_done = bench, is_done
        self.published = 0

    def send(self, *, is_bad=False):
        self.published += 1
        msg = image(self.published)
        if is_bad:
            msg.encoding = 'rgb12'
        self.publisher.publish(msg)

    def send_through(self):
        """Send one image after the other until one has passed all nodes."""
        self.bench.connect(self.publisher)
        self.send()
        first = self.published
        self.bench.spin_until(lambda: self.is_done(first), 'an image')


def account(node):
    """Return what became of the images that were published to a node."""
    return node.meter.published.count + node.dropped + node.lost + node.errors.total


@pytest.mark.parametrize(
    'reliability', [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT]
)
def test_the_counts_of_a_starved_camera_node_add_up(bench, reliability):
    stamps = []
    node = bench.add(
        CameraNode, on_output=lambda result: stamps.append(result.frame.stamp_ns // 10**6)
    )
    node.start()
    diagnostics = bench.subscribe(DiagnosticArray, '/diagnostics')
    camera = Camera(bench, reliability, lambda number: number in stamps and node.is_idle)
    camera.send_through()
    for number in range(BURST):
        camera.send(is_bad=number % 3 == 0)
    camera.send_through()
    assert node.lost >= BURST - IMAGE_DEPTH - 1
    assert account(node) == camera.published

    def reported():
        values = {each.key: each.value for each in diagnostics[-1].status[0].values}
        return sum(
            int(values[key])
            for key in ('frames published', 'frames dropped', 'frames lost', 'errors')
        )

    bench.spin_until(lambda: reported() == camera.published, 'the counts in diagnostics')
    lost = node.lost
    node.trigger_deactivate()
    assert node.lost == lost
    node.trigger_activate()
    assert node.lost == 0


def test_the_counts_of_starved_composed_nodes_add_up(bench):
    results = []
    camera_node, (detector, classifier) = make_chain(
        on_result=results.append,
        followers=(
            lambda **given: DetectorNode(detector=ScriptedDetector(INSIDE), **given),
            lambda **given: ClassifierNode(classifier=ScriptedClassifier(), **given),
        ),
        context=bench.context,
        use_global_arguments=False,
    )
    for node in (classifier, detector, camera_node):
        bench.managed.append(node)
        bench.executor.add_node(node)
        node.start()
    camera = Camera(
        bench,
        ReliabilityPolicy.RELIABLE,
        lambda number: (
            results
            and results[-1].frame.stamp_ns == number * 10**6
            and all(node.is_idle for node in (camera_node, detector, classifier))
        ),
    )
    camera.send_through()
    for _ in range(BURST):
        camera.send()
    camera.send_through()
    assert camera_node.lost > 0
    assert (detector.lost, classifier.lost) == (0, 0)
    assert account(camera_node) == camera.published
    dropped = camera_node.dropped + detector.dropped + classifier.dropped
    assert classifier.meter.published.count + dropped + camera_node.lost == camera.published


def test_the_counts_of_starved_nodes_that_are_not_composed_add_up(bench):
    camera_node = bench.add(CameraNode)
    detector = bench.add(DetectorNode, detector=ScriptedDetector(INSIDE))
    classifier = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    nodes = (camera_node, detector, classifier)
    for node in nodes:
        node.start()
    answers = bench.subscribe(FaceAttributes, 'faces/attributes')
    bench.spin_until(lambda: camera_node._publisher.get_subscription_count() == 2)
    bench.spin_until(lambda: detector._publisher.get_subscription_count() == 1)
    bench.spin_until(lambda: bench.tester.count_publishers('faces/attributes') == 1)
    camera = Camera(
        bench,
        ReliabilityPolicy.RELIABLE,
        lambda number: (
            answers and stamp_of(answers[-1]) == number and all(node.is_idle for node in nodes)
        ),
    )
    camera.send_through()
    starved = (detector, classifier)
    for node in starved:
        bench.executor.remove_node(node)
    for _ in range(BURST):
        before = camera_node.meter.published.count
        camera.send()
        bench.spin_until(lambda before=before: camera_node.meter.published.count > before)
    for node in starved:
        bench.executor.add_node(node)
    camera.send_through()
    for node in nodes:
        node.trigger_deactivate()  # what waits for its rois is dropped
    assert account(camera_node) == camera.published
    assert camera_node.meter.published.count == BURST + 2
    assert classifier._measured()['rois lost'] == '0'
    for node in starved:
        assert node.lost > 0
        assert account(node) == BURST + 2


def test_the_counts_of_a_starved_humans_node_add_up(bench):
    node = bench.add(HumansNode)
    node.start()
    publisher = bench.tester.create_publisher(FaceAttributes, 'faces/attributes', RESULTS)
    bench.connect(publisher)
    message = attributes_to_msg(scene(1, face()))
    for burst in (1, BURST, 1):
        before = node.meter.published.count
        for _ in range(burst):
            publisher.publish(message)
        bench.spin_until(
            lambda before=before: node.meter.published.count > before and node.is_idle, 'a result'
        )
    bench.spin_until(lambda: account(node) == BURST + 2, 'all results')
    assert node.lost >= BURST - RESULTS.depth - 1
    node.trigger_deactivate()
    node.trigger_activate()
    assert node.lost == 0
