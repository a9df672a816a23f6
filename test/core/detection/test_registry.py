from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection import registry as detection
from rtcnn_perception.core.detection import yunet
from rtcnn_perception.core.detection.base import require_bgr
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.detection.registry import AUTO
from rtcnn_perception.core.detection.registry import Detection
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.boxes import boxes_to_array
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.models.files import YUNET_NAME
from rtcnn_perception.core.models.files import yunet_path
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import ModelError
from tiny_detector import write_tiny_detector

BOX = BoundingBox(0, 0, 1, 1)


@pytest.fixture(autouse=True)
def _threads_of_opencv():
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def _able_opencv(monkeypatch):
    """Let any OpenCV pass for one that runs YuNet: these tests do not come so far."""
    for module in (detection, yunet):
        monkeypatch.setattr(module, 'why_opencv_cannot_run_yunet', lambda: '')


@pytest.mark.parametrize('score', [-0.1, 1.1, float('nan')])
def test_a_score_outside_0_to_1_is_rejected(score):
    with pytest.raises(ValueError, match='score'):
        Detection(BOX, score)


@pytest.mark.parametrize('shape', [(0, 2), (10,), (5, 3)])
def test_landmarks_that_are_not_five_points_are_rejected(shape):
    with pytest.raises(ValueError, match='landmarks'):
        Detection(BOX, 0.5, np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'width': -1}, 'width'),
        ({'width': 31}, 'width'),
        ({'min_score': -0.1}, 'score'),
        ({'min_score': 1.1}, 'score'),
        ({'threads': 0}, 'threads'),
    ],
)
def test_a_setting_out_of_range_is_refused(values, named):
    with pytest.raises(ConfigurationError, match=named):
        DetectorConfig(**values)


@pytest.mark.parametrize(
    ('height', 'width', 'wanted', 'expected'),
    [
        (1, 1, 320, (1, 1)),
        (480, 640, 640, (480, 640)),
        (480, 640, 8192, (480, 640)),
        (480, 640, 320, (240, 320)),
        (1080, 1920, 320, (180, 320)),
        (270, 480, 320, (180, 320)),
        (1, 4000, 320, (1, 320)),
        (4000, 640, 320, (2000, 320)),
    ],
)
def test_an_image_shrinks_to_a_width_and_never_grows(height, width, wanted, expected):
    image = np.zeros((height, width, 3), np.uint8)
    shrunk = shrink_to_width(image, wanted)
    assert shrunk.shape == (*expected, 3)
    assert (shrunk is image) == (expected == (height, width))


def test_strong_shrinking_counts_every_pixel():
    image = np.zeros((64, 640, 3), np.uint8)
    image[:, ::4] = 200
    assert set(shrink_to_width(image, 160).ravel().tolist()) == {50}


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ImageFormatError, match=r'\(H, W, 3\)'):
        require_bgr(image)


def test_an_unknown_detector_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ConfigurationError, match="auto, rtcnn, yunet, haar, got 'viola'"):
        load_detector(DetectorConfig(name='viola'), ())


def test_a_detector_is_taken_by_its_name():
    loaded = load_detector(DetectorConfig(name='haar', min_score=0.3), ())
    assert loaded.detector.name == 'haar'
    assert loaded.detector.min_score == 0.3
    assert (loaded.tag, loaded.reason) == ('haar', 'the detector is haar, as configured')


def test_the_threads_of_opencv_are_those_of_the_configuration():
    load_detector(DetectorConfig(name='haar', threads=2), ())
    assert cv2.getNumThreads() == 2


@pytest.mark.usefixtures('_able_opencv')
def test_auto_is_haar_where_no_model_is_and_says_where_it_was_looked_for(tmp_path):
    first, second = tmp_path / 'own', tmp_path / 'shared'
    loaded = load_detector(DetectorConfig(), (first, second))
    assert loaded.detector.name == 'haar'
    assert loaded.reason == (
        f'the detector is haar, since there is no model face in {first} or {second} and no '
        f"yunet/{YUNET_NAME} ('rtcnn_perception fetch-yunet' gets it)"
    )


@pytest.mark.usefixtures('_able_opencv')
def test_auto_is_haar_where_no_folder_is_known():
    assert 'any folder' in load_detector(DetectorConfig(), ()).reason


@pytest.mark.parametrize('name', [YUNET_NAME, 'model.onnx'])
def test_auto_refuses_a_named_file_without_a_card_where_opencv_is_too_old_for_yunet(
    tmp_path, monkeypatch, name
):
    for module in (detection, yunet):
        monkeypatch.setattr(module, 'why_opencv_cannot_run_yunet', lambda: 'OpenCV 4.6.0 cannot')
    (tmp_path / name).write_bytes(b'never read')
    with pytest.raises(ModelError, match=r'OpenCV 4\.6\.0 cannot; .* has its card beside it'):
        load_detector(DetectorConfig(model_path=str(tmp_path / name)), ())


@pytest.mark.usefixtures('_able_opencv')
def test_auto_tells_who_names_a_model_without_its_card_of_the_card(tmp_path):
    (write_tiny_detector(tmp_path) / 'model.json').unlink()
    with pytest.raises(ModelError, match=r'model\.onnx is damaged or no YuNet .* has its card'):
        load_detector(DetectorConfig(model_path=str(tmp_path / 'model.onnx')), ())


def test_auto_is_haar_where_there_is_no_rtcnn_and_opencv_is_too_old(tmp_path, monkeypatch):
    monkeypatch.setattr(
        detection, 'why_opencv_cannot_run_yunet', lambda: 'OpenCV 4.6.0 cannot read it'
    )
    assert load_detector(DetectorConfig(), (tmp_path,)).reason == (
        f'the detector is haar, since there is no model face in {tmp_path} and OpenCV 4.6.0 '
        'cannot read it'
    )


@pytest.mark.usefixtures('_able_opencv')
def test_auto_is_rtcnn_where_its_model_is_also_beside_a_yunet(tmp_path):
    first, second = tmp_path / 'own', tmp_path / 'shared'
    yunet_path(first).parent.mkdir(parents=True)
    yunet_path(first).write_bytes(b'never read')
    write_tiny_detector(second / 'face')
    loaded = load_detector(DetectorConfig(min_score=0.3), (first, second))
    assert loaded.detector.name == 'rtcnn'
    assert loaded.detector.min_score == 0.3
    tag = f'rtcnn ({loaded.detector.spec.tag})'
    assert loaded.tag == tag
    assert loaded.reason == f'the detector is {tag}, since its model {second / "face"} is there'


def test_the_model_of_rtcnn_in_the_first_folder_is_taken(tmp_path):
    for name in ('own', 'shared'):
        write_tiny_detector(tmp_path / name / 'face')
    loaded = load_detector(DetectorConfig(), (tmp_path / 'own', tmp_path / 'shared'))
    assert str(tmp_path / 'own' / 'face') in loaded.reason


@pytest.mark.parametrize('file', ['', 'model.onnx', 'model.json'])
def test_auto_is_rtcnn_where_a_model_with_a_card_is_named(tmp_path, file):
    path = write_tiny_detector(tmp_path) / file
    loaded = load_detector(DetectorConfig(model_path=str(path)), ())
    assert loaded.detector.name == 'rtcnn'
    tag = f'rtcnn ({loaded.detector.spec.tag})'
    assert loaded.reason == f'the detector is {tag}, since its model {path} is there'


@pytest.mark.parametrize('name', ['auto', 'rtcnn'])
def test_a_damaged_model_of_rtcnn_is_refused_and_not_done_without(tmp_path, name):
    folder = write_tiny_detector(tmp_path / 'face')
    (folder / 'model.onnx').write_bytes(b'damaged')
    with pytest.raises(ModelError, match='sha256'):
        load_detector(DetectorConfig(name=name), (tmp_path,))
    (folder / 'model.onnx').unlink()
    with pytest.raises(ModelError, match='expected the model that its card names'):
        load_detector(DetectorConfig(name=name), (tmp_path,))
    (folder / 'model.json').unlink()
    with pytest.raises(ModelError, match='expected the card of a model'):
        load_detector(DetectorConfig(name=name), (tmp_path,))


@pytest.mark.parametrize('folders', [(), ('own', 'shared')])
def test_rtcnn_without_a_model_says_where_it_was_expected(tmp_path, folders):
    places = [tmp_path / folder for folder in folders]
    with pytest.raises(ModelError, match=r'face: expected a folder with model\.json'):
        load_detector(DetectorConfig(name='rtcnn'), places)


def test_rtcnn_is_given_width_and_threads_of_the_configuration(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(
        detection.RtcnnDetector, 'load', lambda _path, **settings: given.update(settings)
    )
    load_detector(DetectorConfig(name='rtcnn', width=416, threads=2), (tmp_path,))
    assert given == {'width': 416, 'min_score': 0.6, 'threads': 2}


@pytest.mark.parametrize('opencv', ['', 'OpenCV 4.6.0 cannot read it'])
@pytest.mark.parametrize('name', ['folder', 'named.onnx', '~nobody-at-all/named.onnx', 'x' * 300])
def test_auto_refuses_a_named_model_that_is_not_there(tmp_path, monkeypatch, opencv, name):
    monkeypatch.setattr(detection, 'why_opencv_cannot_run_yunet', lambda: opencv)
    monkeypatch.chdir(tmp_path)
    write_tiny_detector(tmp_path / 'face')
    expected = rf'{name}: expected a model of rtcnn, .*model\.json, or the file of YuNet'
    with pytest.raises(ModelError, match=expected):
        load_detector(DetectorConfig(model_path=name), (tmp_path,))


def test_a_folder_of_models_that_cannot_be_looked_into_is_passed_over(tmp_path):
    write_tiny_detector(tmp_path / 'face')
    unseen = tmp_path / ('x' * 300)
    assert load_detector(DetectorConfig(), (unseen, tmp_path)).detector.name == 'rtcnn'
    loaded = load_detector(DetectorConfig(), (unseen,))
    assert loaded.reason.startswith(
        f'the detector is haar, since there is no model face in {unseen}'
    )


@pytest.mark.parametrize('name', DETECTORS)
def test_a_detector_refuses_a_path_at_which_nothing_can_be_seen(name, monkeypatch):
    monkeypatch.setattr(yunet, 'why_opencv_cannot_run_yunet', lambda: '')
    for path in ('x' * 300, '~nobody-at-all/model'):
        with pytest.raises(ModelError, match=path):
            load_detector(DetectorConfig(name=name, model_path=path), ())


@pytest.mark.usefixtures('_able_opencv')
def test_auto_refuses_a_damaged_file_and_does_not_do_with_less(tmp_path):
    damaged = yunet_path(tmp_path)
    damaged.parent.mkdir()
    damaged.write_bytes(b'damaged')
    with pytest.raises(ModelError, match='sha256'):
        load_detector(DetectorConfig(), (tmp_path,))


@pytest.mark.usefixtures('_able_opencv')
def test_yunet_without_a_file_says_how_to_get_it(tmp_path):
    with pytest.raises(ModelError, match='fetch-yunet'):
        load_detector(DetectorConfig(name='yunet'), (tmp_path,))
    with pytest.raises(ModelError, match='fetch-yunet'):
        load_detector(DetectorConfig(name='yunet'), ())


def test_haar_takes_a_named_cascade(tmp_path):
    missing = tmp_path / 'cascade.xml'
    with pytest.raises(ModelError, match=r'cascade\.xml, there is no such file'):
        load_detector(DetectorConfig(name='haar', model_path=str(missing)), ())


def test_auto_is_yunet_where_its_file_is(tmp_path, yunet_file):
    first, second = tmp_path / 'own', tmp_path / 'shared'
    target = yunet_path(second)
    target.parent.mkdir(parents=True)
    target.symlink_to(yunet_file)
    loaded = load_detector(DetectorConfig(), (first, second))
    assert loaded.detector.name == 'yunet'
    assert loaded.reason == (
        f'the detector is yunet, since there is no model face in {first} or {second} and its '
        f'file {target} is there'
    )
    loaded = load_detector(DetectorConfig(model_path=str(target)), ())
    assert loaded.reason == f'the detector is yunet, since its file {target} is there'


@pytest.fixture
def model_path(name, tmp_path, request):
    """Return a model for each detector, '' for haar, which has its own."""
    if name == 'yunet':
        return str(request.getfixturevalue('yunet_file'))
    return str(write_tiny_detector(tmp_path)) if name == 'rtcnn' else ''


@pytest.mark.parametrize('name', DETECTORS)
@pytest.mark.parametrize(
    'size_hw', [(1, 1), (1, 640), (640, 1), (24, 24), (32, 32), (32, 640), (65, 33)]
)
def test_no_detector_finds_faces_in_nothing(name, size_hw, model_path):
    config = DetectorConfig(name=name, model_path=model_path)
    detector = load_detector(config, ()).detector
    black: ImageBGR = np.zeros((*size_hw, 3), np.uint8)
    assert detector.detect(black) == ()
    assert detector.detect(black) == ()


@pytest.mark.parametrize('name', DETECTORS)
def test_every_detector_refuses_what_is_no_image(name, model_path):
    detector = load_detector(DetectorConfig(name=name, model_path=model_path), ()).detector
    with pytest.raises(ImageFormatError):
        detector.detect(np.zeros((48, 64), np.uint8))


@pytest.fixture
def shipped(name, request):
    """Return a detector with the model that users have."""
    if name == 'haar':
        return load_detector(DetectorConfig(name=name), ()).detector
    path = request.getfixturevalue('yunet_file' if name == 'yunet' else 'face_model')
    return load_detector(DetectorConfig(name=name, model_path=str(path)), ()).detector


@pytest.mark.parametrize('name', DETECTORS)
def test_min_score_holds_from_the_next_image_on(shipped, data_directory):
    image = read(data_directory / 'images' / '12_angry_men.jpg')
    found = shipped.detect(image)
    scores = [one.score for one in found]
    assert len(found) >= 4
    assert scores == sorted(scores, reverse=True)
    shipped.min_score = (scores[1] + scores[2]) / 2
    assert [one.score for one in shipped.detect(image)] == scores[:2]
    shipped.min_score = 1.0
    assert shipped.detect(image) == ()


@pytest.mark.parametrize('name', ['haar', 'rtcnn'])
def test_detectors_mark_the_same_face_by_the_same_box(shipped, data_directory, yunet_file):
    image = read(data_directory / 'images' / 'emotion_classification.jpg')
    config = DetectorConfig(name='yunet', model_path=str(yunet_file))
    found_by = [each.detect(image) for each in (shipped, load_detector(config, ()).detector)]
    assert [len(found) for found in found_by] == [4, 4]
    by_place = [sorted(found, key=lambda one: one.box.center) for found in found_by]
    for one, other in zip(*by_place, strict=True):
        overlap = detection_overlap(one, other)
        assert overlap > 0.7


@pytest.mark.parametrize(('name', 'model'), [('yunet', 'yunet_file'), ('rtcnn', 'face_model')])
def test_a_box_is_in_pixels_of_the_image_whatever_the_width(name, model, data_directory, request):
    image = read(data_directory / 'images' / 'emotion_classification.jpg')
    found = []
    for width in (320, 640):
        path = str(request.getfixturevalue(model))
        config = DetectorConfig(name=name, model_path=path, width=width)
        detections = load_detector(config, ()).detector.detect(image)
        found.append(sorted(detections, key=lambda one: one.box.center))
    for small, full in zip(*found, strict=True):
        assert detection_overlap(small, full) > 0.6
        # Landmarks lie in the face, eyes above the mouth, the right one left in the picture.
        assert small.landmarks is not None
        right_eye, left_eye, nose, right_mouth, left_mouth = small.landmarks
        assert right_eye[0] < nose[0] < left_eye[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
        low, high = small.landmarks.min(axis=0), small.landmarks.max(axis=0)
        assert small.box.x0 < low[0] < high[0] < small.box.x1
        assert small.box.y0 < low[1] < high[1] < small.box.y1


def read(path: Path) -> ImageBGR:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def detection_overlap(one: Detection, other: Detection) -> float:
    boxes = [boxes_to_array((found.box,)) for found in (one, other)]
    return float(iou_matrix(*boxes)[0, 0])


def test_auto_is_no_name_in_the_table():
    assert AUTO not in DETECTORS
