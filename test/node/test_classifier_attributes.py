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

"""The attributes of the classifier node: which are classified, by which models, and saliency."""

import numpy as np
from partner import INSIDE
from partner import Partner
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.core.drawing import annotate
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes import classifier_node
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from sensor_msgs.msg import Image
import tiny_model
from tiny_model import EMOTIONS
from tiny_model import GENDERS

HATS = ('none', 'cap', 'helmet')
LABELS = {'emotion': EMOTIONS, 'gender': GENDERS, 'hat': HATS}


@pytest.fixture
def partner(bench):
    return Partner(bench)


@pytest.fixture
def models(tmp_path):
    """Return parameters that name small but real models, one for each attribute."""
    return {
        f'{name}.model_path': str(tiny_model.write_tiny_model(tmp_path / name, {name: labels}))
        for name, labels in LABELS.items()
    }


@pytest.fixture
def classify(bench, partner, models):
    """Classify one image by a node with these attributes; return node and message."""

    def run(*attributes, **parameters):
        given = {**models, 'attributes': list(attributes) or [''], **parameters}
        node = bench.add(ClassifierNode, parameters=given)
        node.start()
        return node, partner.connect().classify(1000, INSIDE)

    return run


def test_real_models_give_probabilities_in_the_order_of_the_labels(classify):
    _, msg = classify('emotion', 'gender')
    assert [tuple(each.labels) for each in msg.attributes] == [EMOTIONS, GENDERS]
    for each, labels in zip(msg.faces[0].attributes, (EMOTIONS, GENDERS), strict=True):
        assert len(each.probabilities) == len(each.raw_probabilities) == len(labels)
        assert sum(each.probabilities) == pytest.approx(1.0, abs=1e-5)
        assert each.label == labels[int(np.argmax(each.probabilities))]
        assert each.confidence == pytest.approx(max(each.probabilities))
    assert all(each.model.startswith('tiny@') for each in msg.attributes)


@pytest.mark.parametrize(
    'attributes',
    [('emotion',), ('gender',), ('gender', 'emotion'), ('hat', 'emotion', 'gender'), ()],
)
def test_the_listed_attributes_are_classified_in_their_order_and_no_other(classify, attributes):
    node, msg = classify(*attributes)
    assert tuple(each.name for each in msg.attributes) == attributes
    (face,) = msg.faces
    assert face.track_id == 1
    assert tuple(each.name for each in face.attributes) == attributes
    assert face.crop.width > 0
    measured = [key for key in node._measured() if key.endswith(' model')]
    assert measured == [f'{name} model' for name in attributes]


def test_a_third_attribute_passes_through_node_message_and_annotation(bench, models, monkeypatch):
    texts, classified = [], []
    monkeypatch.setattr(annotate, 'draw_text', lambda _, text, __: texts.append(text.content))
    messages = bench.subscribe(FaceAttributes, 'faces/attributes')
    pictures = bench.subscribe(Image, 'faces/image_annotated')
    node = bench.add(
        ClassifierNode,
        parameters={**models, 'attributes': ['gender', 'hat']},
        on_output=classified.append,
        is_composed=True,
    )
    node.start()
    bench.spin_until(node._annotated._raw.get_subscription_count, 'a subscription')
    face = Face(Track(1, BoundingBox(200, 120, 400, 360), 0.9, None, TrackState.TRACKED, 3))
    image = np.full((480, 640, 3), 90, np.uint8)
    node.submit(FrameResult(Frame(image, 1, 'optical', 1), (face,), detect_s=0.001))
    bench.spin_until(lambda: messages and pictures, 'attributes and their picture')
    info, sent = messages[0].attributes[1], messages[0].faces[0].attributes[1]
    assert (info.name, tuple(info.labels), sent.name) == ('hat', HATS, 'hat')
    hat = classified[0].faces[0].attributes['hat']
    assert sent.label == hat.label == HATS[int(np.argmax(sent.probabilities))]
    assert f'{hat.label} {hat.confidence:.0%}' in texts[-1]
    assert set(HATS) <= {text.partition(' ')[0] for text in texts}, 'a bar for each class'


def test_several_attributes_of_one_model_are_classified_by_one_run(bench, partner, tmp_path):
    folder = tiny_model.write_tiny_model(tmp_path / 'all', LABELS)
    given = {f'{name}.model_path': str(folder) for name in LABELS}
    node = bench.add(ClassifierNode, parameters={**given, 'attributes': list(LABELS)})
    node.start()
    models = list(node._stage._classifier._models.values())
    assert models[0] is models[1] is models[2]
    msg = partner.connect().classify(1000, INSIDE)
    assert [each.name for each in msg.faces[0].attributes] == list(LABELS)
    assert len({each.model for each in msg.attributes}) == 1


@pytest.mark.usefixtures('models')
def test_without_a_path_the_model_in_a_folder_of_the_attributes_name_is_used(
    bench, tmp_path, monkeypatch
):
    monkeypatch.setattr(classifier_node, 'models_search_path', lambda: (tmp_path,))
    node = bench.add(ClassifierNode, parameters={'attributes': ['hat', 'gender']})
    node.start()
    tags = {each.name: each.model for each in node._attributes}
    assert list(tags) == ['hat', 'gender']
    assert all(tag.startswith('tiny@') for tag in tags.values())


@pytest.mark.parametrize(
    ('parameters', 'error', 'reason'),
    [
        ({'emotion.model_path': '/nowhere/emotion'}, ModelError, '/nowhere/emotion'),
        ({'attributes': ['beard']}, ConfigurationError, 'a model that classifies beard in'),
        ({'emotion.model_path': 'gender'}, ModelError, 'a model that classifies emotion'),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_at_start(bench, models, parameters, error, reason):
    given = {**models, **parameters}
    if given['emotion.model_path'] == 'gender':
        given['emotion.model_path'] = models['gender.model_path']
    with pytest.raises(error, match=reason):
        bench.add(ClassifierNode, parameters=given).start()


def test_a_damaged_model_is_refused_at_start_with_its_path(bench, models, tmp_path):
    path = tmp_path / 'emotion' / 'model.onnx'
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match=str(path)):
        bench.add(ClassifierNode, parameters=models).start()


def test_a_rule_that_can_never_hold_is_a_warning_at_configuration(bench, models, tmp_path):
    ages = tiny_model.write_tiny_model(tmp_path / 'age', {'age': ('0-17', '18+')})
    rules = ['gender if age is 0-9', 'hat if age is 0-17', 'shoe if age is 0-9']
    given = {
        **models,
        'age.model_path': str(ages),
        'attributes': ['gender', 'age', 'hat'],
        'label.skip_where': rules,
    }
    given.pop('emotion.model_path')
    node = bench.add(ClassifierNode, parameters=given, is_composed=True)
    warnings = []
    node.get_logger().warning = warnings.append
    node.start()
    text = "label.skip_where: the rule 'gender if age is {}' never holds: age has 0-17, 18+"
    assert warnings == [text.format('0-9')]
    node.set_parameters([Parameter('label.hold', value=0.1)])
    assert len(warnings) == 1
    node.set_parameters([Parameter('label.skip_where', value=['gender if age is 18'])])
    assert warnings[1:] == [text.format('18')]


@pytest.mark.parametrize(
    ('name', 'value', 'allowed'),
    [
        ('saliency.attribute', 'gender', 'all, hat, emotion'),
        ('saliency.attribute', 'beard', 'all, hat, emotion'),
        ('saliency.target', 'woman', 'top, class_maps, none, cap, helmet, angry'),
        ('saliency.target', 'beard', 'top, class_maps, none, cap, helmet, angry'),
    ],
)
def test_saliency_parameters_are_checked_against_the_loaded_models(
    bench, models, name, value, allowed
):
    given = {**models, 'attributes': ['hat', 'emotion']}
    expected = f"parameter {name} must be one of {allowed}.*got '{value}'"
    with pytest.raises(ConfigurationError, match=expected):
        bench.add(ClassifierNode, parameters={**given, name: value}).start()
    node = bench.add(ClassifierNode, parameters=given)
    node.start()
    before = node.parameters
    (outcome,) = node.set_parameters([Parameter(name, value=value)])
    assert not outcome.successful
    assert f'parameter {name} must be one of {allowed}' in outcome.reason
    assert node.parameters == before


def test_saliency_parameters_of_the_loaded_models_are_accepted_live(bench, models):
    node = bench.add(ClassifierNode, parameters={**models, 'attributes': ['hat', 'emotion']})
    node.start()
    for attribute in ('hat', 'emotion', 'all'):
        for target in ('top', 'class_maps', *HATS, *EMOTIONS):
            changes = [
                Parameter('saliency.attribute', value=attribute),
                Parameter('saliency.target', value=target),
            ]
            assert all(each.successful for each in node.set_parameters(changes))
            saliency = node.parameters.saliency
            assert (saliency.attribute, saliency.target) == (attribute, target)


def test_saliency_parameters_are_checked_once_the_models_are_loaded(bench, models):
    parameters = {**models, 'autostart': False, 'saliency.target': 'beard'}
    node = bench.add(ClassifierNode, parameters=parameters)
    logged = []
    node.get_logger().error = logged.append
    node.trigger_configure()
    assert node.state == 'unconfigured'
    assert "got 'beard'" in logged[0]
    assert node._stage is None, 'the models are released'
    assert node.set_parameters([Parameter('saliency.target', value='happy')])[0].successful
    node.trigger_configure()
    assert node.state == 'inactive'
