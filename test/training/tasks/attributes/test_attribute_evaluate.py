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

"""Evaluation, from a model and the names of data to figures, by the names of classes."""

from __future__ import annotations

from dataclasses import replace
import json

from bright_faces import bright_faces
from bright_faces import bright_splits
from bright_faces import SHADES
from lively_networks import export
from lively_networks import labelled
from lively_networks import save
import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.classes import UnknownClassError
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.tasks.attributes.evaluate import evaluate
from rtcnn_perception.training.tasks.attributes.evaluate import evaluate_run
from rtcnn_perception.training.tasks.attributes.evaluate import run_pipeline
from rtcnn_perception.training.tasks.attributes.evaluate import select_faces
from rtcnn_perception.training.tasks.attributes.predictor import of_network
from small_data import pictures
from small_data import write_packed_npz
from small_data import write_pictures

CLASSES = {'shade': SHADES, 'age': ('0-9', '10-19', '20+')}


@pytest.fixture
def model(tmp_path):
    """Return a model with two heads."""
    export(labelled(classes=CLASSES), tmp_path / 'model')
    return tmp_path / 'model'


@pytest.fixture
def data(tmp_path):
    """Return faces with two labels, in its classes' own order, and facts."""
    ages = np.tile([8, 15, 30, 70, -1], 12)
    return write_packed_npz(
        tmp_path / 'a.npz',
        pictures(60),
        np.arange(60) % 2,
        np.tile([0, 2], 30),
        classes=SHADES[::-1],
        age=ages,
        place=np.arange(60) % 3 - 1,
        place_names=np.array(['inside', 'outside']),
    )


def run(model, data, folder, **options):
    source = AttributeData(path=(str(data),))
    given = {'part': 'all', 'with_conditions': False, 'command': 'evaluate it', **options}
    lines = list(evaluate_run(model, source, folder, **given))
    return json.loads((folder / 'report.json').read_text()), lines


def accuracies(report):
    return {each['attribute']: each['figures']['accuracy'] for each in report['attributes']}


def test_every_head_that_the_data_has_labels_for_is_evaluated(model, data, tmp_path):
    report, lines = run(model, data, tmp_path / 'report')
    assert report['faces'] == 60
    assert [each['attribute'] for each in report['attributes']] == ['shade', 'age']
    assert [each['figures']['faces'] for each in report['attributes']] == [60, 48]
    assert report['attributes'][1]['metrics'].keys() >= {'within_one_band'}
    assert set(report['attributes'][0]['groups']) >= {'place', 'age', 'shade'}
    assert lines[-1] == f'wrote {tmp_path / "report/report.md"}'
    assert '## shade' in (tmp_path / 'report/report.md').read_text()


def test_a_model_with_its_classes_in_another_order_has_the_same_figures(model, data, tmp_path):
    source = labelled(classes=CLASSES)
    weights = source.network.state_dict()
    for name in CLASSES:
        for part in ('weight', 'bias'):
            weights[f'heads.{name}.{part}'] = weights[f'heads.{name}.{part}'].flip(0)
    source.network.load_state_dict(weights)
    flipped = {name: names[::-1] for name, names in CLASSES.items()}
    other = save(type(source)('a', source.network, flipped, source.crop), tmp_path / 'best.pt')
    first, _ = run(model, data, tmp_path / 'first')
    second, _ = run(other, data, tmp_path / 'second')
    assert accuracies(second) == accuracies(first)
    for one, two in zip(first['attributes'], second['attributes'], strict=True):
        assert (
            two['figures']['confusion'] == [row[::-1] for row in one['figures']['confusion']][::-1]
        )


def test_labels_in_another_order_are_compared_by_the_names_of_classes():
    predictor = of_network(labelled(classes={'shade': SHADES}))
    faces = bright_faces(8)
    flipped = replace(
        faces, labels={'shade': faces.labels['shade'].with_classes(SHADES[::-1], '')}
    )
    first, second = (
        evaluate(predictor, each, data='', command='', with_conditions=False)[0]
        for each in (faces, flipped)
    )
    assert second == first


def test_data_with_a_class_that_the_model_lacks_is_refused_by_name(model, tmp_path):
    write_pictures(tmp_path / 'data/dark', ['1.png'])
    write_pictures(tmp_path / 'data/gray', [f'{i}.png' for i in range(20)])
    with pytest.raises(UnknownClassError, match="shade of the model has no class 'gray'; it has"):
        run(model, tmp_path / 'data', tmp_path / 'report')


def test_data_without_labels_for_the_model_is_refused(model, tmp_path):
    write_packed_npz(tmp_path / 'a.npz', pictures(4), [0] * 4, [2] * 4, classes=('happy', 'sad'))
    with pytest.raises(DataError, match=r'has no labels of any head \(shade: dark, bright; age'):
        run(model, tmp_path / 'a.npz', tmp_path / 'report')


def test_another_margin_is_tried_about_the_same_faces(model, data, tmp_path):
    report, _ = run(model, data, tmp_path / 'report', margin=0.3)
    assert report['crop']['margin'] == 0.3
    assert report['faces'] == 60
    with pytest.raises(ConfigurationError, match='leave out --margin or --through-pipeline'):
        run(model, data, tmp_path / 'report', margin=0.3, pipeline_faces=2)


def test_faces_are_classified_through_the_pipeline_as_well(model, data, tmp_path):
    report, lines = run(model, data, tmp_path / 'report', pipeline_faces=2)
    assert report['pipeline']['shade']['faces'] == 2
    assert any('0 of 2 faces found' in line for line in lines)  # noise is no face
    assert '### Through the pipeline' in (tmp_path / 'report/report.md').read_text()


def test_weights_are_exported_before_the_pipeline_runs_them(tmp_path):
    predictor = of_network(labelled(classes=CLASSES))
    with pytest.raises(ConfigurationError, match=r'best\.pt has to be exported'):
        run_pipeline(tmp_path / 'best.pt', predictor, bright_faces(2), 'shade', count=1)


def test_conditions_and_groups_are_part_of_a_report():
    report, _ = evaluate(
        of_network(labelled(classes={'shade': SHADES})), bright_faces(4), data='a', command=''
    )
    (shade,) = report.attributes
    assert set(shade.robustness) >= {'box scaled', 'rotation in degrees', 'crop margin'}


def splits_with_facts():
    splits = bright_splits()
    splits.test.facts.update(
        age=Fact(np.array([5, 18, 19, 20, 30, -1])),
        place=Fact(np.array([0, 0, 1, 1, 0, -1]), ('inside', 'outside')),
    )
    return splits


@pytest.mark.parametrize(
    ('where', 'left'),
    [
        ((), [0, 1, 2, 3, 4, 5]),
        (('age>=19',), [2, 3, 4]),
        (('age=20-39',), [3, 4]),
        (('place=outside',), [2, 3]),
        (('place=inside', 'age>=6'), [1, 4]),
        (('shade=bright',), [1, 3, 5]),
    ],
)
def test_conditions_select_faces_by_facts_and_labels(where, left):
    chosen = select_faces(splits_with_facts(), 'test', where)
    assert chosen.names == [f'2-{index}' for index in left]


@pytest.mark.parametrize(
    ('where', 'message'),
    [
        ('age>=old', '--where age>=old must compare a number, of age, with one'),
        ('age>=²', '--where age>=² must compare a number, of age, with one'),
        ('age>=10000000000', 'must compare a number, of age, with one'),
        ('age>=', '--where age>= must compare a number, of age, with one'),
        ('place>=3', '--where place>=3 must compare a number, of age, with one'),
        ('tone>=3', '--where tone>=3 must compare a number, of age'),
        ('place=street', '--where place=street must name one of inside, outside'),
        ('tone=light', 'nothing is known of tone; expected one of shade, age, place'),
        ('age>=90', '--where age>=90 leaves no face'),
    ],
)
def test_a_wrong_condition_is_refused(where, message):
    with pytest.raises((ConfigurationError, DataError), match=message):
        select_faces(splits_with_facts(), 'test', (where,))


def test_numbers_are_not_compared_where_the_data_has_none():
    message = '--where age>=3 cannot be: the data has no numbers, such as age'
    with pytest.raises(ConfigurationError, match=message):
        select_faces(bright_splits(), 'test', ('age>=3',))


def test_it_is_said_which_faces_are_evaluated_and_of_how_many(model, data, tmp_path):
    for options, line in (
        ({'part': 'test'}, 'part test: 30 of 60 faces'),
        ({'part': 'all'}, 'all parts: 60 of 60 faces'),
        ({'part': 'test', 'where': ('age>=16',)}, 'part test, age>=16: 12 of 60 faces'),
    ):
        report, lines = run(model, data, tmp_path / 'report', **options)
        assert lines[0] == report['selection'] == line
        page = (tmp_path / 'report/report.md').read_text()
        assert f'\n{line[0].upper()}{line[1:]}, crop margin 0.0' in page


def test_a_report_on_a_checkpoint_says_that_it_is_not_calibrated(data, tmp_path):
    path = save(labelled(classes=CLASSES), tmp_path / 'best.pt')
    report, lines = run(path, data, tmp_path / 'report')
    assert lines[0] == report['notes'][0]
    assert 'a checkpoint is not calibrated' in lines[0]
    assert f'\nNote: {lines[0]}.\n' in (tmp_path / 'report/report.md').read_text()


def test_a_head_without_a_label_among_the_faces_is_left_out():
    faces = bright_faces(8)
    unknown = Labels.of(CLASSES['age'], np.full(8, UNLABELLED))
    predictor = of_network(labelled(classes=CLASSES))
    some = replace(faces, labels={**faces.labels, 'age': unknown})
    found, _ = evaluate(predictor, some, data='', command='', with_conditions=False)
    assert [each.attribute for each in found.attributes] == ['shade']
    with pytest.raises(DataError, match='none of the faces has a label of shade, age'):
        evaluate(
            predictor,
            replace(faces, labels={'age': unknown}),
            data='',
            command='',
            with_conditions=False,
        )
