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

"""The composed nodes as a chain: further nodes, other detectors, and drops along the way."""

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.core.detection.base import DetectorRow
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes import perception
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.host import NodeHost
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.perception import FOLLOWERS
from rtcnn_perception.nodes.perception import make_chain
from rtcnn_perception.nodes.perception import Perception
from rtcnn_perception.nodes.worker import WorkerNode
from scripted import ScriptedDetector
from scripted import SOON
import tiny_model

SIX_POINTS = ('right_eye', 'left_eye', 'nose', 'mouth', 'right_ear', 'left_ear')
LANDMARKS = np.arange(12, dtype=np.float32).reshape(6, 2) + 100


class CountingNode(WorkerNode[NodeParameters, FrameResult]):
    """A further node: counts the faces of each frame and passes the result on."""

    def __init__(self, *, on_output=None, is_composed=False, **node_kwargs):
        super().__init__('counter', NodeParameters, **node_kwargs)
        self._on_output = on_output
        self.is_composed = is_composed
        self.counts = []

    def _activate(self):
        super()._activate()
        self._start_worker()

    def _work(self, result, /):
        self.counts.append(len(result.faces))
        if self._on_output is not None:
            self._on_output(result)


@pytest.fixture
def scripted(monkeypatch, tmp_path):
    """Put a detector with six landmarks into the registry, and return it."""
    detector = ScriptedDetector(
        (200, 100, 300, 220), landmark_names=SIX_POINTS, landmarks=LANDMARKS
    )
    detector.tag = 'sonar'
    (tmp_path / 'sonar.bin').touch()
    row = DetectorRow(
        name='sonar',
        load=lambda path, config: detector,  # noqa: ARG005 - a row's signature
        locate=lambda folders: tmp_path / 'sonar.bin',  # noqa: ARG005 - likewise
        default_width=160,
        default_min_score=0.5,
        recognises=lambda path: path.name == 'sonar.bin',
        model_description='sonar.bin',
    )
    monkeypatch.setitem(DETECTORS, 'sonar', row)
    return detector


@pytest.fixture
def parameters(scripted, tmp_path):
    """Return parameters of a source, a detector and a small model."""
    hat = tiny_model.write_tiny_model(tmp_path / 'hat', {'hat': ('none', 'cap')})
    return {
        'detector.name': scripted.tag,
        'source': 'builtin',
        'attributes': ['hat'],
        'hat.model_path': str(hat),
    }


def chain(bench, parameters, **arguments):
    """Make a chain in the bench's context."""
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    return make_chain(context=bench.context, parameter_overrides=overrides, **arguments)


def test_the_chain_is_that_of_the_pipeline_by_default(bench):
    camera, followers = chain(bench, {})
    assert [type(node) for node in followers] == [*FOLLOWERS]
    assert FOLLOWERS[:2] == (DetectorNode, ClassifierNode)
    for node in (camera, *followers):
        node.close()


def test_a_further_node_takes_the_results_and_passes_them_on(bench, parameters):
    results = []
    camera, followers = chain(
        bench, parameters, on_result=results.append, followers=(*FOLLOWERS, CountingNode)
    )
    counter = followers[-1]
    assert counter.is_composed
    with NodeHost((camera, *followers), bench.context):
        bench.spin_until(lambda: len(results) >= 3, 'results')
    assert counter.counts[0] == len(results[0].faces) == 1
    assert len(counter.counts) == len(results)
    assert list(results[0].faces[0].attributes) == ['hat']


def test_a_further_node_may_stand_anywhere_in_the_chain(bench, parameters):
    results = []
    camera, followers = chain(
        bench,
        parameters,
        on_result=results.append,
        followers=(DetectorNode, CountingNode, ClassifierNode),
    )
    with NodeHost((camera, *followers), bench.context):
        bench.spin_until(lambda: len(results) >= 3, 'results')
    assert followers[1].counts[0] == 1
    assert list(results[0].faces[0].attributes) == ['hat']


def test_a_chain_may_end_with_any_node_or_with_the_camera(bench, parameters):
    results = []
    camera, followers = chain(bench, parameters, on_result=results.append, followers=())
    assert followers == ()
    with NodeHost((camera,), bench.context):
        bench.spin_until(lambda: results, 'a frame')
    assert (results[0].faces, results[0].detector) == ((), '')
    found = []
    camera, followers = chain(bench, parameters, on_result=found.append, followers=(DetectorNode,))
    with NodeHost((camera, *followers), bench.context):
        bench.spin_until(lambda: found, 'a result')
    assert (found[0].detector, found[0].attributes) == ('sonar', ())


def test_a_pipeline_with_a_further_node_waits_for_it_and_counts_its_drops(
    bench, parameters, monkeypatch, tmp_path
):
    monkeypatch.setattr(perception, 'make_chain', longer_chain)
    results, folder = [], tmp_path / 'pictures'
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f'{number}.png'), np.zeros((240, 320, 3), np.uint8))
    given = {'source': str(folder), 'source_loop': False, 'source_rate': 1000.0}
    given = {**parameters, **given}
    with Perception(context=bench.context, parameters=given, on_result=results.append) as running:
        counter = running.followers[-1]
        names = [node.get_name() for node in running.nodes]
        assert (names[:3], names[-1]) == (
            ['faces_camera', 'faces_detector', 'faces_classifier'],
            'counter',
        )
        assert running.wait(4 * SOON)
        assert len(results) + running.dropped == open_source(str(folder)).frame_count
        assert len(counter.counts) == len(results)


def longer_chain(**arguments):
    return make_chain(followers=(*FOLLOWERS, CountingNode), **arguments)


def test_drops_are_counted_over_all_nodes_and_travel_in_the_results(bench, parameters, scripted):
    results = []
    given = {**parameters, 'source_rate': 100.0}
    with Perception(context=bench.context, parameters=given, on_result=results.append) as running:
        detector, classifier, *others = running.followers
        assert scripted.begun.acquire(timeout=SOON)
        scripted.gate.clear()
        bench.spin_until(lambda: detector.dropped >= 3, 'drops')
        running.camera.trigger_deactivate()
        scripted.gate.set()
        bench.spin_until(lambda: detector.is_idle and classifier.is_idle, 'the last frame')
        dropped = detector.dropped + classifier.dropped
        assert running.dropped == dropped + sum(each.dropped for each in others)
        assert dropped >= 3
        assert running.camera.dropped == 0
    counts = [each.frames_dropped for each in results]
    assert counts == sorted(counts)
    assert counts[-1] == dropped


def test_the_landmarks_of_another_convention_are_in_both_messages(bench, parameters):
    rois = bench.subscribe(FaceRois, 'faces/rois')
    attributes = bench.subscribe(FaceAttributes, 'faces/attributes')
    with Perception(context=bench.context, parameters=parameters):
        bench.spin_until(lambda: rois and attributes, 'both messages')
    for msg in (rois[0], attributes[0]):
        assert (msg.detector, tuple(msg.landmark_names)) == ('sonar', SIX_POINTS)
        points = [(point.x, point.y) for point in msg.faces[0].landmarks]
        np.testing.assert_allclose(points, LANDMARKS, atol=1.0)


def test_a_node_that_cannot_be_made_leaves_none_of_the_others_behind(bench):
    with pytest.raises(ConfigurationError, match='expected_rate of node faces_camera'):
        chain(bench, {'expected_rate': -1.0})
    bench.wait_until_alone()
