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

"""What a stranger may send costs the nodes no more than the message itself."""

import math

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point32
from partner import INSIDE
from partner import Partner
from partner import rois
import pytest
from rcl_interfaces.msg import Log
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import header
from scripted import image
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

LONG = 'rgb\n12' * 2**18
ERROR = int.from_bytes(Log.ERROR, 'little') if isinstance(Log.ERROR, bytes) else Log.ERROR


def unknown_encoding():
    msg = image(1)
    msg.encoding = LONG
    return msg


@pytest.mark.parametrize(
    ('transport', 'topic', 'msg', 'ends'),
    [
        ('raw', 'image_raw', unknown_encoding(), ('unknown image encoding', 'i420')),
        (
            'compressed',
            'image_raw/compressed',
            CompressedImage(header=header(1), format=LONG),
            ('expected a JPEG or PNG', 'that begin like neither'),
        ),
    ],
)
def test_a_text_of_a_megabyte_makes_short_diagnostics_and_a_short_log(
    bench, transport, topic, msg, ends
):
    cause, end = ends
    node = bench.add(CameraNode, parameters={'image_transport': transport})
    node.start()
    logged = bench.subscribe(Log, '/rosout', 100)
    diagnostics = bench.subscribe(DiagnosticArray, '/diagnostics')
    made = bench.tester.create_publisher(type(msg), topic, 10)
    bench.connect(made)
    made.publish(msg)
    bench.spin_until(
        lambda: diagnostics and cause in diagnostics[-1].status[0].message, 'diagnostics'
    )
    bench.spin_until(lambda: any(each.level == ERROR for each in logged), 'the log')
    lines = [each.msg for each in logged if each.level == ERROR]
    assert lines == [node.errors.values()['last error']]
    assert lines[0].startswith(cause)
    assert lines[0].endswith(end)
    assert len(lines[0]) < 1000
    assert len(serialize_message(diagnostics[-1])) < 4096


@pytest.mark.parametrize('count', [10_000, 100_000])
def test_many_rois_are_refused_by_name_and_the_next_pair_is_classified(bench, count):
    node = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    node.start()
    partner = Partner(bench).connect()
    many = rois(1000, INSIDE)
    many.faces = list(many.faces) * count
    partner.images.publish(image(1000))
    partner.rois.publish(many)
    assert len(partner.classify(1033, INSIDE).faces) == 1
    bench.spin_until(lambda: node.errors.total, 'the error')
    assert 'bytes, more than 262144' in node.errors.values()['last error']
    assert node.dropped == 1  # the image of the refused rois
    assert len(partner.received) == 1


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_nothing_that_is_no_number_is_published(bench, value):
    node = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    node.start()
    partner = Partner(bench).connect()
    late = rois(1000, INSIDE)
    late.detect_ms = value
    partner.images.publish(image(1000))
    partner.rois.publish(late)
    bench.spin_until(lambda: node.errors.total == 1, 'the error')
    assert 'detect_ms' in node.errors.values()['last error']
    bad = rois(1033, INSIDE, INSIDE, INSIDE, landmark_names=('chin',))
    for face in bad.faces:
        face.landmarks = [Point32(x=20.0, y=20.0)]
    bad.faces[0].confidence = value
    bad.faces[1].landmarks[0].y = value
    answer = partner.classify_rois(bad)
    assert [face.track_id for face in answer.faces] == [3]
    assert node.errors.total == 3
    assert len(partner.received) == 1


def out_of_range(msg):
    """Return a message stamped 1 s later in a way that no clock does."""
    msg.header.stamp.nanosec += 10**9
    return msg


def test_images_and_rois_stamped_out_of_range_are_refused_by_name_and_never_joined(bench):
    camera = bench.add(CameraNode)
    detector = bench.add(DetectorNode, detector=ScriptedDetector(), namespace='other')
    node = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    for each in (camera, detector, node):
        each.start()
    partner = Partner(bench).connect()
    for topic in ('image_raw', 'other/faces/image'):
        images = bench.tester.create_publisher(Image, topic, 10)
        bench.connect(images)
        images.publish(out_of_range(image(1000)))
    partner.images.publish(out_of_range(image(1000)))
    partner.rois.publish(rois(2000, INSIDE))
    partner.rois.publish(out_of_range(rois(3000, INSIDE)))
    partner.images.publish(image(4000))
    expected = {camera: 1, detector: 1, node: 2}
    bench.spin_until(
        lambda: {each: each.errors.total for each in expected} == expected, 'the errors'
    )
    for each in expected:
        assert 'expected a stamp with' in each.errors.values()['last error']
    partner.classify(5000, INSIDE)
    assert [stamp_of(each) for each in partner.received] == [5000]


def test_a_parameter_of_a_megabyte_is_refused_in_a_short_sentence(bench):
    node = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    node.start()
    answer = node.set_parameters([Parameter('saliency.attribute', value=LONG)])[0]
    assert not answer.successful
    assert answer.reason.startswith('parameter saliency.attribute must be one of all, emotion')
    assert len(answer.reason) < 1000


@pytest.mark.parametrize('kept', [0, 1, 24, 200])
def test_a_message_that_is_cut_off_costs_itself_alone(bench, kept):
    frames = []
    node = bench.add(CameraNode, on_output=frames.append)
    node.start()
    publisher = bench.tester.create_publisher(Image, 'image_raw', 10)
    bench.connect(publisher)
    publisher.publish(serialize_message(image(1000))[:kept])
    publisher.publish(image(1033))
    bench.spin_until(lambda: frames, 'the next image')
    assert [each.frame.stamp_ns for each in frames] == [1033 * 10**6]
