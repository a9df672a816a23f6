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

"""What a node forgets when it is activated again: time has passed, and counts begin anew."""

import threading

import cv2
import numpy as np
from partner import INSIDE
from partner import Partner
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.nodes import base
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import image
from scripted import picture
from scripted import result
from scripted import ScriptedClassifier
from scripted import ScriptedDetector
from scripted import ScriptedNode
from scripted import SOON

BOX = (10, 10, 30, 34)


def pause(node):
    node.trigger_deactivate()
    node.trigger_activate()
    assert node.is_active


def pass_through(bench, node, outputs, given):
    """Hand a result to a composed node and return what it makes of it."""
    before = len(outputs)
    node.submit(given)
    bench.spin_until(lambda: len(outputs) > before and node.is_idle, 'the result')
    return outputs[-1]


class ChangingClassifier(ScriptedClassifier):
    """Predicts the second class of each attribute for the first image, and then the first."""

    def classify(self, image, regions):
        found = super().classify(image, regions)
        if image.max() == 0:
            return found
        rows = {name: each[:, ::-1].copy() for name, each in found.probabilities.items()}
        return type(found)(found.crops, rows)


def test_a_classifier_that_is_activated_again_smooths_and_labels_anew(bench):
    outputs = []
    node = bench.add(
        ClassifierNode,
        classifier=ChangingClassifier(),
        on_output=outputs.append,
        is_composed=True,
        parameters={'smoothing.time_constant': 10.0, 'label.hold': 10.0},
    )
    node.start()
    box = BoundingBox(*BOX)
    first = pass_through(bench, node, outputs, result(1000, box))
    smoothed = pass_through(bench, node, outputs, result(1033, box, value=9))
    pause(node)
    anew = pass_through(bench, node, outputs, result(1066, box, value=9))
    emotions = [each.faces[0].attributes['emotion'] for each in (first, smoothed, anew)]
    assert [each.label for each in emotions] == ['glad', 'glad', 'calm']
    assert emotions[1].probabilities[0] < 0.5
    np.testing.assert_array_equal(emotions[2].probabilities, np.float32([0.75, 0.25]))


def test_a_detector_that_is_activated_again_detects_in_the_first_image_and_begins_new_tracks(
    bench,
):
    outputs, scripted = [], ScriptedDetector(BOX)
    node = bench.add(
        DetectorNode,
        detector=scripted,
        on_output=outputs.append,
        is_composed=True,
        parameters={'detector.every_n': 5, 'tracker.first_id': 1},
    )
    node.start()
    ids = []
    for number in (1000, 1033):
        ids += [each.track_id for each in pass_through(bench, node, outputs, result(number)).faces]
    assert (ids, len(scripted.images)) == ([1, 1], 1)
    pause(node)
    found = pass_through(bench, node, outputs, result(1066))
    assert len(scripted.images) == 2
    assert [each.track_id for each in found.faces] == [2]


def test_a_face_is_not_smoothed_with_one_of_before_the_detector_was_started_again(bench):
    outputs = []
    classifier = bench.add(
        ClassifierNode,
        classifier=ChangingClassifier(),
        on_output=outputs.append,
        is_composed=True,
        parameters={'smoothing.time_constant': 10.0},
    )
    classifier.start()
    for number, value in ((1000, 0), (1033, 9)):
        count = len(outputs)
        detector = bench.add(
            DetectorNode,
            detector=ScriptedDetector(BOX),
            on_output=classifier.submit,
            is_composed=True,
        )
        detector.start()
        detector.submit(result(number, value=value))
        bench.spin_until(lambda count=count: len(outputs) > count, 'the result')
        bench.close_node(detector)
    first, second = (each.faces[0] for each in outputs)
    assert 0 < first.track_id < second.track_id
    raw = np.float32([0.75, 0.25])
    np.testing.assert_array_equal(second.attributes['emotion'].probabilities, raw)


def test_while_a_call_of_before_is_blocked_no_second_thread_works(bench, monkeypatch):
    monkeypatch.setattr(base, 'STOP_WITHIN', 0.05)
    begun, goes_on = threading.Event(), threading.Event()

    class Blocked(ScriptedDetector):
        def detect(self, shown):
            begun.set()
            goes_on.wait(SOON)
            return super().detect(shown)

    outputs = []
    node = bench.add(
        DetectorNode, detector=Blocked(BOX), on_output=outputs.append, is_composed=True
    )
    node.start()
    node.submit(result(1000))
    assert begun.wait(SOON)
    node.trigger_deactivate()
    errors = []
    node.get_logger().error = errors.append
    assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
    assert 'blocked by a call' in errors[0]
    goes_on.set()
    bench.spin_until(lambda: node.is_idle, 'the end of the call')
    bench.spin_until(
        lambda: node.trigger_activate() == TransitionCallbackReturn.SUCCESS, 'the activation'
    )


def test_rates_latencies_and_counts_begin_anew(bench):
    node = bench.add(ScriptedNode)
    node.start()
    node.meter.latency.add(0.075)
    node.meter.published.tick(1.0)
    pause(node)
    assert (node.meter.latency.summary().count, node.meter.published.count) == (0, 0)


def test_images_that_waited_for_their_rois_are_dropped_and_never_joined_after_it(bench):
    node = bench.add(ClassifierNode, classifier=ScriptedClassifier())
    node.start()
    partner = Partner(bench).connect()
    partner.images.publish(image(1000))
    bench.spin_until(lambda: node._join._frames._items, 'the image')
    node.trigger_deactivate()
    assert node.dropped == 1
    node.trigger_activate()
    assert node.dropped == 0
    partner.connect()
    assert [len(partner.classify(number, INSIDE).faces) for number in (1033, 1066)] == [1, 1]
    assert node.dropped == 0


def test_a_camera_is_not_missed_for_the_time_in_which_the_node_was_inactive(bench, monkeypatch):
    seconds = [100.0]
    node = bench.add(CameraNode, parameters={'image_timeout': 5.0})
    monkeypatch.setattr(node, '_now', lambda: seconds[0])

    def is_missed():
        return any('no image for' in each.message for each in node._findings())

    node.start()
    assert not is_missed()
    seconds[0] += 6.0
    assert is_missed()
    pause(node)
    assert not is_missed()
    seconds[0] += 6.0
    assert is_missed()


@pytest.mark.parametrize('is_looping', [False, True])
def test_looping_changes_while_a_source_is_played(bench, tmp_path, is_looping):
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'{number}.png'), picture(number))
    frames = []
    node = bench.add(
        CameraNode,
        on_output=lambda given: frames.append(given.frame),
        parameters={
            'source': str(tmp_path),
            # One that is to end must first be in a loop; one that is to loop must not end before.
            'source_rate': 0.001 if is_looping else 1000.0,
            'source_loop': not is_looping,
        },
    )
    node.start()
    bench.spin_until(lambda: len(frames) > (0 if is_looping else 4), 'frames')
    assert not node.has_ended
    assert node.set_parameters([Parameter('source_loop', value=is_looping)])[0].successful
    assert node._player.is_looping == is_looping
    if not is_looping:
        bench.spin_until(lambda: node.has_ended, 'the end')
