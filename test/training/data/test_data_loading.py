from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.fer_csv import read_fer_csv
from rtcnn_perception.training.data.folders import read_folder
from rtcnn_perception.training.data.load import find_data
from rtcnn_perception.training.data.load import load_any
from rtcnn_perception.training.data.load import load_splits
from rtcnn_perception.training.data.load import mix_votes
from rtcnn_perception.training.data.load import read_for
from rtcnn_perception.training.data.npz import read_gender
from rtcnn_perception.training.engine.config import DataConfig
from small_data import FERPLUS
from small_data import pictures
from small_data import write_emotion_npz
from small_data import write_gender_npz

TIGHT = CropGeometry(0.0)


def test_gender_faces_come_parted_and_without_those_that_have_no_box(tmp_path):
    boxes = np.tile(np.float32([10, 10, 40, 40]), (6, 1))
    boxes[5] = -1
    path = write_gender_npz(
        tmp_path / 'g.npz', pictures(6), [0, 1] * 3, [0, 0, 1, 2, 2, 0], box=boxes
    )
    splits = read_gender(path)
    assert [len(splits.part(name)) for name in ('train', 'val', 'test')] == [2, 1, 2]
    assert splits.train.notes == ('1 pictures without a box are left out',)
    assert splits.test.labels['gender'].tolist() == [1, 0]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'box': None}, 'lacks box'),
        ({'labels': np.full(3, 2, np.uint8)}, 'face 0 has the label 2, not 0 or 1'),
        ({'split': np.zeros(3, np.uint8)}, "the part 'val' is empty"),
        ({'split_names': np.array(['train', 'dev', 'test'])}, "has no part 'val'"),
        ({'split': np.array([0, 1, 3])}, 'face 2 has the split 3, expected 0 to 2'),
        ({'box': np.zeros((3, 3))}, r'box must be numbers .*\(3, 4\).*\(3, 3\)'),
        ({'landmarks': np.zeros((4, 5, 2))}, r'landmarks must .*\(3, 5, 2\).*\(4, 5, 2\)'),
        ({'age': np.zeros(4, int)}, r'age must be whole numbers .*\(3,\).*\(4,\)'),
        ({'label_names': np.array(['man', 'woman'])}, "expected .'woman', 'man'"),
    ],
)
def test_a_damaged_gender_file_is_named_and_refused(tmp_path, changes, message):
    path = write_gender_npz(tmp_path / 'g.npz', pictures(3), [0, 1, 1], [0, 1, 2], **changes)
    with pytest.raises(DataError, match=message):
        read_gender(path)


def write_csv(path, rows, header='emotion,pixels,Usage'):
    path.write_text('\n'.join([header, *rows]) + '\n')
    return path


def csv_row(picture, label=3, usage='Training'):
    return f'{label},{" ".join(map(str, picture.ravel()))},{usage}'


def csv_rows(count=22):
    images = pictures(count)
    return [csv_row(p, usage='Training' if i < 20 else 'PublicTest') for i, p in enumerate(images)]


def test_the_original_csv_is_read_with_its_votes(tmp_path):
    path = write_csv(tmp_path / 'fer2013.csv', csv_rows())
    votes = write_csv(tmp_path / 'fer2013new.csv', ['10' + ',0' * 9] * 22, ','.join(FERPLUS))
    splits = read_fer_csv(path, votes, TIGHT, 0)
    assert len(splits.train) + len(splits.val) == 20
    assert splits.test.facts['ferplus'].tolist() == [6, 6]
    assert np.array_equal(splits.test.pictures[0], pictures(22)[20])


def test_the_original_csv_needs_no_votes(tmp_path):
    splits = read_fer_csv(write_csv(tmp_path / 'fer2013.csv', csv_rows()), None, TIGHT, 0)
    assert not splits.train.targets['emotion_votes'].any()


@pytest.mark.parametrize(
    ('rows', 'header', 'message'),
    [
        ([], 'emotion,pixels,Usage', 'has no rows'),
        (['1,2,3'], 'emotion,pixels,usage', r'lacks the column Usage; it has emotion, pixels'),
        (
            ['1,0 0 0,Training'],
            'emotion,pixels,Usage',
            'row 1 of .* picture of 3 pixels, expected',
        ),
        ([csv_row(pictures(1)[0], 'happy')], 'emotion,pixels,Usage', 'must be a whole number'),
        ([csv_row(pictures(1)[0], 9)], 'emotion,pixels,Usage', 'row 1 of .* has the label 9'),
        (['1,' + '256 ' * 2304 + ',Training'], 'emotion,pixels,Usage', 'outside 0 to 255'),
        (['1,' + 'x ' * 2304 + ',Training'], 'emotion,pixels,Usage', 'a pixel that is no number'),
        (['1,' + f'{2**64} ' * 2304 + ',Training'], 'emotion,pixels,Usage', 'row 1 of .* a pixel'),
        ([csv_row(pictures(1)[0], 2**64)], 'emotion,pixels,Usage', 'must be a whole number'),
        (
            [*csv_rows(), csv_row(pictures(1)[0], usage='Trainning')],
            'emotion,pixels,Usage',
            "row 23 of .* has the usage 'Trainning', expected one of Training, PublicTest",
        ),
        (
            [csv_row(pictures(1)[0], usage='').removesuffix(','), *csv_rows()],
            'emotion,pixels,Usage',
            "row 1 of .* has the usage ''",
        ),
    ],
)
def test_a_wrong_row_is_named_and_refused(tmp_path, rows, header, message):
    with pytest.raises(DataError, match=message):
        read_fer_csv(write_csv(tmp_path / 'fer2013.csv', rows, header), None, TIGHT, 0)


def test_a_csv_that_a_spreadsheet_wrote_is_read(tmp_path):
    path = write_csv(
        tmp_path / 'a.csv', [f'{row} ' for row in csv_rows()], '\ufeffemotion,pixels,Usage'
    )
    assert len(read_fer_csv(path, None, TIGHT, 0).test) == 2


def test_votes_for_other_pictures_are_refused(tmp_path):
    path = write_csv(tmp_path / 'fer2013.csv', csv_rows())
    votes = write_csv(tmp_path / 'fer2013new.csv', ['1' + ',0' * 9] * 3, ','.join(FERPLUS))
    with pytest.raises(DataError, match='3 rows of votes for 22 pictures'):
        read_fer_csv(path, votes, TIGHT, 0)


def write_pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), pictures(1, seed=hash_of(folder, index))[0])


def hash_of(folder, index):
    return sum(map(ord, folder.parent.name + folder.name)) * 1000 + index


def test_utkface_names_say_age_gender_and_group(tmp_path):
    write_pictures(tmp_path, [f'{20 + i}_{i % 2}_{i % 5}_2017.jpg.chip.jpg' for i in range(30)])
    splits = read_folder(tmp_path, 'gender', TIGHT, 0)
    assert [len(splits.part(name)) for name in ('train', 'val', 'test')] == [24, 3, 3]
    for part in (splits.train, splits.val, splits.test):
        ages, labels = part.facts['age'], part.labels['gender']
        assert ((ages % 2) == (1 - labels)).all()  # file names count men as 0


def test_a_file_not_named_as_utkface_does_is_refused(tmp_path):
    write_pictures(tmp_path, ['20_3_0_2017.jpg'])
    with pytest.raises(DataError, match=r'20_3_0_2017\.jpg is not named as UTKFace does'):
        read_folder(tmp_path, 'gender', TIGHT, 0)


def test_folders_named_as_classes_are_read(tmp_path):
    for name in ('happy', 'sad'):
        write_pictures(tmp_path / name, [f'{i}.png' for i in range(15)])
    splits = read_folder(tmp_path, 'emotion', TIGHT, 0)
    assert set(splits.train.labels['emotion'].tolist()) == {3, 4}


def test_folders_named_as_parts_are_taken_as_such(tmp_path):
    for part, count in (('train', 3), ('val', 2), ('test', 1)):
        write_pictures(tmp_path / part / 'woman', [f'{i}.png' for i in range(count)])
    splits = read_folder(tmp_path, 'gender', TIGHT, 0)
    assert [len(splits.part(name)) for name in ('train', 'val', 'test')] == [3, 2, 1]


def names_of(faces):
    return {str(name) for name in faces.names}


def test_without_a_val_folder_val_is_held_out_of_train(tmp_path):
    write_pictures(tmp_path / 'train' / 'happy', [f'{i}.png' for i in range(20)])
    write_pictures(tmp_path / 'test' / 'sad', [f'{i}.png' for i in range(3)])
    first, again, other = (read_folder(tmp_path, 'emotion', TIGHT, seed) for seed in (1, 1, 2))
    assert [len(first.part(name)) for name in ('train', 'val', 'test')] == [18, 2, 3]
    assert set(first.test.labels['emotion'].tolist()) == {4}
    assert names_of(first.val) == names_of(again.val) != names_of(other.val)
    assert first.train.notes == ()


def test_without_a_test_folder_test_is_held_out_of_train(tmp_path):
    write_pictures(tmp_path / 'train' / 'happy', [f'{i}.png' for i in range(20)])
    write_pictures(tmp_path / 'val' / 'sad', [f'{i}.png' for i in range(3)])
    splits = read_folder(tmp_path, 'emotion', TIGHT, 0)
    assert [len(splits.part(name)) for name in ('train', 'val', 'test')] == [18, 3, 2]


@pytest.mark.parametrize('parts', [('train', 'val', 'test'), ('train', 'test')])
def test_a_picture_in_two_parts_stays_in_the_later_one(tmp_path, parts):
    for part in parts:
        write_pictures(tmp_path / part / 'happy', [f'{part}{i}.png' for i in range(20)])
    for name in ('train0.png', 'train1.png'):
        copied = (tmp_path / 'train/happy' / name).read_bytes()
        (tmp_path / 'test/happy' / name).write_bytes(copied)
    splits = read_folder(tmp_path, 'emotion', TIGHT, 0)
    assert splits.train.notes == (
        '2 pictures of train also occur in val or test and are left out',
    )
    assert len(splits.test) == 22
    assert len(splits.train) + len(splits.val) == 18 + 20 * ('val' in parts)
    shown = [
        {p.tobytes() for p in splits.part(name).pictures} for name in ('train', 'val', 'test')
    ]
    assert not shown[0] & shown[1]
    assert not (shown[0] | shown[1]) & shown[2]


def test_parts_of_the_same_pictures_are_refused(tmp_path):
    for part in ('train', 'val', 'test'):
        (tmp_path / part).mkdir()
        write_pictures(tmp_path / part / 'happy', ['0.png', '1.png'])
        for name in ('0.png', '1.png'):
            (tmp_path / part / 'happy' / name).write_bytes(
                (tmp_path / 'train/happy' / name).read_bytes()
            )
    with pytest.raises(DataError, match='too few pictures: there is none for the part train'):
        read_folder(tmp_path, 'emotion', TIGHT, 0)


@pytest.mark.parametrize('parts', [('test',), ('val', 'test'), ('train', 'test', 'validation')])
def test_parts_that_are_not_known_or_lack_train_are_refused(tmp_path, parts):
    for part in parts:
        write_pictures(tmp_path / part / 'happy', ['1.png'])
    expected = ', '.join(sorted(parts))
    with pytest.raises(DataError, match=f'has the folders {expected}; expected train, and maybe'):
        read_folder(tmp_path, 'emotion', TIGHT, 0)


def test_a_folder_that_is_named_like_a_picture_is_refused(tmp_path):
    write_pictures(tmp_path / 'happy', ['1.png'])
    (tmp_path / 'happy/x.jpg').mkdir()
    with pytest.raises(DataError, match=r'cannot read the picture .*x\.jpg: Is a directory'):
        read_folder(tmp_path, 'emotion', TIGHT, 0)


def test_a_folder_that_is_no_class_is_refused(tmp_path):
    write_pictures(tmp_path / 'joy', ['1.png'])
    with pytest.raises(DataError, match='the folder joy, which is no class; expected angry'):
        read_folder(tmp_path, 'emotion', TIGHT, 0)


@pytest.mark.parametrize('attribute', ['emotion', 'gender'])
def test_an_empty_folder_is_refused(tmp_path, attribute):
    with pytest.raises(DataError, match=r'has no (folders|pictures)'):
        read_folder(tmp_path, attribute, TIGHT, 0)


def test_a_damaged_picture_is_named_and_refused(tmp_path):
    write_pictures(tmp_path / 'happy', ['1.png'])
    (tmp_path / 'happy' / '2.png').write_bytes(b'no picture')
    with pytest.raises(DataError, match=r'the picture .*2\.png cannot be decoded'):
        read_folder(tmp_path, 'emotion', TIGHT, 0)


def test_too_few_pictures_to_part_are_refused(tmp_path):
    write_pictures(tmp_path / 'happy', ['1.png', '2.png'])
    with pytest.raises(DataError, match='too few pictures'):
        read_folder(tmp_path, 'emotion', TIGHT, 0)


def test_data_is_found_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv('RTCNN_DATA', str(tmp_path))
    (tmp_path / 'a.npz').touch()
    assert find_data('a.npz') == tmp_path / 'a.npz'
    with pytest.raises(DataError, match=r'there is no data at b\.npz or .*b\.npz'):
        find_data('b.npz')


def test_a_file_no_reader_knows_is_refused(tmp_path):
    (tmp_path / 'a.txt').touch()
    with pytest.raises(DataError, match=r'neither an \.npz or \.csv file nor a folder'):
        read_for(tmp_path / 'a.txt', 'emotion', TIGHT, 0)
    with pytest.raises(DataError, match='has no gender'):
        read_for(tmp_path / 'a.csv', 'gender', TIGHT, 0)


def test_a_model_of_two_attributes_takes_data_of_either(tmp_path):
    gender = write_gender_npz(tmp_path / 'g.npz', pictures(3), [0, 1, 1], [0, 1, 2])
    assert 'gender' in load_any(gender, TIGHT, ('emotion', 'gender'), 0).test.labels


@pytest.mark.parametrize('attributes', [('emotion', 'gender'), ('gender', 'emotion')])
@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (lambda path: write_csv(path / 'fer2013.csv', ['1,2,x']), 'row 1 of .* 1 pixels'),
        (lambda path: write_npz(path, write_emotion_npz, split=None), 'a.npz lacks split'),
        (lambda path: write_npz(path, write_emotion_npz, png=None), 'a.npz lacks png'),
        (lambda path: write_npz(path, write_emotion_npz, labels=np.arange(22)), 'the label 7'),
        (lambda path: write_npz(path, write_gender_npz, age=None), 'a.npz lacks age'),
        (lambda path: write_npz(path, write_gender_npz, labels=np.arange(22)), 'the label 2'),
        (lambda path: write_folders(path, ['angry', 'joy']), 'joy, which is no class; expected a'),
        (
            lambda path: write_folders(path, ['man', 'women']),
            'women, which is no .* expected woman',
        ),
        (lambda path: write_folders(path / 'train', ['man', 'x']), 'x, which .* expected woman'),
        (lambda path: write_pictures(path, ['1.png']), 'not named as UTKFace does'),
        (lambda path: (path / 'a.txt').touch(), 'neither an .npz or .csv file nor a folder'),
        (lambda path: (path / 'a.npz').touch(), 'is no readable .npz file'),
    ],
)
def test_what_is_wrong_with_either_data_is_told_to_a_model_of_two(
    tmp_path, write, message, attributes
):
    write(tmp_path)
    files = [path for path in tmp_path.iterdir() if path.suffix in ('.npz', '.csv', '.txt')]
    with pytest.raises(DataError, match=message):
        load_any(files[0] if files else tmp_path, TIGHT, attributes)


def write_npz(folder, write, **changes):
    return write(folder / 'a.npz', pictures(22), [1] * 22, SPLITS[write], **changes)


SPLITS = {write_emotion_npz: 20, write_gender_npz: [0] * 10 + [1] * 6 + [2] * 6}


def write_folders(folder, names):
    for name in names:
        write_pictures(folder / name, ['1.png'])


def test_votes_are_refused_where_they_would_not_be_read(tmp_path):
    emotion = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [1] * 22, 20)
    votes = tmp_path / 'fer2013new.csv'
    votes.touch()
    with pytest.raises(
        DataError, match=r"e\.npz: FER\+'s votes are read beside fer2013\.csv alone"
    ):
        load_splits(DataConfig(str(emotion), str(votes)), TIGHT)
    with pytest.raises(ConfigurationError, match='names emotion_votes, but no emotion data'):
        DataConfig(gender='g.npz', emotion_votes=str(votes))


def test_two_data_sets_are_joined_with_their_missing_labels_marked(tmp_path):
    emotion = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [1] * 22, 20)
    gender = write_gender_npz(tmp_path / 'g.npz', pictures(3, side=112), [0, 1, 1], [0, 1, 2])
    splits = load_splits(DataConfig(str(emotion), '', str(gender)), TIGHT, 0)
    assert splits.test.labels['emotion'].tolist() == [1, 1, -1]
    assert splits.test.labels['gender'].tolist() == [-1, -1, 1]
    assert splits.test.targets['gender'].sum(1).tolist() == [0, 0, 1]
    assert splits.test.facts['ferplus'].tolist() == [-1, -1, -1]


def test_unlabelled_faces_are_those_to_train_with_and_lack_their_labels(tmp_path):
    emotion = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [1] * 22, 20)
    gender = write_gender_npz(tmp_path / 'g.npz', pictures(3, side=112), [0, 1, 1], [0, 1, 2])
    alone = load_splits(DataConfig(str(emotion)), TIGHT, 0)
    splits = load_splits(DataConfig(str(emotion), unlabelled=str(gender)), TIGHT, 0)
    assert [len(part) for part in (splits.val, splits.test)] == [len(alone.val), len(alone.test)]
    assert len(splits.train) == len(alone.train) + 1
    assert set(splits.train.targets) == {'emotion', 'emotion_votes'}
    assert splits.train.labels['emotion'].tolist() == [1] * len(alone.train) + [-1]
    assert splits.train.targets['emotion'][-1].sum() == 0
    assert splits.train.pictures[-1].shape == (112, 112)


def test_votes_count_by_their_share_where_there_are_any(tmp_path):
    votes = np.full((22, 10), -1, np.int8)
    votes[:21] = [10, *[0] * 9]
    path = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [1] * 22, 20, ferplus_votes=votes)
    mixed = mix_votes(load_splits(DataConfig(str(path)), TIGHT, 0).test, 0.25)
    expected = [[0, 0.75, 0, 0, 0, 0, 0.25], [0, 1, 0, 0, 0, 0, 0]]
    np.testing.assert_allclose(mixed.targets['emotion'], expected)
    assert 'emotion_votes' not in mixed.targets
