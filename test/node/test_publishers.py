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

"""Annotated pictures and saliency maps: drawn for subscribers alone, and never in the way."""

from dataclasses import replace
import gc
import weakref

import numpy as np
from posed import coasted
import pytest
from rclpy.parameter import Parameter
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes import publishers
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.conversions.images import frame_from_compressed
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from scripted import picture
from scripted import result
from scripted import ScriptedClassifier
from scripted import SIZE_WH
from scripted import stamp_of
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
import tiny_model
from tiny_model import EMOTIONS
from tiny_model import GENDERS

LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}
BOX = BoundingBox(20, 12, 40, 32)


def submit(node, number, *boxes):
    node.submit(result(number, *boxes, value=number % 256))


def pixels(msg):
    return np.frombuffer(msg.data, np.uint8).reshape(msg.height, msg.width, 3)


def publish(bench, node, received, *boxes, begin=1000):
    """Submit frames until a message of one of them arrives, and return it."""
    numbers = iter(range(begin, begin + 10_000))

    def has_arrived():
        if node.is_idle:
            submit(node, next(numbers), *boxes)
        return received and stamp_of(received[-1]) >= begin

    bench.spin_until(has_arrived, 'a message')
    return received[-1]


def test_the_annotated_picture_is_drawn_only_while_there_is_a_subscriber(bench, monkeypatch):
    drawn = []

    def annotate(frame_result, *, bars, **options):
        drawn.append(bars)
        return original(frame_result, bars=bars, **options)

    original = publishers.annotate
    monkeypatch.setattr(publishers, 'annotate', annotate)
    parameters = {'annotation.bars': False}
    node = bench.add(
        ClassifierNode, classifier=ScriptedClassifier(), is_composed=True, parameters=parameters
    )
    node.start()
    publish(bench, node, bench.subscribe(FaceAttributes, 'faces/attributes'), BOX)
    bench.spin_until(lambda: node.is_idle)
    assert drawn == []
    raw = bench.subscribe(Image, 'faces/image_annotated')
    msg = publish(bench, node, raw, BOX, begin=20_000)
    assert (msg.header.frame_id, msg.encoding, drawn[0]) == ('optical', 'bgr8', False)
    assert not np.array_equal(pixels(msg), picture(stamp_of(msg) % 256))
    compressed = bench.subscribe(CompressedImage, 'faces/image_annotated/compressed')
    msg = publish(bench, node, compressed, BOX, begin=40_000)
    assert frame_from_compressed(msg, received_ns=0).size_wh == SIZE_WH


@pytest.fixture
def models(tmp_path):
    """Return parameters that name small but real models, which have no saliency graph yet."""
    return {
        f'{name}.model_path': str(tiny_model.write_tiny_model(tmp_path / name, {name: labels}))
        for name, labels in LABELS.items()
    }


@pytest.fixture
def node(bench, models, tmp_path):
    """Return a node whose models have saliency graphs."""
    for name in LABELS:
        write_saliency_graph(tmp_path / name)
    made = bench.add(ClassifierNode, parameters=models, is_composed=True)
    made.start()
    return made


def test_saliency_graphs_are_not_loaded_without_a_subscriber(bench, node):
    attributes = bench.subscribe(FaceAttributes, 'faces/attributes')
    publish(bench, node, attributes, BOX)
    assert node._saliency._models is None


def test_the_map_lies_over_the_face_alone(bench, node):
    received = bench.subscribe(Image, 'faces/saliency')
    msg = publish(bench, node, received, BOX)
    assert (msg.encoding, msg.header.frame_id) == ('bgr8', 'optical')
    changed = (pixels(msg) != picture(stamp_of(msg) % 256)).any(2)
    assert changed[12:32, 20:40].any()
    changed[9:36, 17:43] = False  # the crop is wider than the box by a tenth
    assert not changed.any()


def test_a_frame_without_faces_is_published_unchanged(bench, node):
    received = bench.subscribe(Image, 'faces/saliency')
    msg = publish(bench, node, received)
    assert np.array_equal(pixels(msg), picture(stamp_of(msg) % 256))


def test_without_attributes_the_overlay_is_the_image_and_the_mosaic_is_a_picture(bench):
    node = bench.add(ClassifierNode, parameters={'attributes': ['']}, is_composed=True)
    node.start()
    overlay = bench.subscribe(Image, 'faces/saliency')
    mosaic = bench.subscribe(Image, 'faces/saliency/mosaic')
    msg = publish(bench, node, overlay, BOX)
    assert np.array_equal(pixels(msg), picture(stamp_of(msg) % 256))
    assert publish(bench, node, mosaic, BOX, begin=20_000).width > 0
    assert node.errors.total == 0


def test_no_mosaic_is_made_for_who_subscribes_to_the_overlay(bench, node, monkeypatch):
    monkeypatch.setattr(publishers, 'mosaic_row', None)
    received = bench.subscribe(Image, 'faces/saliency')
    publish(bench, node, received, BOX)
    bench.spin_until(lambda: node.is_idle)
    assert node.errors.total == 0


def test_the_mosaic_has_a_row_for_each_face(bench, node):
    received = bench.subscribe(Image, 'faces/saliency/mosaic')
    one = pixels(publish(bench, node, received, BOX))
    two = pixels(publish(bench, node, received, BOX, BoundingBox(0, 0, 9, 9), begin=20_000))
    bench.spin_until(lambda: node.is_idle)
    assert two.shape[0] > one.shape[0]
    assert two.shape[1] == one.shape[1] > SIZE_WH[0]


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('method', 'grad_cam'),
        ('attribute', 'gender'),
        ('target', 'fear'),
        ('target', 'man'),
        ('strength', 0.1),
        ('color_map', 'bone'),
    ],
)
def test_saliency_parameters_apply_while_the_node_runs(bench, node, name, value):
    received = bench.subscribe(Image, 'faces/saliency/mosaic')
    overlays = bench.subscribe(Image, 'faces/saliency')
    publish(bench, node, received, BOX)
    publish(bench, node, overlays, BOX, begin=20_000)
    (outcome,) = node.set_parameters([Parameter(f'saliency.{name}', value=value)])
    assert outcome.successful
    later = publish(bench, node, received, BOX, begin=40_000)
    assert node.errors.total == 0
    if name == 'attribute':
        assert later.width < received[0].width


def test_the_largest_faces_are_explained_first(bench, node):
    received = bench.subscribe(Image, 'faces/saliency/mosaic')
    one = publish(bench, node, received, BOX)
    node.set_parameters([Parameter('saliency.max_faces', value=1)])
    boxes = [BoundingBox(0, 0, 9, 9), BOX, BoundingBox(50, 30, 59, 39)]
    msg = publish(bench, node, received, *boxes, begin=20_000)
    bench.spin_until(lambda: node.is_idle)
    assert (received[-1].height, msg.height) == (one.height, one.height)


def test_no_face_is_explained_that_is_not_found(bench, node):
    received = bench.subscribe(Image, 'faces/saliency/mosaic')
    one = publish(bench, node, received, BOX)
    lost, found = result(20_000, BoundingBox(0, 0, 50, 40), BOX).faces
    given = replace(result(20_000), faces=(coasted(lost), found))

    def has_arrived():
        if node.is_idle:
            node.submit(given)
        return stamp_of(received[-1]) == 20_000

    bench.spin_until(has_arrived, 'the maps of the face that is found')
    assert received[-1].height == one.height


def test_a_target_that_does_not_exist_is_refused(node):
    (outcome,) = node.set_parameters([Parameter('saliency.target', value='hungry')])
    assert not outcome.successful
    assert node.parameters.saliency.target == 'top'


def test_a_model_without_the_graph_is_reported_and_the_faces_are_classified_all_the_same(
    bench, models
):
    node = bench.add(ClassifierNode, parameters=models, is_composed=True)
    node.start()
    attributes = bench.subscribe(FaceAttributes, 'faces/attributes')
    bench.subscribe(Image, 'faces/saliency')
    numbers = iter(range(1000, 20_000))

    def is_reported():
        if node.is_idle:
            submit(node, next(numbers), BOX)
        return node.errors.total >= 2

    bench.spin_until(is_reported, 'an error')
    assert 'saliency-graph' in node.errors.values()['last error']
    before = len(attributes)
    publish(bench, node, attributes, BOX, begin=30_000)
    assert len(attributes) > before


def test_a_failure_that_is_reported_for_every_frame_keeps_no_frame_in_memory(bench, models):
    node = bench.add(ClassifierNode, parameters=models, is_composed=True)
    node.start()
    bench.subscribe(Image, 'faces/saliency')
    numbers, pictures = iter(range(1000, 20_000)), []

    def is_reported():
        if node.is_idle:
            image = picture()
            pictures.append(weakref.ref(image))
            node.submit(FrameResult(Frame(image, next(numbers), '', 0), detect_s=0.0))
        return node.errors.total >= 5

    bench.spin_until(is_reported, 'errors')
    bench.spin_until(lambda: node.is_idle)
    gc.collect()
    assert not any(each() is not None for each in pictures)


def test_a_model_of_both_attributes_is_loaded_once(bench, tmp_path):
    folder = tiny_model.write_tiny_model(tmp_path / 'both', LABELS)
    write_saliency_graph(folder)
    both = {f'{name}.model_path': str(folder) for name in LABELS}
    node = bench.add(ClassifierNode, parameters=both, is_composed=True)
    node.start()
    received = bench.subscribe(Image, 'faces/saliency/mosaic')
    publish(bench, node, received, BOX)
    assert node._saliency._models['emotion'] is node._saliency._models['gender']
    assert node.errors.total == 0
