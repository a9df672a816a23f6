"""Crops are those that a picture gray from the start would give, and of the model's layout."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.attributes.card import HeadSpec
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import to_gray
from rtcnn_perception.core.geometry.face_crops import cut_faces
from rtcnn_perception.core.geometry.face_crops import cut_gray_crop
from rtcnn_perception.core.geometry.landmarks import FacePlace


def make_spec(tmp_path, channels='gray', *, upright=False):
    return ModelSpec(
        name='tiny',
        directory=tmp_path,
        file='model.onnx',
        sha256='0' * 64,
        input_name='face',
        input_size_hw=(12, 10),
        input_dtype='uint8',
        channels=channels,
        scale=1.0,
        offset=0.0,
        crop=CropGeometry(margin=0.2, shift_down=0.1, upright=upright),
        heads=(HeadSpec('gender', 'gender', ('woman', 'man')),),
    )


@pytest.fixture
def image():
    return np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize(('channels', 'planes'), [('gray', 1), ('bgr', 3), ('rgb', 3)])
def test_no_faces_give_an_empty_batch(tmp_path, image, channels, planes):
    faces = cut_faces(image, (), make_spec(tmp_path, channels))
    assert faces.shape == (0, planes, 12, 10)
    assert faces.dtype == np.uint8


def test_gray_crops_equal_those_of_the_gray_image_wherever_they_lie(image):
    random = np.random.default_rng(6)
    gray = to_gray(image)
    for _ in range(500):
        x, y = random.uniform(-60, 120), random.uniform(-60, 100)
        # Halves too: Python rounds them to even, which moving the origin must not change.
        side = random.choice([0.3, 1.0, 2.5, 20.5, 47.2, 90.0])
        square = BoundingBox.from_xywh(round(x * 2) / 2, round(y * 2) / 2, side, side)
        expected = cut_crop(gray, square, (12, 10))
        np.testing.assert_array_equal(cut_gray_crop(image, square, (12, 10)), expected)


def test_each_face_is_the_crop_of_its_square_in_the_layout_of_the_model(tmp_path, image):
    boxes = (BoundingBox(10, 10, 30, 34), BoundingBox(-8, 20, 20, 50), BoundingBox(70, 50, 90, 70))
    places = [FacePlace(box) for box in boxes]
    specs = {channels: make_spec(tmp_path, channels) for channels in ('gray', 'bgr', 'rgb')}
    squares = [specs['gray'].crop.square_about(box) for box in boxes]
    for index, square in enumerate(squares):
        crop = cut_crop(image, square, (12, 10))
        gray = cut_crop(to_gray(image), square, (12, 10))
        faces = {name: cut_faces(image, places, spec)[index] for name, spec in specs.items()}
        np.testing.assert_array_equal(faces['gray'][0], gray)
        np.testing.assert_array_equal(faces['bgr'], crop.transpose(2, 0, 1))
        np.testing.assert_array_equal(faces['rgb'], crop[..., ::-1].transpose(2, 0, 1))


def test_the_image_is_not_written_to(tmp_path, image):
    image.flags.writeable = False
    before = image.copy()
    cut_faces(image, (FacePlace(BoundingBox(-5, -5, 20, 20)),), make_spec(tmp_path))
    np.testing.assert_array_equal(image, before)


FACE = np.float32([[-8, -8], [8, -8], [0, 0], [-6, 8], [6, 8]])


def leaning(degrees):
    """Return a face at 40, 30 that is turned clockwise."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = np.asarray(FACE @ matrix + (40, 30), np.float32)
    return FacePlace(BoundingBox(28, 15, 52, 45), points)


@pytest.mark.parametrize('channels', ['gray', 'bgr', 'rgb'])
def test_a_head_that_hardly_leans_or_has_no_landmarks_is_cut_as_ever(tmp_path, image, channels):
    places = [leaning(4.0), FacePlace(leaning(30.0).box)]
    crops = [
        cut_faces(image, places, make_spec(tmp_path, channels, upright=upright))
        for upright in (False, True)
    ]
    np.testing.assert_array_equal(*crops)


def test_a_head_that_leans_is_cut_upright_in_the_layout_of_the_model(tmp_path, image):
    place = leaning(25.0)
    specs = {name: make_spec(tmp_path, name, upright=True) for name in ('gray', 'bgr', 'rgb')}
    faces = {name: cut_faces(image, [place], spec)[0] for name, spec in specs.items()}
    geometry = specs['gray'].crop
    roll = geometry.roll_for(place.landmarks)
    assert roll == pytest.approx(25.0, abs=1e-3)
    square = geometry.square_about(place.box, roll)
    crop = cut_crop(image, square, (12, 10), roll)
    np.testing.assert_array_equal(
        faces['gray'][0], cut_crop(to_gray(image), square, (12, 10), roll)
    )
    np.testing.assert_array_equal(faces['bgr'], crop.transpose(2, 0, 1))
    np.testing.assert_array_equal(faces['rgb'], crop[..., ::-1].transpose(2, 0, 1))
