from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('torch')

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import UNLABELLED
from rtcnn_perception.training.data.fer import ferplus_majority
from rtcnn_perception.training.data.fer import ferplus_targets
from rtcnn_perception.training.data.npz import read_emotion
from rtcnn_perception.training.data.splits import duplicate_groups
from rtcnn_perception.training.data.splits import hold_out
from rtcnn_perception.training.data.splits import is_blank
from small_data import FERPLUS
from small_data import pictures
from small_data import write_emotion_npz

TIGHT = CropGeometry(0.0)


def fingerprints(faces):
    return {picture.tobytes() for picture in faces.pictures}


def test_no_pictures_have_no_groups():
    assert duplicate_groups([]).tolist() == []


def test_copies_share_a_group():
    first, second = pictures(2)
    assert duplicate_groups([first, second, first.copy()]).tolist() == [0, 1, 0]


def test_a_group_is_held_out_whole():
    groups = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    held_out = hold_out(groups, 0.5, np.random.default_rng(0))
    assert held_out[:4].tolist() == held_out[4:].tolist()
    assert held_out.sum() == 4


def test_a_picture_of_one_value_is_blank():
    assert is_blank(np.full((4, 4), 7, np.uint8))
    assert not is_blank(pictures(1)[0])


def test_no_picture_is_on_both_sides_of_the_held_out_part(tmp_path):
    images = pictures(20)
    images += images[:10]  # further copies within Training
    images += pictures(5, seed=1)
    labels = [i % 7 for i in range(35)]
    splits = read_emotion(write_emotion_npz(tmp_path / 'a.npz', images, labels, 30), TIGHT, 0)
    train, val, test = map(fingerprints, (splits.train, splits.val, splits.test))
    assert not train & val
    assert not train & test
    assert len(splits.train) + len(splits.val) == 20
    assert '10 further copies within Training are merged' in splits.train.notes


def test_a_picture_of_the_test_part_is_never_trained_on(tmp_path):
    images = pictures(21)
    images.append(images[3].copy())
    labels = [0] * 22
    splits = read_emotion(write_emotion_npz(tmp_path / 'a.npz', images, labels, 21), TIGHT, 0)
    assert images[3].tobytes() not in fingerprints(splits.train) | fingerprints(splits.val)
    assert len(splits.test) == 1


def test_contradicting_copies_share_the_blame(tmp_path):
    images = pictures(20)
    images += [images[0].copy(), *pictures(1, seed=1)]
    labels = [0] * 20 + [3, 1]
    splits = read_emotion(write_emotion_npz(tmp_path / 'a.npz', images, labels, 21), TIGHT, 0)
    for part in (splits.train, splits.val):
        for picture, target in zip(part.pictures, part.targets['emotion'], strict=True):
            if picture.tobytes() == images[0].tobytes():
                assert target.tolist() == [0.5, 0, 0, 0.5, 0, 0, 0]
                return
    pytest.fail('the picture with copies is in neither part')


def test_a_blank_picture_is_left_out(tmp_path):
    images = [*pictures(20), np.zeros((48, 48), np.uint8), *pictures(1, seed=1)]
    path = write_emotion_npz(tmp_path / 'a.npz', images, [0] * 22, 21)
    assert '1 blank pictures of Training are left out' in read_emotion(path, TIGHT, 0).train.notes


def test_the_same_seed_holds_the_same_faces_out(tmp_path):
    path = write_emotion_npz(tmp_path / 'a.npz', pictures(40), [0] * 40, 39)
    first, again, other = (read_emotion(path, TIGHT, seed).val.names for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_box_of_a_crop_is_such_that_the_crop_is_the_picture(tmp_path):
    geometry = CropGeometry(0.3, 0.1)
    path = write_emotion_npz(tmp_path / 'a.npz', pictures(21), [0] * 21, 20)
    square = geometry.square_about(read_emotion(path, geometry, 0).test.box(0))
    assert square.as_tuple() == pytest.approx((0, 0, 48, 48))


def test_votes_become_distributions_over_the_seven_classes():
    votes = np.array([[-1] * 10, [0, 0, 0, 0, 0, 0, 0, 5, 5, 0], [2, 6, 0, 0, 0, 0, 0, 2, 0, 0]])
    targets = ferplus_targets(votes)
    assert targets[0].tolist() == [0] * 7
    assert targets[1].tolist() == [0] * 7
    assert targets[2].tolist() == [0, 0, 0, 0.75, 0, 0, 0.25]


def test_majority_is_none_where_another_answer_has_as_many_votes():
    votes = np.array([[-1] * 10, [5, 0, 0, 0, 0, 0, 0, 5, 0, 0], [0, 0, 0, 0, 6, 0, 0, 4, 0, 0]])
    assert ferplus_majority(votes).tolist() == [UNLABELLED, UNLABELLED, 0]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'ferplus_votes': None}, 'lacks ferplus_votes'),
        ({'labels': np.full(22, 7, np.uint8)}, r'a\.npz\[0\] has the label 7, expected 0 to 6'),
        ({'split': np.zeros(22, np.uint8)}, 'the split PublicTest is empty'),
        ({'split': np.ones(22, np.uint8)}, 'the split Training is empty'),
        ({'split': np.zeros(3, np.uint8)}, r'a\.npz: split must be .* shape \(22,\) .*\(3,\)'),
        ({'split': np.full(22, 9, np.uint8)}, 'face 0 has the split 9, expected 0 to 2'),
        ({'split': np.full(22, -1, np.int8)}, 'face 0 has the split -1, expected 0 to 2'),
        ({'offset': np.zeros(3, np.int64)}, r'offset must be .* shape \(23,\) .*\(3,\)'),
        ({'offset': np.arange(23)[::-1]}, 'offset must rise from 0 to the .* bytes of png'),
        ({'offset': np.arange(23) * 10**6}, 'offset must rise .*, got 0 to 22000000'),
        ({'ferplus_votes': np.ones((22, 3), np.int8)}, r'ferplus_votes .*\(22, 10\).*\(22, 3\)'),
        ({'labels': np.zeros((22, 1), np.uint8)}, r'labels must be .*, got uint8 of .*\(22, 1\)'),
        ({'labels': np.full(22, 0.5)}, 'labels must be whole numbers .*, got float64'),
        ({'labels': np.array(['happy'] * 22)}, 'labels must be whole numbers .*, got <U5'),
        ({'labels': np.uint8(3)}, r'labels must be .* for 1 labels, got uint8 of the shape \(\)'),
        (
            {'ferplus_columns': np.array(FERPLUS[::-1])},
            r"has the ferplus_columns \['NF', .*expected",
        ),
        ({'png': np.zeros(10**6, np.uint8)}, 'picture 0 of .*a.npz cannot be decoded'),
        ({'class_names': np.array(['cross'] * 7)}, 'has the class_names .*expected'),
    ],
)
def test_a_damaged_file_is_named_and_refused(tmp_path, changes, message):
    path = write_emotion_npz(tmp_path / 'a.npz', pictures(22), [0] * 22, 20, **changes)
    with pytest.raises(DataError, match=message):
        read_emotion(path, TIGHT, 0)


def test_a_file_that_says_what_its_votes_are_is_read(tmp_path):
    path = write_emotion_npz(
        tmp_path / 'a.npz', pictures(22), [0] * 22, 20, ferplus_columns=np.array(FERPLUS)
    )
    assert len(read_emotion(path, TIGHT, 0).test) == 2


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'there is no data file .*nothing\.npz'):
        read_emotion(tmp_path / 'nothing.npz', TIGHT, 0)


def one_array(path):
    with path.open('wb') as file:
        np.save(file, np.zeros(9))


def cut_off(path):
    write_emotion_npz(path, pictures(22), [0] * 22, 20)
    path.write_bytes(path.read_bytes()[:-30])


def spoilt_inside(path):
    np.savez_compressed(path, png=np.arange(10**5))
    content = bytearray(path.read_bytes())
    content[300:400] = b'\xff' * 100
    path.write_bytes(content)


@pytest.mark.parametrize(
    'write',
    [
        lambda path: path.touch(),
        lambda path: path.write_text('hello'),
        lambda path: path.mkdir(),
        one_array,
        cut_off,
        spoilt_inside,
    ],
)
def test_a_file_of_another_kind_or_a_damaged_one_is_refused(tmp_path, write):
    write(tmp_path / 'a.npz')
    with pytest.raises(DataError, match=r'a\.npz is no readable \.npz file'):
        read_emotion(tmp_path / 'a.npz', TIGHT, 0)
