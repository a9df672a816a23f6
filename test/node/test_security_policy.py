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

"""The policy for SROS2 allows what the nodes create, and nothing else."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.humans_node import HumansNode
from sensor_msgs.msg import CameraInfo
import tiny_model

POLICY = Path(__file__).parents[2] / 'config' / 'sros2_policy.xml'
KINDS = (CameraNode, DetectorNode, ClassifierNode, HumansNode)
NAMES = ('faces_camera', 'faces_detector', 'faces_classifier', 'faces_humans')


def allowed(enclave):
    """Return for each node of an enclave what it may do, as pairs of a right and a name."""
    profiles = ET.parse(POLICY).findall(f'./enclaves/enclave[@path="{enclave}"]/profiles')
    return {
        profile.get('node'): {
            (right, name_of(each.text, profile.get('node')))
            for group in profile
            for right, value in group.attrib.items()
            if value == 'ALLOW'
            for each in group
        }
        for profile in profiles[0]
    }


def name_of(text, node):
    if text.startswith('~'):
        return f'/{node}/{text[1:]}'
    return text if text.startswith('/') else f'/{text}'


def created(node):
    """Return what a node has created, in the same form."""
    found = {
        'publish': node.get_publisher_names_and_types_by_node,
        'subscribe': node.get_subscriber_names_and_types_by_node,
        'reply': node.get_service_names_and_types_by_node,
        'request': node.get_client_names_and_types_by_node,
    }
    return {
        (right, name)
        for right, names in found.items()
        for name, _ in names(node.get_name(), node.get_namespace())
    }


@pytest.fixture
def parameters(bench, tmp_path):
    # Intrinsics are subscribed to as their publisher has it.
    bench.tester.create_publisher(CameraInfo, 'camera_info', 10)
    bench.spin_until(lambda: bench.tester.count_publishers('camera_info'), 'the publisher')
    labels = {'emotion': tiny_model.EMOTIONS}
    model = tiny_model.write_tiny_model(tmp_path, labels)
    return {
        'qos': 'sensor_data',  # auto waits for a publisher before it subscribes
        'detector.name': 'haar',
        'attributes': ['emotion'],
        'emotion.model_path': str(model),
    }


def both_transports(bench, kind, parameters, **arguments):
    """Return what a node creates with either transport of images, one after the other."""
    found = set()
    for transport in ('raw', 'compressed'):
        given = {**parameters, 'image_transport': transport}
        node = bench.add(kind, parameters=given, **arguments)
        node.start()
        found |= created(node)
        bench.close_node(node)
    return found


@pytest.mark.parametrize(('kind', 'name'), list(zip(KINDS, NAMES, strict=True)))
def test_a_node_in_a_process_of_its_own_may_do_what_it_does(bench, parameters, kind, name):
    (found,) = allowed(f'/{name}').values()
    assert sorted(found) == sorted(both_transports(bench, kind, parameters))


def test_composed_nodes_may_do_what_they_do(bench, parameters):
    def last(**arguments):
        return ClassifierNode(is_composed=True, **arguments)

    def humans(**arguments):
        return HumansNode(is_composed=True, **arguments)

    def middle(**arguments):
        return DetectorNode(is_composed=True, **arguments)

    expected = {
        'faces_camera': both_transports(bench, CameraNode, parameters, on_output=lambda _: None),
        'faces_detector': both_transports(bench, middle, parameters, on_output=lambda _: None),
        'faces_classifier': both_transports(bench, last, parameters),
        'faces_humans': both_transports(bench, humans, parameters),
    }
    found = allowed('/perception')
    assert [*found] == [*expected]
    for name, rights in found.items():
        assert sorted(rights) == sorted(expected[name])


def test_the_enclaves_are_those_of_the_executables_and_the_document_has_the_form_of_sros2():
    root = ET.parse(POLICY).getroot()
    assert (root.tag, root.get('version')) == ('policy', '0.2.0')
    paths = [each.get('path') for each in root.findall('./enclaves/enclave')]
    assert paths == ['/perception', *(f'/{name}' for name in NAMES)]
    below = {
        'policy': {'enclaves'},
        'enclaves': {'enclave'},
        'enclave': {'profiles'},
        'profiles': {'profile'},
        'profile': {'topics', 'services'},
        'topics': {'topic'},
        'services': {'service'},
    }
    for element in root.iter():
        assert {each.tag for each in element} <= below.get(element.tag, set())
        assert element.tag not in below or len(element) > 0
