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

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data import load
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.readers.table import read_table
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.data.splits import digest_of
from rtcnn_perception.training.data.splits import hold_out_by_pixels
from small_data import pictures
from small_data import write_csv

OPTIONS = ReadOptions(CropGeometry(0.0), seed=0)
HATS = ('bare', 'hat')


def write_faces(folder, count=20):
    """Write distinct pictures of 48 pixels in a folder beside the table."""
    (folder / 'faces').mkdir(exist_ok=True)
    for index, picture in enumerate(pictures(count)):
        cv2.imwrite(str(folder / f'faces/{index}.png'), picture)


def write_table(folder, header, rows, count=20):
    write_faces(folder, count)
    return write_csv(folder / 'faces.csv', rows, header)


def split(path, **options):
    return Splits.of(*read_table(path, OPTIONS._replace(**options)))


def hats(folder, header='file,hat', count=20, end=''):
    """Write a table of which every second face wears a hat."""
    rows = [f'faces/{i}.png,{HATS[i % 2]}{end}' for i in range(count)]
    return write_table(folder, header, rows, count)


def test_texts_are_labels_and_whole_numbers_facts_and_the_rest_is_unknown(tmp_path):
    rows = [
        'faces/0.png,train,hat,30,round',
        f'{tmp_path}/faces/1.png,val,bare,,',
        ' faces/2.png , test ,,-1,"oval, long"',
        ',,,,',
    ]
    path = write_table(tmp_path, 'file,part,hat,age,face', rows)
    splits = split(path)
    assert [len(splits.train), len(splits.val), len(splits.test)] == [1, 1, 1]
    assert splits.test.names == [f'{tmp_path}/faces/2.png']
    everyone = splits.part('all')
    assert everyone.labels['hat'].classes == HATS
    assert everyone.labels['hat'].indices.tolist() == [1, 0, -1]
    assert everyone.labels['face'].classes == ('oval, long', 'round')
    assert everyone.facts['age'].values.tolist() == [30, -1, -1]
    assert everyone.facts['age'].names == ()


def test_tables_as_pandas_writes_them_are_read_as_they_are_meant(tmp_path):
    rows = [
        'faces/0.png,hat,34.0,1.5,nan,nan,nan,nan',
        'faces/1.png,nan,,2.0,1,2,30,40',
        'faces/2.png,bare,7,NaN,<NA>,,,',
    ]
    path = write_table(tmp_path, 'file,hat,age,distance,x0,y0,x1,y1', rows)
    faces = split(path).part('all').take(np.argsort(split(path).part('all').names))
    assert faces.labels['hat'].classes == HATS
    assert faces.labels['hat'].indices.tolist() == [1, -1, 0]
    assert faces.facts['age'].values.tolist() == [34, -1, 7]
    assert faces.boxes[1].tolist() == [1, 2, 30, 40]
    assert set(faces.facts) == {'age'}
    assert any("the column 'distance' is left out" in each for each in faces.notes)
    assert any('expected whole numbers, or texts for classes, got 1.5' in n for n in faces.notes)


def test_a_class_that_is_written_in_two_ways_is_noted(tmp_path):
    rows = ['faces/0.png,Hat,test', 'faces/1.png,hat,test']
    faces = split(write_table(tmp_path, 'file,hat,part', rows)).part('all')
    assert faces.labels['hat'].classes == ('Hat', 'hat')
    assert any("'hat' has 'Hat' and 'hat', which are two classes" in each for each in faces.notes)


def test_a_text_among_many_numbers_is_named_by_its_line(tmp_path):
    rows = [f'faces/{i}.png,{i if i < 120 else "unknown"}' for i in range(121)]
    path = write_table(tmp_path, 'file,age', rows, 121)
    message = r"line 122 of .*: 'age' must be a whole number as in line 2"
    with pytest.raises(DataError, match=message):
        split(path)


@pytest.mark.parametrize('cells', [('0.', '1.'), ('.5', '1'), ('0.5', '-2')])
def test_numbers_with_decimals_are_no_classes_however_they_are_written(tmp_path, cells):
    rows = [f'faces/{i}.png,{HATS[i]},{cell},test' for i, cell in enumerate(cells)]
    faces = split(write_table(tmp_path, 'file,hat,size,part', rows)).part('all')
    assert (set(faces.labels), set(faces.facts)) == ({'hat'}, set())


def test_a_picture_with_a_box_is_cut_and_another_is_a_crop(tmp_path):
    rows = ['faces/0.png,test,hat,10.5,12,40,44', 'faces/1.png,test,bare,,,,']
    faces = split(write_table(tmp_path, 'file,part,hat,x0,y0,x1,y1', rows)).test
    assert faces.boxes[0].tolist() == [10.5, 12, 40, 44]
    assert (
        faces.boxes[1].tolist() == boxes_of_crops(faces.pictures[1:], OPTIONS.geometry)[0].tolist()
    )


def test_without_parts_pictures_are_held_out_as_those_of_folders(tmp_path):
    splits = split(hats(tmp_path, count=60))
    everyone = splits.part('all')
    chosen = hold_out_by_pixels([digest_of(each) for each in everyone.pictures], 0.1, '0 test')
    assert np.array(everyone.names)[chosen].tolist() == splits.test.names
    before = {
        name: part for part in ('train', 'val', 'test') for name in getattr(splits, part).names
    }
    more = split(hats(tmp_path, count=70))
    after = {name: part for part in ('train', 'val', 'test') for name in getattr(more, part).names}
    assert {name: after[name] for name in before} == before


def test_rows_without_a_part_are_of_train_and_only_missing_parts_are_held_out(tmp_path):
    rows = [f'faces/{i}.png,{"test" if i < 5 else ""},{HATS[i % 2]}' for i in range(20)]
    splits = split(write_table(tmp_path, 'file,part,hat', rows))
    assert sorted(splits.test.names) == sorted(f'{tmp_path}/faces/{i}.png' for i in range(5))
    assert len(splits.train) + len(splits.val) == 15
    assert len(splits.val)


def test_a_table_of_one_part_has_no_other(tmp_path):
    splits = split(hats(tmp_path, 'file,hat,part', end=',test'))
    assert [len(splits.train), len(splits.val), len(splits.test)] == [0, 0, 20]


def test_copies_in_two_parts_stay_in_the_later_one(tmp_path):
    path = hats(tmp_path, 'file,hat,part', end=',train')
    (tmp_path / 'copy.png').write_bytes((tmp_path / 'faces/3.png').read_bytes())
    path.write_text(path.read_text() + 'copy.png,hat,test\n')
    splits = split(path)
    assert splits.train.notes == (
        '1 pictures of train also occur in val or test and are left out',
    )
    assert splits.test.names == [f'{tmp_path}/copy.png']


@pytest.mark.parametrize(
    ('header', 'rows', 'message'),
    [
        ('', [], r'faces\.csv lacks the column file; it has none'),
        (
            'picture;hat',
            ['a;b'],
            r'lacks the column file; it has picture;hat: expected names, sep',
        ),
        ('file,hat', [], r'faces\.csv has no rows; expected one for each picture'),
        ('file,hat,hat', ['a,b,c'], 'has two columns of the name hat, expected one'),
        ('file,hat,x0,y1', ['a,b,1,2'], 'lacks the column y0 and x1; it has file, hat, x0, y1'),
        (
            'file,hat',
            ['faces/0.png,hat', 'faces/1.png,hat,x'],
            'line 3 of .* has 3 cells, expected 2',
        ),
        ('file,hat', ['faces/0.png,hat', ',bare'], r'line 3 of .*faces\.csv names no file'),
        (
            'file,hat',
            ['faces/0.png,hat', 'faces/1.png,bare', './faces/../faces/0.png,hat'],
            r"line 4 of .* names '\./faces/\.\./faces/0\.png', as line 2 does; expected each",
        ),
        (
            'file,hat,part',
            ['faces/0.png,hat,dev'],
            "line 2 of .* has the part 'dev', expected one of train, val, test",
        ),
        (
            'file,hat,part',
            ['faces/0.png,hat,dev', 'faces/1.png,hat,val', 'faces/2.png,bare,exam'],
            "2 lines are faulty: line 2 of .* has the part 'dev'.*; line 4 of .* the part 'exam'",
        ),
        (
            'file,part',
            ['faces/0.png,test'],
            'has no labels: expected a column .*; it has file, part$',
        ),
        (
            'file,hat',
            ['faces/0.png,'],
            'has no labels: expected a column of texts or whole numbers',
        ),
        (
            'file,age',
            ['faces/0.png,30', 'faces/1.png,old'],
            "line 3 of .*: 'age' must be a whole number as in line 2, .*; got 'old'",
        ),
        ('file,age', ['faces/0.png,-2'], "line 2 of .*: 'age' must be 0 or above, or -1 .* '-2'"),
        (
            'file,age',
            ['faces/0.png,' + '9' * 5000],
            "line 2 of .*: 'age' must be .* '9{79}\\.\\.\\.$",
        ),
        (
            'file,hat,x0,y0,x1,y1',
            ['faces/0.png,hat,1,2,3,'],
            r"line 2 of .* x0, y0, x1, y1 must be numbers of pixels, .*; got '1, 2, 3, '",
        ),
        *(
            (
                'file,hat,x0,y0,x1,y1',
                [f'faces/0.png,hat,{box}'],
                'line 2 of .* is 48x48 pixels, the',
            )
            for box in ('9,9,5,20', '60,0,70,10', '-inf,0,9,9', '0,0,inf,9', '0,0,1e300,1e300')
        ),
    ],
)
def test_a_wrong_table_is_refused_by_line(tmp_path, header, rows, message):
    path = write_table(tmp_path, header, rows)
    with pytest.raises(DataError, match=message) as caught:
        split(path)
    assert len(str(caught.value)) < 700
    assert '\n' not in str(caught.value)


def test_a_picture_that_is_named_by_both_kinds_of_paths_is_refused(tmp_path, monkeypatch):
    path = hats(tmp_path)
    path.write_text(path.read_text() + f'{tmp_path}/faces/7.png,hat\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"line 22 of faces\.csv names '/.*', as line 9 does"):
        split(Path('faces.csv'))


def test_missing_and_damaged_pictures_are_refused_by_line_or_left_out_by_choice(tmp_path):
    path = hats(tmp_path)
    for index in range(7):
        (tmp_path / f'faces/{index}.png').unlink()
    missing = (
        r"7 files that are not there, .*: 'faces/0\.png' \(line 2\), .* \(line 6\) and 2 more; "
    )
    with pytest.raises(DataError, match=rf'faces\.csv has {missing}mend or remove'):
        split(path)
    write_faces(tmp_path, 7)
    (tmp_path / 'faces/9.png').write_bytes(b'no picture')
    damaged = r"1 files that are not complete pictures: 'faces/9\.png' \(line 11\); "
    with pytest.raises(DataError, match=rf'{damaged}mend or remove'):
        split(path)
    (tmp_path / 'faces/3.png').unlink()
    splits = split(path, leave_out_faulty=True)
    assert [note.partition(': ')[2] for note in splits.train.notes] == [
        "'faces/3.png' (line 5); they are left out",
        "'faces/9.png' (line 11); they are left out",
    ]
    assert np.bincount(splits.part('all').labels['hat'].indices).tolist() == [10, 8]


def test_a_table_without_any_picture_is_refused(tmp_path):
    path = write_csv(tmp_path / 'faces.csv', ['a.png,hat', 'b.png,bare'], 'file,hat')
    with pytest.raises(DataError, match=r'faces\.csv names no complete picture'):
        split(path, leave_out_faulty=True)


def test_a_column_of_names_or_remarks_has_no_classes_and_is_noted(tmp_path):
    rows = [f'faces/{i}.png,{HATS[i % 2]},person {i},{"long" * (i == 3) * 30}' for i in range(120)]
    splits = split(write_table(tmp_path, 'file,hat,who,remark', rows, 120))
    assert set(splits.train.labels) == {'hat'}
    assert [note[:40] for note in splits.train.notes] == [
        "faces.csv: the column 'who' is left out:",
        "faces.csv: the column 'remark' is left o",
    ]
    with pytest.raises(
        DataError, match=r"has no labels: .* the column 'who' is left out: it has 120"
    ):
        split(write_table(tmp_path, 'file,who', [f'faces/{i}.png,person {i}' for i in range(120)]))


def loaded(**tables):
    return load.load_splits(DataConfig(tables), OPTIONS.geometry)


def test_several_attributes_read_the_same_table(tmp_path):
    rows = [f'faces/{i}.png,{HATS[i % 2]},{i * 4}' for i in range(20)]
    path = write_table(tmp_path, 'file,hat,age', rows)
    table = AttributeData(path=(str(path),))
    splits = loaded(hat=table, age=table)
    everyone = splits.part('all')
    assert everyone.labels['hat'].classes == HATS
    assert np.bincount(everyone.labels['age'].indices).tolist() == [3, 2, 5, 5, 5]
    with pytest.raises(DataError, match=r'faces\.csv has no labels of mood; it has hat, age'):
        loaded(mood=table)
    evaluated = load_for_heads({'hat': HATS[::-1]}, table, OPTIONS.geometry)
    assert evaluated.test.names == splits.test.names
    assert evaluated.test.labels['hat'].classes == HATS[::-1]


def test_a_column_of_one_class_is_refused_unless_the_classes_are_named(tmp_path):
    rows = [f'faces/{i}.png,hat' for i in range(20)]
    path = str(write_table(tmp_path, 'file,hat', rows))
    with pytest.raises(DataError, match=r'has the one class hat of hat; expected two or more, or'):
        loaded(hat=AttributeData(path=(path,)))
    splits = loaded(hat=AttributeData(path=(path,), classes=HATS))
    assert set(splits.train.labels['hat'].indices.tolist()) == {1}


def test_classes_that_no_card_can_have_are_refused_before_a_training(tmp_path):
    classes = ('\x1b[31mhat', 'bare')
    rows = [f'faces/{i}.png,{classes[i % 2]}' for i in range(20)]
    path = str(write_table(tmp_path, 'file,hat', rows))
    with pytest.raises(DataError, match=r'the classes of hat must be .* 1 to 100 characters that'):
        loaded(hat=AttributeData(path=(path,)))


def test_the_reader_of_a_csv_is_guessed_by_its_columns(tmp_path):
    assert load.guessed_reader(hats(tmp_path)) == 'table'
    fer = write_csv(tmp_path / 'fer2013.csv', [])
    assert load.guessed_reader(fer) == 'fer2013_csv'
    other = write_csv(tmp_path / 'votes.csv', [], ','.join('abcdefg'))
    with pytest.raises(DataError, match='columns a, b, c, d, e and 2 more; expected file, of a'):
        load.guessed_reader(other)


def test_boxes_as_shares_of_the_picture_are_refused(tmp_path):
    rows = [f'faces/{i}.png,hat,0.1,0.1,0.9,1' for i in range(20)]
    path = write_table(tmp_path, 'file,hat,x0,y0,x1,y1', rows)
    with pytest.raises(DataError, match='all boxes end at 1 or before; expected pixels'):
        read_table(path, OPTIONS)
