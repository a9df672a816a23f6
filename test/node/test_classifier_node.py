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

"""The classifier node: images and rois joined, attributes out, and what is refused."""

import array
import math

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point32
import numpy as np
from partner import INSIDE
from partner import Partner
from partner import rois
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.geometry.landmarks import NO_POINTS
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from scripted import image
from scripted import result
from scripted import ScriptedClassifier
from scripted import SOON

SIX_POINTS = ('right_eye', 'left_eye', 'nose', 'mouth', 'right_ear', 'left_ear')


@pytest.fixture
def scripted():
    return ScriptedClassifier()


@pytest.fixture
def classifier(bench, scripted):
    """Make a classifier node around the scripted classifier."""

    def make(**arguments):
        return bench.add(ClassifierNode, classifier=scripted, **arguments)

    return make


@pytest.fixture
def partner(bench):
    return Partner(bench)


def test_an_image_without_faces_is_answered_by_a_message_without_faces(classifier, partner):
    classifier().start()
    msg = partner.connect().classify(1000)
    assert list(msg.faces) == []
    assert [(each.name, list(each.labels), each.model) for each in msg.attributes] == [
        ('emotion', ['calm', 'glad'], 'scripted@01234567'),
        ('gender', ['woman', 'man'], 'scripted@89abcdef'),
    ]
    assert (msg.detector, list(msg.landmark_names)) == ('finder', [])
    assert (msg.header.stamp.sec, msg.header.frame_id) == (1, 'optical')


def test_faces_are_classified_and_keep_their_tracks(classifier, partner):
    classifier().start()
    msg = partner.connect().classify(1000, INSIDE, (0, 0, 9, 9))
    assert [face.track_id for face in msg.faces] == [1, 2]
    for face in msg.faces:
        assert [(each.name, each.label) for each in face.attributes] == [
            ('emotion', 'glad'),
            ('gender', 'man'),
        ]
        assert [each.confidence for each in face.attributes] == [0.75, 0.75]
        assert face.crop.width >= face.box.width
    assert msg.detect_ms == pytest.approx(4.0)


@pytest.mark.parametrize('names', [NO_POINTS, ('chin',), FIVE_POINTS, SIX_POINTS])
def test_landmarks_of_any_convention_reach_the_classifier(classifier, scripted, partner, names):
    classifier().start()
    partner.connect()
    msg = rois(1000, INSIDE, INSIDE, landmark_names=names)
    points = np.arange(2 * len(names), dtype=np.float32).reshape(-1, 2) + 10
    msg.faces[1].landmarks = [Point32(x=float(x), y=float(y)) for x, y in points]
    answer = partner.classify_rois(msg)
    assert tuple(answer.landmark_names) == names
    assert [len(face.landmarks) for face in answer.faces] == [0, len(names)]
    first, second = scripted.regions
    assert first.landmarks is None
    assert first.landmark_names == second.landmark_names == names
    if names:
        np.testing.assert_array_equal(second.landmarks, points)


def test_landmarks_that_are_not_finite_cost_that_face_alone(classifier, scripted, partner):
    node = classifier()
    node.start()
    partner.connect()
    msg = rois(1000, INSIDE, INSIDE, INSIDE, landmark_names=('chin',))
    for face, value in zip(msg.faces, (20.0, math.nan, 22.0), strict=True):
        face.landmarks = [Point32(x=value, y=value)]
    answer = partner.classify_rois(msg)
    assert [face.track_id for face in answer.faces] == [1, 3]
    assert len(scripted.regions) == 2
    assert node.errors.values()['last error'].startswith('a roi needs finite landmarks')


@pytest.mark.parametrize('is_image_first', [True, False])
def test_image_and_rois_are_joined_in_either_order(classifier, partner, is_image_first):
    node = classifier()
    node.start()
    partner.connect()
    sends = [
        lambda: partner.images.publish(image(1000)),
        lambda: partner.rois.publish(rois(1000, INSIDE)),
    ]
    first, second = sends if is_image_first else reversed(sends)
    first()
    partner.bench.spin_for(0.1)
    assert partner.received == []
    second()
    assert len(partner.attributes_of(1000).faces) == 1


def test_rois_without_their_image_are_counted_and_cause_a_warning(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    for number in range(100, 400):
        partner.rois.publish(rois(number, INSIDE))
    partner.classify(5000, INSIDE)
    values = node._measured()
    assert int(values['rois without image']) >= 1
    node._rois_without_image = 0  # diagnostics may have reported them meanwhile
    assert any('raise join_frames' in finding.message for finding in node._findings())
    assert not any('raise join_frames' in finding.message for finding in node._findings())
    assert node.errors.total == 0


def test_images_without_rois_are_counted_as_dropped(classifier, partner):
    classifier().start()
    partner.connect()
    for number in (1000, 1033, 1066):
        partner.images.publish(image(number))
    assert partner.classify(1100, INSIDE).frames_dropped == 3


@pytest.mark.parametrize('box', [(60, 40, 30, 30), (10, 10, 0, 10), (2**31, 0, 5, 5)])
def test_rois_outside_the_image_are_counted_and_the_other_faces_are_classified(
    classifier, partner, box
):
    node = classifier()
    node.start()
    msg = partner.connect().classify(1000, box, INSIDE)
    assert [face.track_id for face in msg.faces] == [2]
    assert node.errors.total == 1
    assert len(partner.classify(1033, INSIDE).faces) == 1


def test_rois_of_another_image_size_are_counted_and_the_next_pair_is_classified(
    classifier, partner
):
    node = classifier()
    node.start()
    partner.connect()
    msg = rois(1000, INSIDE)
    msg.image_width = 640
    partner.images.publish(image(1000))
    partner.rois.publish(msg)
    partner.classify(1033, INSIDE)
    assert 'are both of the same camera' in node.errors.values()['last error']
    assert len(partner.received) == 1


def test_a_bad_image_is_counted_and_the_next_pair_is_classified(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    bad = image(1000)
    bad.data = array.array('B', bytes(7))
    partner.images.publish(bad)
    partner.rois.publish(rois(1000, INSIDE))
    partner.classify(1033, INSIDE)
    assert node.errors.total == 1


def test_pairs_whose_stamps_jump_back_are_classified(classifier, partner):
    classifier().start()
    partner.connect()
    for number in (90_000, 90_033, 1000, 1033, 1):
        assert len(partner.classify(number, INSIDE).faces) == 1


def test_images_without_a_stamp_are_errors_and_never_joined(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    for _ in range(3):
        partner.images.publish(image(0))
        partner.rois.publish(rois(0, INSIDE))
    partner.classify(1000, INSIDE)
    assert len(partner.received) == 1
    assert node.errors.total == 3
    assert 'let the camera stamp' in node.errors.values()['last error']


def test_while_the_classifier_is_busy_only_the_newest_frame_waits(bench, classifier, scripted):
    classified = []
    node = classifier(is_composed=True, on_output=classified.append)
    node.start()
    scripted.gate.clear()
    node.submit(result(1, frames_dropped=10))
    assert scripted.begun.acquire(timeout=SOON)
    for number in (2, 3, 4):
        node.submit(result(number, frames_dropped=10))
    scripted.gate.set()
    bench.spin_until(lambda: node.is_idle and len(classified) == 2, 'the frames')
    assert [each.frame.stamp_ns for each in classified] == [1_000_000, 4_000_000]
    assert [each.frames_dropped for each in classified] == [10, 12]
    assert node.dropped == 2


def test_a_result_is_passed_on_as_it_was_published(bench, classifier, partner):
    classified = []
    classifier(on_output=classified.append).start()
    msg = partner.connect().classify(1000, INSIDE)
    bench.spin_until(lambda: classified, 'the result')
    (output,) = classified
    assert output.attributes == ScriptedClassifier.attributes
    assert output.faces[0].attributes['emotion'].label == msg.faces[0].attributes[0].label
    assert output.latency_s * 1e3 == pytest.approx(msg.total_ms)
    assert output.classify_s * 1e3 == pytest.approx(msg.classify_ms)


def test_a_composed_node_has_no_subscription(bench, classifier, partner):
    classifier(is_composed=True).start()
    bench.spin_for(0.2)
    assert partner.images.get_subscription_count() == 0
    assert partner.rois.get_subscription_count() == 0


def test_an_inactive_node_has_no_subscription(bench, classifier, partner):
    node = classifier()
    node.start()
    partner.connect()
    node.trigger_deactivate()
    bench.spin_until(
        lambda: (
            not partner.images.get_subscription_count()
            and not partner.rois.get_subscription_count()
        ),
        'the end of the subscriptions',
    )


def test_smoothing_changes_while_the_node_runs(classifier):
    node = classifier()
    node.start()
    outcome = node.set_parameters([Parameter('smoothing.time_constant', value=0.0)])[0]
    assert outcome.successful
    assert node._smoother.time_constant == 0.0


def test_rules_of_labels_change_while_the_node_runs(classifier, partner):
    node = classifier()
    node.start()
    partner.connect()

    def label(number):
        (face,) = partner.classify(number, INSIDE).faces
        return face.attributes[0].label

    assert label(1000) == 'glad'
    changes = {'label.hold': 0.0, 'label.min_certainty': 1.0, 'label.empty_if_unsure': True}
    outcomes = node.set_parameters([Parameter(name, value=v) for name, v in changes.items()])
    assert all(each.successful for each in outcomes)
    assert label(2000) == ''


def test_diagnostics_name_the_models(bench, classifier):
    classifier().start()
    received = bench.subscribe(DiagnosticArray, '/diagnostics')
    bench.spin_until(lambda: received, 'diagnostics')
    values = {value.key: value.value for value in received[-1].status[0].values}
    assert values['emotion model'] == 'scripted@01234567'
    assert values['gender model'] == 'scripted@89abcdef'
