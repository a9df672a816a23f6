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

"""Each node says that nothing comes in, or nothing goes out, for how long, and why."""

from diagnostic_msgs.msg import DiagnosticStatus
from partner import INSIDE
from partner import Partner
from partner import rois
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import image
from scripted import result
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from sensor_msgs.msg import Image


class Watched:
    """A node that is active, whose clock the test moves."""

    def __init__(self, bench, kind, **arguments):
        self.bench = bench
        self.seconds = 1000.0
        self.node = bench.add(kind, **arguments)
        self.node._now = self.node.errors._clock = lambda: self.seconds
        self.node.start()

    def after(self, seconds):
        """Return the worst error after some time, and without one an empty text."""
        self.seconds += seconds
        found = [each for each in self.node._findings() if each.level == DiagnosticStatus.ERROR]
        return found[0].message if found else ''

    def discover(self, count, topic='faces/image'):
        """Wait until the node knows of so many publishers of a topic."""
        self.bench.spin_until(lambda: self.node.count_publishers(topic) == count, 'the publisher')


@pytest.fixture
def watch(bench):
    """Return a function that starts a node with a clock of the test's."""
    parts = {
        DetectorNode: {'detector': ScriptedDetector()},
        ClassifierNode: {'classifier': ScriptedClassifier()},
    }
    return lambda kind, **given: Watched(bench, kind, **{**parts.get(kind, {}), **given})


def test_a_detector_says_that_its_camera_is_missing_and_then_that_it_is_silent(bench, watch):
    watched = watch(DetectorNode)
    assert watched.after(1.0) == ''
    assert watched.after(2.0) == 'no image for 3 s: no publisher of /faces/image'
    camera = bench.tester.create_publisher(Image, 'faces/image', 10)
    watched.discover(1)
    silent = 'no image for 4 s: the publisher of /faces/image sends nothing'
    assert watched.after(1.0).startswith(silent)
    bench.connect(camera)
    bench.spin_until(
        lambda: camera.publish(image(1000)) or watched.node.meter.published.count > 0, 'a result'
    )
    assert watched.after(0.0) == ''
    assert watched.after(3.0).startswith('no image for 3 s: ')


@pytest.mark.parametrize('kind', [DetectorNode, ClassifierNode])
def test_a_composed_node_says_that_nothing_is_passed_on_to_it(watch, kind):
    watched = watch(kind, is_composed=True)
    assert watched.after(3.0) == 'no image for 3 s: the node before this one passes none on'


def test_a_classifier_says_which_of_its_two_inputs_is_missing(bench, watch):
    watched = watch(ClassifierNode)
    begin = 'no image with its rois for'
    assert watched.after(3.0) == f'{begin} 3 s: no publisher of /faces/image'
    images = bench.tester.create_publisher(Image, 'faces/image', 10)
    bench.connect(images)
    numbers = iter(range(1000, 10**9))

    def send(publisher, message, topic):
        bench.spin_until(
            lambda: publisher.publish(message(next(numbers))) or topic.silent_for == 0.0, 'it'
        )

    def send_image():
        send(images, image, watched.node._images)

    send_image()
    assert watched.after(0.0) == f'{begin} 3 s: images come, but no publisher of /faces/rois'
    made = bench.tester.create_publisher(FaceRois, 'faces/rois', 10)
    watched.discover(1, 'faces/rois')
    silent = f'{begin} 3 s: images come, but the publisher of /faces/rois sends nothing'
    assert watched.after(0.0).startswith(silent)
    bench.connect(made)
    send(made, lambda number: rois(number, INSIDE), watched.node._rois)
    send_image()
    never = '/faces/image and /faces/rois come, but never with the same stamp'
    assert watched.after(0.0) == f'{begin} 3 s: {never}'
    bench.tester.destroy_publisher(images)
    bench.tester.destroy_publisher(made)
    watched.discover(0)
    assert Partner(bench).connect().classify(next(numbers), INSIDE).faces
    assert watched.after(0.0) == ''


def test_a_detection_that_does_not_end_is_an_error(bench, watch):
    detector = ScriptedDetector()
    detector.gate.clear()
    watched = watch(DetectorNode, detector=detector, is_composed=True)
    watched.node.submit(result(1000))
    bench.spin_until(lambda: detector.begun.acquire(blocking=False), 'the work')
    assert watched.after(3.0).startswith('no image')
    watched.node.submit(result(1033))
    blocked = 'images come in, but nothing goes out for 3 s: the work on one does not end'
    assert watched.after(0.0) == blocked
    detector.gate.set()
    bench.spin_until(lambda: watched.node.meter.published.count == 2, 'the end of the work')
    assert watched.after(0.0) == ''


def test_images_that_all_fail_are_an_error_with_their_reason(bench, watch):
    detector = ScriptedDetector()
    detector.failure = ModelError('no such layer')
    watched = watch(DetectorNode, detector=detector, is_composed=True)
    for number in (1, 2):
        watched.node.submit(result(1000 * number))
        bench.spin_until(lambda number=number: watched.node.errors.total == number, 'the error')
        message = watched.after(0.0 if number == 2 else 3.0)
    assert message == 'images come in, but nothing goes out for 3 s: each one fails'
    assert 'no such layer' in [each.message for each in watched.node._findings()]


def test_bad_images_of_a_camera_are_no_silence(bench, watch):
    watched = watch(CameraNode)
    camera = bench.tester.create_publisher(Image, 'image_raw', 10)
    bench.connect(camera)
    bad = image(1000)
    bad.encoding = 'rgb12'
    for seconds in (3.0, 0.0):
        before = watched.node.errors.total
        bench.spin_until(
            lambda before=before: camera.publish(bad) or watched.node.errors.total > before, 'it'
        )
        message = watched.after(seconds)
    assert message == 'images come in, but nothing goes out for 3 s: each one fails'


def test_a_source_that_gives_nothing_is_named(bench, watch):
    watched = watch(CameraNode, parameters={'source': 'builtin', 'source_rate': 0.001})
    bench.spin_until(lambda: watched.node.meter.published.count == 1, 'the first image')
    assert watched.after(3.0) == 'no image for 3 s: builtin gives none'


def test_a_source_that_is_slower_than_is_expected_is_a_warning(watch):
    watched = watch(CameraNode, parameters={'source': 'builtin', 'expected_rate': 30.0})
    watched.after(0.0)
    watched.node.meter.count_received(watched.seconds)
    watched.after(1000.0)
    messages = [each.message for each in watched.node._findings()]
    assert any('Hz come from builtin, 30.0 Hz are expected' in each for each in messages)


def test_diagnostics_name_the_camera_or_the_machine(bench):
    assert bench.add(CameraNode, parameters={'source': 'builtin'})._hardware() == 'builtin'
    assert bench.add(CameraNode, namespace='a')._hardware() == '/a/image_raw'
    assert bench.add(DetectorNode, detector=ScriptedDetector())._hardware()
