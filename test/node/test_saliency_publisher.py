"""Pictures of what the networks look at: only for whoever listens, and never in the way."""

import gc
import weakref

import numpy as np
import pytest

pytest.importorskip('rclpy')
tiny_model = pytest.importorskip('tiny_model', reason='onnx is needed to make a model')

from rclpy.parameter import Parameter
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from scripted import picture
from scripted import SIZE_WH
from scripted import stamp_of
from sensor_msgs.msg import Image

LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}
BOX = BoundingBox(20, 12, 40, 32)


@pytest.fixture
def models(tmp_path):
    """Return parameters that name small but real models, which have no graph yet."""
    return {
        f'{name}.model_path': str(tiny_model.write_tiny_model(tmp_path / name, {name: labels}))
        for name, labels in LABELS.items()
    }


@pytest.fixture
def node(bench, models, tmp_path):
    """Return a node whose models can show what they look at."""
    for name in LABELS:
        write_saliency_graph(tmp_path / name)
    made = bench.add(ClassifierNode, parameters=models, is_listening=False)
    made.start()
    return made


def submit(node, number, *boxes):
    frame = Frame(picture(number % 256), number * 10**6, 'optical', number * 10**6)
    tracks = tuple(
        Track(index + 1, box, 0.9, None, TrackState.TRACKED, 3) for index, box in enumerate(boxes)
    )
    node.submit(FacesInFrame(frame, tracks, 0.001, frames_dropped=0))


def pixels(msg):
    return np.frombuffer(msg.data, np.uint8).reshape(msg.height, msg.width, 3)


def exchange(bench, node, received, *boxes, begin=1000):
    """Send frames until what comes is of one of them, and return it."""
    numbers = iter(range(begin, begin + 10_000))

    def has_come():
        if node.is_idle:
            submit(node, next(numbers), *boxes)
        return received and stamp_of(received[-1]) >= begin

    bench.spin_until(has_come, 'a picture')
    return received[-1]


def test_nothing_is_loaded_where_nobody_listens(bench, node):
    attributes = bench.listen(FaceAttributes, 'faces/attributes')
    exchange(bench, node, attributes, BOX)
    assert node._saliency._models is None


def test_the_map_lies_over_the_face_and_nowhere_else(bench, node):
    received = bench.listen(Image, 'faces/saliency')
    msg = exchange(bench, node, received, BOX)
    assert (msg.encoding, msg.header.frame_id) == ('bgr8', 'optical')
    shown, given = pixels(msg), picture(stamp_of(msg) % 256)
    changed = (shown != given).any(2)
    assert changed[12:32, 20:40].any()
    changed[9:36, 17:43] = False  # the crop is wider than the box by a tenth
    assert not changed.any()


def test_a_frame_with_nobody_in_it_is_shown_as_it_is(bench, node):
    received = bench.listen(Image, 'faces/saliency')
    msg = exchange(bench, node, received)
    assert np.array_equal(pixels(msg), picture(stamp_of(msg) % 256))


def test_the_mosaic_has_a_row_for_each_face(bench, node):
    received = bench.listen(Image, 'faces/saliency/mosaic')
    one = pixels(exchange(bench, node, received, BOX))
    two = pixels(exchange(bench, node, received, BOX, BoundingBox(0, 0, 9, 9), begin=20_000))
    bench.spin_until(lambda: node.is_idle)
    assert two.shape[0] > one.shape[0]
    assert two.shape[1] == one.shape[1] > SIZE_WH[0]


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('method', 'grad_cam'),
        ('task', 'gender'),
        ('target', 'fear'),
        ('target', 'man'),
        ('strength', 0.1),
        ('color_map', 'bone'),
    ],
)
def test_what_is_shown_changes_while_the_node_runs(bench, node, name, value):
    received = bench.listen(Image, 'faces/saliency/mosaic')
    overlays = bench.listen(Image, 'faces/saliency')
    exchange(bench, node, received, BOX)
    exchange(bench, node, overlays, BOX, begin=20_000)
    (result,) = node.set_parameters([Parameter(f'saliency.{name}', value=value)])
    assert result.successful
    later = exchange(bench, node, received, BOX, begin=40_000)
    assert node.errors.total == 0
    if name == 'task':
        assert later.width < received[0].width


def test_the_largest_faces_come_first(bench, node):
    received = bench.listen(Image, 'faces/saliency/mosaic')
    one = exchange(bench, node, received, BOX)
    node.set_parameters([Parameter('saliency.max_faces', value=1)])
    boxes = [BoundingBox(0, 0, 9, 9), BOX, BoundingBox(50, 30, 59, 39)]
    msg = exchange(bench, node, received, *boxes, begin=20_000)
    bench.spin_until(lambda: node.is_idle)
    assert (received[-1].height, msg.height) == (one.height, one.height)


def test_a_target_that_does_not_exist_is_refused(node):
    (result,) = node.set_parameters([Parameter('saliency.target', value='hungry')])
    assert not result.successful
    assert node.parameters.saliency.target == 'top'


def test_a_model_without_the_graph_is_reported_and_the_faces_are_judged_all_the_same(
    bench, models
):
    node = bench.add(ClassifierNode, parameters=models, is_listening=False)
    node.start()
    attributes = bench.listen(FaceAttributes, 'faces/attributes')
    bench.listen(Image, 'faces/saliency')
    numbers = iter(range(1000, 20_000))

    def is_reported():
        if node.is_idle:
            submit(node, next(numbers), BOX)
        return node.errors.total >= 2

    bench.spin_until(is_reported, 'an error')
    assert 'saliency-graph' in node.errors.values()['last error']
    before = len(attributes)
    exchange(bench, node, attributes, BOX, begin=30_000)
    assert len(attributes) > before


def test_a_failure_that_is_told_of_every_frame_keeps_none_of_them(bench, models):
    node = bench.add(ClassifierNode, parameters=models, is_listening=False)
    node.start()
    bench.listen(Image, 'faces/saliency')
    numbers, pictures = iter(range(1000, 20_000)), []

    def is_reported():
        if node.is_idle:
            image = picture()
            pictures.append(weakref.ref(image))
            node.submit(FacesInFrame(Frame(image, next(numbers), '', 0), (), 0.0, 0))
        return node.errors.total >= 5

    bench.spin_until(is_reported, 'errors')
    bench.spin_until(lambda: node.is_idle)
    gc.collect()
    assert not any(each() is not None for each in pictures)


def test_a_model_of_both_attributes_is_loaded_once(bench, tmp_path):
    folder = tiny_model.write_tiny_model(tmp_path / 'both', LABELS)
    write_saliency_graph(folder)
    both = {f'{name}.model_path': str(folder) for name in LABELS}
    node = bench.add(ClassifierNode, parameters=both, is_listening=False)
    node.start()
    received = bench.listen(Image, 'faces/saliency/mosaic')
    exchange(bench, node, received, BOX)
    assert node._saliency._models['emotion'] is node._saliency._models['gender']
    assert node.errors.total == 0
