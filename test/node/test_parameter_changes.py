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

"""Changes of parameters by the state of a node: what it reads later may be set before."""

from dataclasses import dataclass

import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from scripted import image
from sensor_msgs.msg import Image
import tiny_model

BY_HAND = {'autostart': False}
HAT = ('none', 'cap')
SHOE = ('boot', 'clog')


def change(node, **values):
    """Set parameters, of whose names __ stands for a dot; return the result of the first."""
    given = [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]
    return node.set_parameters(given)[0]


def bring(node, *steps):
    for step in steps:
        getattr(node, f'trigger_{step}')()


@pytest.fixture
def models(tmp_path):
    return {
        name: str(tiny_model.write_tiny_model(tmp_path / name, {name: labels}))
        for name, labels in {'hat': HAT, 'shoe': SHOE}.items()
    }


ALWAYS = ('unconfigured', 'inactive', 'active')
BEFORE_ACTIVATION = ('unconfigured', 'inactive')
DEACTIVATE = 'is read when the node is activated: deactivate it, set the parameter, then activate'
CLEAN_UP = (
    'is read when the node is configured: deactivate it and clean it up, set the parameter, then '
    'configure and activate it'
)


@dataclass(frozen=True)
class Case:
    kind: type
    name: str
    value: object
    allowed: tuple[str, ...]
    advice: str


@pytest.mark.parametrize(
    'case',
    [
        Case(DetectorNode, 'tracker.max_tracks', 9, ALWAYS, ''),
        Case(DetectorNode, 'qos', 'reliable', BEFORE_ACTIVATION, DEACTIVATE),
        Case(CameraNode, 'source', 'builtin', BEFORE_ACTIVATION, DEACTIVATE),
        Case(CameraNode, 'bond', True, BEFORE_ACTIVATION, DEACTIVATE),
        Case(ClassifierNode, 'join_frames', 9, BEFORE_ACTIVATION, DEACTIVATE),
        Case(DetectorNode, 'detector.width', 64, ('unconfigured',), CLEAN_UP),
        Case(DetectorNode, 'detector.name', 'yunet', ('unconfigured',), CLEAN_UP),
        Case(ClassifierNode, 'attributes', ['hat'], ('unconfigured',), CLEAN_UP),
        Case(ClassifierNode, 'classifier.threads', 2, ('unconfigured',), CLEAN_UP),
    ],
    ids=lambda case: case.name,
)
def test_a_parameter_is_changed_before_it_is_read_and_refused_with_what_to_do_after(
    bench, models, case
):
    given = {
        DetectorNode: {'detector.name': 'haar'},
        ClassifierNode: {'attributes': ['shoe'], 'shoe.model_path': models['shoe']},
    }
    node = bench.add(case.kind, parameters={**BY_HAND, **given.get(case.kind, {})})
    before = Parameter(case.name, value=node.get_parameter(case.name).value)
    for state, step in (('unconfigured', 'configure'), ('inactive', 'activate'), ('active', '')):
        assert node.state == state
        assert node.set_parameters([before])[0].successful
        result = node.set_parameters([Parameter(case.name, value=case.value)])[0]
        assert result.successful == (state in case.allowed), result.reason
        if not result.successful:
            whose = f'parameter {case.name} of {node.get_fully_qualified_name()}'
            assert result.reason.startswith(f'{whose}, which is {state}, {case.advice}')
        assert node.set_parameters([before])[0].successful
        if step:
            bring(node, step)


def test_attributes_and_models_that_are_set_after_cleanup_are_loaded_at_configuration(
    bench, models
):
    given = {'attributes': ['hat'], 'hat.model_path': models['hat']}
    node = bench.add(ClassifierNode, parameters=given)
    node.start()
    assert [each.name for each in node._attributes] == ['hat']
    assert not change(node, attributes=['shoe']).successful
    bring(node, 'deactivate', 'cleanup')
    assert change(node, attributes=['shoe', 'hat']).successful
    assert node.describe_parameter('shoe.model_path').description.startswith('model of one of')
    assert change(node, shoe__model_path=models['shoe']).successful
    bring(node, 'configure', 'activate')
    assert node.is_active
    assert [(each.name, each.labels) for each in node._attributes] == [
        ('shoe', SHOE),
        ('hat', HAT),
    ]


def test_an_attribute_that_is_added_has_the_path_of_the_parameter_file_and_keeps_it(bench, models):
    given = {'attributes': ['hat'], 'hat.model_path': models['hat'], 'shoe.model_path': '/shoes'}
    node = bench.add(ClassifierNode, parameters={**BY_HAND, **given})
    assert change(node, attributes=['hat', 'shoe']).successful
    assert node.parameters.model_paths == {'hat': models['hat'], 'shoe': '/shoes'}
    assert change(node, shoe__model_path='/boots').successful
    assert change(node, attributes=['hat']).successful
    assert node.parameters.model_paths == {'hat': models['hat']}
    assert change(node, attributes=['shoe']).successful
    assert node.parameters.model_paths == {'shoe': '/boots'}


def test_a_node_without_attributes_takes_other_changes_and_its_first_attribute(bench):
    line = ['--ros-args', '-p', 'attributes:=[]', '-p', 'autostart:=false']
    node = bench.add(ClassifierNode, cli_args=line)
    assert change(node, smoothing__time_constant=1.0).successful
    assert node.parameters.attributes == ()
    assert change(node, attributes=['hat']).successful
    assert node.parameters.model_paths == {'hat': ''}


@pytest.mark.parametrize(
    'attributes', [['hat', 'hat'], ['saliency'], ['Top Hat'], [' '], ['hat.size']]
)
def test_attributes_that_cannot_be_used_are_refused_and_nothing_is_declared(bench, attributes):
    node = bench.add(ClassifierNode, parameters=BY_HAND)
    before = sorted(node.get_parameters_by_prefix(''))
    result = change(node, attributes=attributes)
    assert not result.successful
    assert 'parameter attributes must be different names' in result.reason
    assert sorted(node.get_parameters_by_prefix('')) == before


def test_a_camera_changes_between_topic_and_source_while_it_is_inactive(bench):
    frames = []
    node = bench.add(CameraNode, on_output=lambda given: frames.append(given.frame))
    node.start()
    publisher = bench.tester.create_publisher(Image, 'image_raw', 10)
    for _ in range(2):
        bench.connect(publisher)
        publisher.publish(image(1000))
        bench.spin_until(lambda: frames and frames[-1].size_wh == (64, 48), 'the image')
        bring(node, 'deactivate')
        assert change(node, source='builtin', source_loop=False).successful
        bring(node, 'activate')
        bench.spin_until(lambda: frames[-1].size_wh == (640, 480), 'the clip')
        bring(node, 'deactivate')
        assert change(node, source='').successful
        frames.clear()
        bring(node, 'activate')
        assert not node.has_ended
