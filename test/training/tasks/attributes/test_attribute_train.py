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

from dataclasses import replace
import json

from bright_faces import bright_faces
from bright_faces import bright_splits
from bright_faces import CONFIG
from bright_faces import SHADES
import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import mean_checkpoint
from rtcnn_perception.training.engine.loop import DivergenceError
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.engine.teachers import DistillationConfig
from rtcnn_perception.training.engine.teachers import TeacherConfig
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.tasks.attributes import train as training
from rtcnn_perception.training.tasks.attributes.calibration import softmax
from rtcnn_perception.training.tasks.attributes.config import SelectConfig
from rtcnn_perception.training.tasks.attributes.metrics import summarise
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
import torch

ONE_EPOCH = replace(CONFIG, epochs=1)


def weights_of(path):
    return load_checkpoint(path)['network']


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        torch.testing.assert_close(values, second[name], rtol=0, atol=0, msg=name)


@pytest.mark.parametrize('name', ['tiny_xception', 'slim_resnet'])
def test_a_network_learns_one_batch_by_heart(name):
    torch.manual_seed(0)
    network = build_network(name, {'shade': 2})
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    pixels = torch.rand(8, 1, *network.spec.input_hw) * 2 - 1
    labels = torch.arange(8) % 2
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(network(pixels)['shade'], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_a_run_leaves_checkpoints_history_and_a_log(tmp_path):
    best = training.train(CONFIG, bright_splits(), tmp_path)
    history = json.loads((tmp_path / 'history.json').read_text())
    assert [record['epoch'] for record in history] == [1, 2, 3]
    assert best in history
    assert best.keys() >= {'loss', 'train_accuracy', 'shade.balanced_accuracy', 'seconds'}
    assert load_checkpoint(tmp_path / 'best.pt')['classes'] == {'shade': list(SHADES)}
    assert list(tmp_path.glob('events.out.tfevents.*'))
    assert not (tmp_path / 'start.pt').exists()


def test_a_run_repeats_by_its_seed(tmp_path):
    for folder in ('first', 'second'):
        training.train(CONFIG, bright_splits(), tmp_path / folder)
    assert_same(*(weights_of(tmp_path / folder / 'last.pt') for folder in ('first', 'second')))


@pytest.mark.parametrize(
    ('architecture', 'workers'),
    [('tiny_xception', 1), ('mobilenet', 2)],  # this one has dropout
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    tmp_path, monkeypatch, architecture, workers
):
    config = replace(CONFIG, architecture=architecture)
    training.train(config, bright_splits(), tmp_path / 'whole', workers)
    one_epoch, done = training.train_one_epoch, []

    def interrupted(*args, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(one_epoch(*args, **options))
        return done[-1]

    monkeypatch.setattr(training, 'train_one_epoch', interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.train(config, bright_splits(), tmp_path / 'parts', workers)
    monkeypatch.undo()
    training.train(config, bright_splits(), tmp_path / 'parts', workers)
    assert_same(weights_of(tmp_path / 'whole/last.pt'), weights_of(tmp_path / 'parts/last.pt'))


def test_a_finished_run_is_not_trained_further_and_says_that_it_is_complete(tmp_path, capsys):
    first = training.train(CONFIG, bright_splits(), tmp_path)
    before = weights_of(tmp_path / 'last.pt')
    assert 'complete' not in capsys.readouterr().out
    assert training.train(CONFIG, bright_splits(), tmp_path) == first
    assert_same(before, weights_of(tmp_path / 'last.pt'))
    assert capsys.readouterr().out == (
        f'the run in {tmp_path} is complete (3 epochs), nothing is trained; '
        'for another give another --output, or remove that folder\n'
    )


def test_a_run_is_not_resumed_with_other_data(tmp_path):
    training.train(ONE_EPOCH, bright_splits(), tmp_path)
    splits = bright_splits()
    exchanged = Splits(splits.train, splits.test, splits.val)
    with pytest.raises(ModelError, match=r'learnt from other data: val had 6 pictures, .*; test'):
        training.train(ONE_EPOCH, exchanged, tmp_path)


@pytest.mark.parametrize(('patience', 'epochs'), [(2, 3), (1, 2)])
def test_a_run_stops_early_where_it_gets_no_better(tmp_path, monkeypatch, patience, epochs):
    same = {'shade.balanced_accuracy': 0.5}
    monkeypatch.setattr(training, 'evaluate_epoch', lambda *_args: same)
    config = replace(CONFIG, epochs=9, patience=patience)
    first = training.train(config, bright_splits(), tmp_path)
    assert len(json.loads((tmp_path / 'history.json').read_text())) == epochs
    assert training.train(config, bright_splits(), tmp_path) == first
    assert load_checkpoint(tmp_path / 'last.pt')['epoch'] == epochs


def test_the_best_epoch_is_that_of_the_selected_metrics(tmp_path, monkeypatch):
    figures = iter(
        {'shade.accuracy': a, 'shade.balanced_accuracy': b, 'shade.worst_recall': b}
        for a, b in ((0.1, 0.9), (0.9, 0.1), (0.5, 0.5))
    )
    monkeypatch.setattr(training, 'evaluate_epoch', lambda *_args: next(figures))
    config = replace(CONFIG, select=SelectConfig(('shade.accuracy',)))
    assert training.train(config, bright_splits(), tmp_path)['epoch'] == 2


def test_a_selected_metric_that_does_not_exist_is_refused_at_once(tmp_path):
    config = replace(CONFIG, select=SelectConfig(('shade.within_one_band',)))
    with pytest.raises(ConfigurationError, match=r'\[select\] metrics must be of shade.accuracy'):
        training.train(config, bright_splits(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('part', ['train', 'val'])
def test_a_part_without_labels_of_an_attribute_is_refused(tmp_path, part):
    labels = {'shade': Labels.of(SHADES, np.full(6, -1))}
    splits = replace(bright_splits(), **{part: bright_faces(6, labels=labels)})
    with pytest.raises(
        DataError, match=rf'\[data.shade\] has no labelled face in the part {part}'
    ):
        training.train(CONFIG, splits, tmp_path)


@pytest.mark.parametrize('classes', [('dark',), ('dark', 'dark')])
def test_data_without_two_classes_is_refused_before_the_training(tmp_path, classes):
    labels = {'shade': Labels.of(classes, np.zeros(6, int))}
    faces = bright_faces(6, labels=labels)
    with pytest.raises(DataError, match=r'\[data.shade\] must have two or more classes with'):
        training.train(CONFIG, Splits(faces, faces, faces), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_training_part_of_one_class_alone_is_refused(tmp_path):
    labels = {'shade': Labels.of(SHADES, np.full(6, 1))}
    splits = replace(bright_splits(), train=bright_faces(6, labels=labels))
    with pytest.raises(
        DataError, match=rf'in the part train faces of {SHADES[1]} alone, expected'
    ):
        training.train(CONFIG, splits, tmp_path)


def test_classes_in_another_order_are_another_run(tmp_path):
    training.train(ONE_EPOCH, bright_splits(), tmp_path)
    splits = bright_splits()
    flipped = {'shade': SHADES[::-1]}
    parts = {
        name: getattr(splits, name).with_classes(flipped) for name in ('train', 'val', 'test')
    }
    with pytest.raises(ModelError, match='other values of the classes of the data;'):
        training.train(ONE_EPOCH, replace(splits, **parts), tmp_path)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(
    tmp_path, monkeypatch
):
    call, calls = training.AttributeLoss.__call__, []

    def broken(self, *args):
        calls.append(1)
        return call(self, *args) * (float('nan') if len(calls) == 5 else 1.0)

    monkeypatch.setattr(training.AttributeLoss, '__call__', broken)
    with pytest.raises(DivergenceError, match='loss of batch 2 of epoch 2 is nan'):
        training.train(CONFIG, bright_splits(), tmp_path)
    assert load_checkpoint(tmp_path / 'last.pt')['epoch'] == 1


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises((ConfigurationError, ModelError), match='cannot write'):
        training.train(CONFIG, bright_splits(), tmp_path / 'file')


def taught(path, **options):
    teachers = (TeacherConfig(str(path)),)
    return replace(CONFIG, distillation=DistillationConfig(0.5, teachers=teachers, **options))


@pytest.mark.parametrize('options', [{}, {'rounds': 2}, {'once': True}])
def test_a_network_learns_from_a_teacher_and_unlabelled_faces(tmp_path, options):
    training.train(ONE_EPOCH, bright_splits(), tmp_path / 'teacher')
    config = taught(tmp_path / 'teacher/best.pt', **options)
    half = Labels.of(SHADES, np.array([0, 1] * 3 + [-1] * 6))
    splits = replace(bright_splits(), train=bright_faces(12, labels={'shade': half}))
    for folder in ('first', 'second'):
        training.train(config, splits, tmp_path / folder)
    assert_same(*(weights_of(tmp_path / folder / 'last.pt') for folder in ('first', 'second')))
    untaught = training.train(CONFIG, splits, tmp_path / 'alone')
    assert untaught['loss'] != training.train(config, splits, tmp_path / 'first')['loss']


def test_heads_are_mixed_when_an_epoch_is_evaluated():
    classes = {'shade': SHADES, 'other': SHADES[::-1]}
    config = replace(
        CONFIG,
        data=DataConfig({name: AttributeData(path=('x',)) for name in classes}),
        mix={'shade': Mix('other', 1.0)},
    )
    torch.manual_seed(0)
    network = build_network('tiny_xception', {'shade': 2, 'other': 2}).eval()
    faces = bright_faces(6)
    labels = {**faces.labels, 'other': faces.labels['shade'].with_classes(SHADES[::-1], 'x')}
    held_out = replace(faces, labels=labels)
    splits = Splits(held_out, held_out, held_out)
    found = training.evaluate_epoch(network, classes, config, splits)
    logits = LabelledNetwork('a', network, classes, config.crop).logits(faces)['other']
    expected = float((logits.argmax(1) == labels['other'].indices).mean())
    assert found['shade.accuracy'] == found['other.accuracy'] == pytest.approx(expected)


def test_a_checkpoint_is_evaluated_as_its_training_was(tmp_path):
    config = replace(ONE_EPOCH, prior={'shade': 1.0})
    rare = Labels.of(SHADES, np.array([0] * 11 + [1]))
    splits = replace(bright_splits(), train=bright_faces(12, labels={'shade': rare}))
    record = training.train(config, splits, tmp_path)
    assert load_checkpoint(tmp_path / 'best.pt')['frequencies'] == {'shade': [11 / 12, 1 / 12]}
    found = load_predictor(tmp_path / 'best.pt').probabilities(splits.val)
    for name, value in summarise(found, splits.val).items():
        assert record[name] == pytest.approx(value), name
    plain = softmax(load_network(tmp_path / 'best.pt').logits(splits.val)['shade'])
    np.testing.assert_allclose(
        found['shade'][:, 1] / found['shade'][:, 0], 11 * plain[:, 1] / plain[:, 0], rtol=1e-3
    )


def test_training_hits_count_faces_with_a_target_alone():
    logits = {'a': torch.eye(2)[[0, 1, 1]], 'b': torch.eye(2)[[0, 0, 0]]}
    targets = {'a': torch.eye(2)[[0, 0, 1]], 'b': torch.zeros(3, 2)}
    assert training.count_hits(logits, targets) == (2, 3)


def test_a_run_that_starts_from_weights_keeps_them_to_be_averaged_with(tmp_path):
    training.train(ONE_EPOCH, bright_splits(), tmp_path / 'first')
    path = tmp_path / 'first/best.pt'
    config = replace(CONFIG, epochs=2, start_from=str(path))
    training.train(config, bright_splits(), tmp_path / 'second')
    started = load_checkpoint(tmp_path / 'second/start.pt')
    assert_same(started['average'], load_checkpoint(path)['average'])
    mean = mean_checkpoint([tmp_path / 'second' / name for name in ('last.pt', 'start.pt')])
    assert mean['classes'] == {'shade': list(SHADES)}


def test_a_run_resumes_without_the_weights_it_started_from_and_still_names_them(
    tmp_path, monkeypatch
):
    training.train(ONE_EPOCH, bright_splits(), tmp_path / 'first', command='train first')
    path = tmp_path / 'first/best.pt'
    config = replace(CONFIG, epochs=2, start_from=str(path))
    whole = training.end_epoch

    def stopping(state, *args, **options):
        whole(state, *args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, 'end_epoch', stopping)
    with pytest.raises(KeyboardInterrupt):
        training.train(config, bright_splits(), tmp_path / 'second', command='train second')
    monkeypatch.undo()
    path.unlink()
    training.train(config, bright_splits(), tmp_path / 'second', command='train second')
    last = tmp_path / 'second/last.pt'
    assert load_checkpoint(last)['epoch'] == 2
    assert provenance_of(last).commands == ['train first', 'train second']


def test_a_model_that_replaced_the_weights_of_a_start_is_not_named(tmp_path):
    first, again = tmp_path / 'first', tmp_path / 'again'
    training.train(ONE_EPOCH, bright_splits(), first, command='train first')
    config = replace(ONE_EPOCH, start_from=str(first / 'best.pt'))
    training.train(config, bright_splits(), again, command='train again')
    later = replace(ONE_EPOCH, seed=2)
    training.train(later, bright_splits(), tmp_path / 'later', command='train later')
    (tmp_path / 'later/best.pt').replace(first / 'best.pt')
    assert provenance_of(again / 'best.pt').commands == ['train first', 'train again']
