from __future__ import annotations

from dataclasses import replace
import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('tensorboard')

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import mixed
from rtcnn_perception.training.data.batches import parts_of
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.batches import TrainingBatches
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import one_hot
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.engine import teachers as teaching
from rtcnn_perception.training.engine.averaging import WeightAverage
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import mean_checkpoint
from rtcnn_perception.training.engine.checkpoints import restore_network
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import DataConfig
from rtcnn_perception.training.engine.config import LossConfig
from rtcnn_perception.training.engine.config import TrainConfig
from rtcnn_perception.training.engine.loop import DivergenceError
from rtcnn_perception.training.engine.loop import learning_rate
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.engine.replicas import Replicas
from rtcnn_perception.training.engine.start_weights import begin_with
from rtcnn_perception.training.engine.teachers import load_teachers
from rtcnn_perception.training.engine.teachers import teach
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import without_votes_head
from rtcnn_perception.training.models.layers import SeededDropout
from rtcnn_perception.training.tasks.attributes import train as training
from rtcnn_perception.training.tasks.attributes.loss import face_weights
from rtcnn_perception.training.tasks.attributes.loss import total_loss
from small_data import pictures

STILL = AugmentationConfig(
    scale=0,
    shift=0,
    rotation=0,
    mirror=False,
    light=0,
    gamma=0,
    blur_share=0,
    low_resolution_share=0,
    noise_share=0,
    occlusion_share=0,
)
CONFIG = TrainConfig(
    name='small',
    architecture='tiny_xception',
    data=DataConfig(gender='made by the test'),
    epochs=3,
    batch_size=4,
    average=0.5,
    seed=3,
)


def faces(count, seed=0):
    """Return faces whose class is how bright they are."""
    labels = np.arange(count) % 2
    images = [
        (picture // 4 + 150 * label).astype(np.uint8)
        for picture, label in zip(pictures(count, seed), labels, strict=True)
    ]
    return FaceSet(
        pictures=images,
        boxes=np.tile([8.0, 8.0, 40.0, 40.0], (count, 1)),
        labels={'gender': labels},
        targets={'gender': one_hot(labels, 2)},
        names=[f'face {i}' for i in range(count)],
    )


def splits():
    return Splits(faces(12), faces(6, 1), faces(6, 2))


def weights_of(path):
    return load_checkpoint(path)['network']


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        torch.testing.assert_close(values, second[name], rtol=0, atol=0, msg=name)


@pytest.mark.parametrize('name', ['tiny_xception', 'compact_resnet'])
def test_one_batch_is_learnt_by_heart(name):
    torch.manual_seed(0)
    network = build_network(name, {'gender': 2})
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    pixels = torch.rand(8, 1, *network.spec.input_hw) * 2 - 1
    labels = torch.arange(8) % 2
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(network(pixels)['gender'], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_a_run_leaves_checkpoints_history_and_a_log(tmp_path):
    best = training.train(CONFIG, splits(), tmp_path)
    history = json.loads((tmp_path / 'history.json').read_text())
    assert [record['epoch'] for record in history] == [1, 2, 3]
    assert best in history
    assert (tmp_path / 'best.pt').exists()
    assert list(tmp_path.glob('events.out.tfevents.*'))


def test_a_seed_repeats_a_run(tmp_path):
    for folder in ('first', 'second'):
        training.train(CONFIG, splits(), tmp_path / folder)
    assert_same(*(weights_of(tmp_path / folder / 'last.pt') for folder in ('first', 'second')))


@pytest.mark.parametrize(
    ('architecture', 'workers'),
    [('tiny_xception', 1), ('simple_cnn', 2)],  # this one has dropout
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    tmp_path, monkeypatch, architecture, workers
):
    config = replace(CONFIG, architecture=architecture)
    training.train(config, splits(), tmp_path / 'whole', workers)
    one_epoch, done = training.train_one_epoch, []

    def interrupted(*args, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(one_epoch(*args, **options))
        return done[-1]

    monkeypatch.setattr(training, 'train_one_epoch', interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.train(config, splits(), tmp_path / 'parts', workers)
    monkeypatch.undo()
    training.train(config, splits(), tmp_path / 'parts', workers)
    assert_same(weights_of(tmp_path / 'whole/last.pt'), weights_of(tmp_path / 'parts/last.pt'))


def test_a_finished_run_is_not_trained_further(tmp_path):
    first = training.train(CONFIG, splits(), tmp_path)
    before = weights_of(tmp_path / 'last.pt')
    assert training.train(CONFIG, splits(), tmp_path) == first
    assert_same(before, weights_of(tmp_path / 'last.pt'))


def test_a_run_stops_early_where_it_gets_no_better(tmp_path, monkeypatch):
    monkeypatch.setattr(training, 'selection_score', lambda _summary: 0.5)
    training.train(replace(CONFIG, epochs=9, patience=2), splits(), tmp_path)
    assert len(json.loads((tmp_path / 'history.json').read_text())) == 3


def test_a_run_that_stopped_early_is_not_trained_further(tmp_path, monkeypatch):
    monkeypatch.setattr(training, 'selection_score', lambda _summary: 0.5)
    config = replace(CONFIG, epochs=9, patience=1)
    first = training.train(config, splits(), tmp_path)
    before = weights_of(tmp_path / 'last.pt')
    assert training.train(config, splits(), tmp_path) == first
    assert_same(before, weights_of(tmp_path / 'last.pt'))


def test_a_folder_of_another_run_is_refused(tmp_path):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path)
    with pytest.raises(ModelError, match='other values of epochs'):
        training.train(CONFIG, splits(), tmp_path)


def test_a_run_from_before_a_value_came_is_one_with_its_default(tmp_path):
    first = training.train(CONFIG, splits(), tmp_path)
    values = load_checkpoint(tmp_path / 'last.pt')
    del values['config']['loss']['teacher_mirror'], values['config']['ease_from']
    save_checkpoint(tmp_path / 'last.pt', values)
    assert training.train(CONFIG, splits(), tmp_path) == first
    with pytest.raises(ModelError, match='other values of ease_from;'):
        training.train(replace(CONFIG, ease_from=1), splits(), tmp_path)


def test_a_run_of_another_number_of_workers_is_refused(tmp_path):
    first = training.train(CONFIG, splits(), tmp_path, 2)
    with pytest.raises(ModelError, match=r'made by 2 workers, .* give --workers 2'):
        training.train(CONFIG, splits(), tmp_path, 1)
    values = load_checkpoint(tmp_path / 'last.pt')
    del values['workers']  # as older runs
    save_checkpoint(tmp_path / 'last.pt', values)
    assert training.train(CONFIG, splits(), tmp_path, 1) == first


def test_a_batch_smaller_than_the_workers_is_learnt(tmp_path):
    best = training.train(replace(CONFIG, epochs=1, batch_size=2), splits(), tmp_path, 3)
    assert best['epoch'] == 1
    assert load_checkpoint(tmp_path / 'last.pt')['workers'] == 2


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(
    tmp_path, monkeypatch
):
    whole, calls = training.total_loss, []

    def broken(*args):
        calls.append(1)
        return whole(*args) * (float('nan') if len(calls) == 5 else 1.0)

    monkeypatch.setattr(training, 'total_loss', broken)
    with pytest.raises(DivergenceError, match='loss of batch 2 of epoch 2 is nan'):
        training.train(CONFIG, splits(), tmp_path)
    assert load_checkpoint(tmp_path / 'last.pt')['epoch'] == 1


@pytest.mark.parametrize(
    ('batch', 'message'),
    [
        (3, r'after batch 3 of epoch 1 is no number; train .* with a lower learning_rate$'),
        (6, r"after batch 3 of epoch 2 .*, and this one's best\.pt, of epoch 1, as start_from"),
    ],
)
def test_weights_that_are_no_numbers_are_not_put_down(tmp_path, monkeypatch, batch, message):
    whole, calls = training.total_loss, []

    def broken(*args):
        calls.append(1)
        loss = whole(*args)
        if len(calls) == batch:  # the last one of its epoch
            loss.register_hook(lambda gradient: gradient * float('nan'))
        return loss

    monkeypatch.setattr(training, 'total_loss', broken)
    with pytest.raises(DivergenceError, match=message):
        training.train(CONFIG, splits(), tmp_path)
    assert (tmp_path / 'last.pt').exists() == (batch > 3)


def test_every_dropout_has_a_stream_of_its_own_that_an_epoch_repeats():
    replicas = Replicas(build_network('simple_cnn', {'gender': 2}).train(), 2)

    def draws(epoch):
        replicas.reseed(3, epoch)
        layers = [
            layer
            for replica in replicas.copies
            for layer in replica.modules()
            if isinstance(layer, SeededDropout) and layer.share
        ]
        return [layer(torch.ones(64)).tolist() for layer in layers for _ in range(2)]

    first, second = draws(0), draws(1)
    every = [tuple(draw) for draw in (*first, *second)]
    assert len(set(every)) == len(every) == 2 * 2 * 4 * 2
    assert draws(0) == first


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises((ConfigurationError, ModelError), match='cannot write'):
        training.train(CONFIG, splits(), tmp_path / 'file')


def test_learning_starts_low_and_ends_at_nothing():
    config = replace(CONFIG, epochs=10, learning_rate=1.0, warmup_epochs=2.0)
    rates = [learning_rate(config, progress) for progress in (0, 1, 2, 6, 10)]
    assert rates[0] < 0.01
    assert rates[1] == pytest.approx(0.5, abs=0.01)
    assert rates[2:] == pytest.approx([1.0, 0.5, 0.0])


def test_halves_of_a_batch_give_the_gradient_of_the_whole():
    torch.manual_seed(0)
    network = build_network('compact_resnet', {'gender': 2}).eval()  # no batch statistics
    network.dropout.share = 0.0
    pixels = torch.rand(4, 1, 48, 48)
    labels = {'gender': torch.eye(2)[torch.arange(4) % 2]}
    batch = Batch(pixels, labels, {'gender': torch.ones(4)}, np.arange(4))

    def step(asked, part):
        return total_loss(asked(part.pixels), part.targets, part.weights, {}, LossConfig())

    gradients = []
    for workers in (1, 2):
        loss = Replicas(network, workers).gradients(step, parts_of(batch, workers))
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
        assert loss == pytest.approx(step(network, batch).item(), abs=1e-5)
    for whole, halves in zip(*gradients, strict=True):
        torch.testing.assert_close(halves, whole, rtol=1e-3, atol=1e-5)


def test_a_face_without_a_label_teaches_nothing():
    logits = {'gender': torch.randn(3, 2)}
    target = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    weights = torch.tensor([1.0, 1.0, 0.0])
    whole = total_loss(logits, {'gender': target}, {'gender': weights}, {}, LossConfig())
    some = total_loss(
        {'gender': logits['gender'][:2]},
        {'gender': target[:2]},
        {'gender': weights[:2]},
        {},
        LossConfig(),
    )
    assert whole.item() == pytest.approx(some.item())


def test_a_student_that_answers_as_its_teacher_is_not_punished():
    logits = torch.randn(3, 2)
    config = LossConfig(distillation=1.0, temperature=2.0)
    teacher = {'gender': (logits / 2.0).softmax(1)}
    targets, weights = {'gender': torch.eye(2)[[0, 1, 0]]}, {'gender': torch.ones(3)}
    loss = total_loss({'gender': logits}, targets, weights, teacher, config)
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


def test_a_teacher_is_asked_at_its_own_size(tmp_path):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path)
    teachers = load_teachers(f'{tmp_path / "best.pt"},', 'cpu')
    answers = teach(teachers, torch.zeros(2, 1, 48, 48), 2.0, mirror=False)
    torch.testing.assert_close(answers['gender'].sum(1), torch.ones(2))


def test_a_teacher_that_looks_twice_answers_alike_for_a_face_and_its_mirror_image():
    teachers = [build_network('tiny_xception', {'gender': 2}).eval()]
    faces = torch.rand(2, 1, 64, 64) * 2 - 1
    answers, mirrored = (
        teach(teachers, seen, 2.0, mirror=True) for seen in (faces, faces.flip(3))
    )
    torch.testing.assert_close(answers, mirrored)
    once = teach(teachers, faces, 2.0, mirror=False)
    assert (once['gender'] != answers['gender']).any()


def overhear(monkeypatch, asked, heard, of_whom):
    """Note the faces that teachers are asked of, the answers to losses, and of which faces."""
    total, answers_of = training.total_loss, teaching.Teachers.answers

    def asking(networks, pixels, *args, **options):
        asked.append(pixels)
        return teach(networks, pixels, *args, **options)

    def answering(teachers, batch, draw):
        of_whom.append(torch.from_numpy(batch.indices))
        return answers_of(teachers, batch, draw)

    def hearing(logits, targets, weights, answers, config):
        heard.append(answers['gender'])
        return total(logits, targets, weights, answers, config)

    monkeypatch.setattr(teaching, 'teach', asking)
    monkeypatch.setattr(teaching.Teachers, 'answers', answering)
    monkeypatch.setattr(training, 'total_loss', hearing)


def test_teachers_are_asked_once_where_augmentation_repeats(tmp_path, monkeypatch):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path / 'teacher')
    loss = LossConfig(
        teacher=str(tmp_path / 'teacher/best.pt'), distillation=0.5, teacher_rounds=2
    )
    config = replace(CONFIG, epochs=4, loss=loss)
    asked, heard = [], []
    overhear(monkeypatch, asked, heard, [])
    training.train(config, splits(), tmp_path / 'student')
    count = len(heard) // 4
    epochs = [torch.cat(heard[first : first + count]) for first in range(0, len(heard), count)]
    assert len(asked) == 2 * count
    assert torch.equal(epochs[0], epochs[2])
    assert torch.equal(epochs[1], epochs[3])
    assert not torch.equal(epochs[0], epochs[1])
    monkeypatch.undo()
    training.train(config, splits(), tmp_path / 'again')
    assert_same(weights_of(tmp_path / 'student/last.pt'), weights_of(tmp_path / 'again/last.pt'))


def test_teachers_may_be_asked_once_of_every_face_as_it_is_cut_for_use(tmp_path, monkeypatch):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path / 'teacher')
    path = tmp_path / 'teacher/best.pt'
    loss = LossConfig(teacher=str(path), distillation=0.5, teacher_once=True)
    asked, heard, of_whom = [], [], []
    overhear(monkeypatch, asked, heard, of_whom)
    faces = splits().train
    training.train(replace(CONFIG, epochs=2, loss=loss), splits(), tmp_path / 'student')
    chosen = np.arange(len(faces))
    seen = to_input(cut_faces(faces, CONFIG.crop, tuple(asked[0].shape[2:]), chosen))
    torch.testing.assert_close(torch.cat(asked), seen)
    with torch.autocast('cpu', torch.bfloat16):
        told = teach(load_teachers(str(path), 'cpu'), seen, loss.temperature, mirror=False)
    order = torch.cat(of_whom)
    torch.testing.assert_close(torch.cat(heard), told['gender'][order], atol=1e-6, rtol=0)
    assert sorted(order.tolist()) == sorted([*chosen, *chosen])
    assert not torch.equal(order[: len(faces)], order[len(faces) :])


@pytest.mark.parametrize(('balance', 'rare'), [(0.0, 1.0), (1.0, 2.0)])
def test_balance_raises_the_weight_of_the_rare_class(balance, rare):
    targets = one_hot(np.array([0, 1, 1, 1, -1]), 2)
    weights = face_weights(targets, balance)
    assert weights.tolist() == pytest.approx([rare, *[(4 - rare) / 3] * 3, 0.0])


def test_averaged_weights_follow_the_network():
    network = build_network('tiny_xception', {'gender': 2})
    average = WeightAverage(network, 0.9)
    with torch.no_grad():
        network.heads['gender'].bias.fill_(1.0)
        average.network.heads['gender'].bias.fill_(0.0)
    average.update(network)
    early = average.network.heads['gender'].bias[0].item()
    assert early == pytest.approx(1 - 2 / 11)
    WeightAverage(network, 0.0).update(network)


def test_two_emotion_heads_become_one_that_says_the_same():
    torch.manual_seed(0)
    network = build_network('compact_resnet', {'emotion': 7, 'emotion_votes': 7}).eval()
    pixels = torch.randn(2, 1, 48, 48)
    both, merged = network(pixels), without_votes_head(network, 0.25)
    assert merged.classes == {'emotion': 7}
    torch.testing.assert_close(
        merged(pixels)['emotion'], 0.75 * both['emotion'] + 0.25 * both['emotion_votes']
    )
    assert without_votes_head(merged, 0.25) is merged


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path)
    values = load_checkpoint(tmp_path / 'best.pt')
    values['config']['architecture'] = 'mini_xception'
    save_checkpoint(tmp_path / 'other.pt', values)
    with pytest.raises(ModelError, match='does not hold weights of the architecture mini_xcep'):
        restore_network(tmp_path / 'other.pt')


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'no checkpoint',
        b'hello world\n',
        b'epoch 1\n',
        b'emotion,pixels,Usage\n0,1 2 3,Training\n',
        b'RIFF\x00\x00',
        b'\x89PNG\r\n',
        b'PK\x03\x04',
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path, content):
    (tmp_path / 'best.pt').write_bytes(content)
    with pytest.raises(ModelError, match=r'^[^\n]* is no readable checkpoint[^\n]*$'):
        load_checkpoint(tmp_path / 'best.pt')


@pytest.mark.parametrize('missing', ['config', 'average'])
def test_a_checkpoint_without_a_part_is_refused(tmp_path, missing):
    save_checkpoint(tmp_path / 'a.pt', {'config': {}, 'average': {}, missing: None})
    with pytest.raises(ModelError, match=f'its {missing} is missing'):
        load_checkpoint(tmp_path / 'a.pt')


def test_a_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(ModelError, match='there is no checkpoint'):
        load_checkpoint(tmp_path / 'best.pt')


def test_a_mean_has_the_mean_of_all_weights_and_whole_numbers_of_the_first(tmp_path):
    paths = [tmp_path / f'{name}.pt' for name in 'abc']
    for number, path in enumerate(paths):
        weights = {'w': torch.full((2,), 3.0 * number), 'steps': torch.tensor(number)}
        save_checkpoint(path, {'config': {}, 'average': weights, 'epoch': number})
    found = mean_checkpoint(paths)
    assert found['average']['w'].tolist() == [3.0, 3.0]
    assert (int(found['average']['steps']), found['epoch']) == (0, 0)
    assert found['mean_of'] == [str(path) for path in paths]
    assert torch.equal(mean_checkpoint(paths[1:2])['average']['w'], torch.full((2,), 3.0))


@pytest.mark.parametrize('other', [{'w': torch.zeros(3)}, {'v': torch.zeros(2)}, {}])
def test_there_is_no_mean_of_other_weights(tmp_path, other):
    save_checkpoint(tmp_path / 'a.pt', {'config': {}, 'average': {'w': torch.zeros(2)}})
    save_checkpoint(tmp_path / 'b.pt', {'config': {}, 'average': other})
    with pytest.raises(ModelError, match=r'b\.pt holds weights of other shapes than .*a\.pt'):
        mean_checkpoint([tmp_path / 'a.pt', tmp_path / 'b.pt'])


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    torch.save({'format': 0}, tmp_path / 'best.pt')
    with pytest.raises(ModelError, match='no checkpoint of this version'):
        load_checkpoint(tmp_path / 'best.pt')


def test_still_augmentation_leaves_crops_as_the_pipeline_cuts_them():

    everyone, geometry = faces(4), CropGeometry(0.1)
    batches = TrainingBatches(
        everyone,
        {'gender': np.ones(4, np.float32)},
        geometry=geometry,
        size_hw=(32, 32),
        batch_size=4,
        augmentation=STILL,
        seed=0,
    )
    batch = next(iter(batches))
    expected = to_input(cut_faces(everyone, geometry, (32, 32), batch.indices))
    torch.testing.assert_close(batch.pixels, expected, rtol=0, atol=1e-5)


def test_mixed_faces_are_blends_and_so_is_what_is_learnt_of_them():
    pixels = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 1, 2, 2)
    targets = {'gender': torch.eye(8), 'emotion': torch.eye(8)}
    weights = {'gender': torch.ones(8), 'emotion': torch.tensor([1.0, 0.0] * 4)}
    batch = Batch(pixels, targets, weights, np.arange(8))
    blend = mixed(batch, 1.0, np.random.default_rng(0))
    other = 1 - blend.targets['gender'].diagonal()
    assert ((other > 0) & (other < 0.5)).all()
    assert len(other.unique()) == 8
    neighbour = blend.targets['gender'].gather(1, (torch.arange(8) - 1).reshape(8, 1) % 8)
    torch.testing.assert_close(neighbour.flatten(), other)
    expected = pixels * (1 - other.reshape(8, 1, 1, 1)) + pixels.roll(1, 0) * other.reshape(
        8, 1, 1, 1
    )
    torch.testing.assert_close(blend.pixels, expected)
    torch.testing.assert_close(blend.weights['gender'], torch.ones(8))
    # Where only one of two has a target, that one is learnt, by as much as it is seen.
    torch.testing.assert_close(blend.targets['emotion'][::2], torch.eye(8)[::2])
    torch.testing.assert_close(blend.targets['emotion'][1::2], torch.eye(8)[::2])
    torch.testing.assert_close(blend.weights['emotion'][::2], 1 - other[::2])
    torch.testing.assert_close(blend.weights['emotion'][1::2], other[1::2])


def test_a_share_of_the_faces_is_mixed():
    count = 400
    batch = Batch(
        torch.zeros(count, 1, 1, 1),
        {'gender': torch.eye(2).repeat(count // 2, 1)},
        {'gender': torch.ones(count)},
        np.arange(count),
    )
    blend = mixed(batch, 0.25, np.random.default_rng(0))
    assert 60 < int((blend.targets['gender'].max(1).values < 1).sum()) < 140


def test_a_head_for_votes_that_weights_lack_begins_as_the_one_for_labels():
    known, network = (
        build_network('tiny_xception', dict.fromkeys(names, 7))
        for names in (['emotion'], ['emotion', 'emotion_votes'])
    )
    begin_with(network, known.state_dict(), 'made by the test')
    for part in ('weight', 'bias'):
        learnt = getattr(known.heads['emotion'], part)
        assert torch.equal(getattr(network.heads['emotion'], part), learnt)
        assert torch.equal(getattr(network.heads['emotion_votes'], part), learnt)


def test_a_run_that_begins_with_weights_keeps_what_it_began_with(tmp_path):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path / 'first')
    path = tmp_path / 'first/best.pt'
    assert not path.with_name('start.pt').exists()
    training.train(replace(CONFIG, epochs=2, start_from=str(path)), splits(), tmp_path / 'second')
    started = load_checkpoint(tmp_path / 'second/start.pt')
    assert started['epoch'] == 0
    assert_same(started['average'], load_checkpoint(path)['average'])
    mean = mean_checkpoint([tmp_path / 'second' / name for name in ('last.pt', 'start.pt')])
    assert mean['classes'] == {'gender': 2}


def test_a_run_goes_on_without_what_it_began_with_and_tells_of_it(tmp_path, monkeypatch):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path / 'first', command='train first')
    path = tmp_path / 'first/best.pt'
    config = replace(CONFIG, epochs=2, start_from=str(path))
    whole = training.end_epoch

    def stopping(state, *args, **options):
        whole(state, *args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, 'end_epoch', stopping)
    with pytest.raises(KeyboardInterrupt):
        training.train(config, splits(), tmp_path / 'second', command='train second')
    monkeypatch.undo()
    path.unlink()
    training.train(config, splits(), tmp_path / 'second', command='train second')
    last = tmp_path / 'second/last.pt'
    assert load_checkpoint(last)['epoch'] == 2
    assert provenance_of(last).commands == ['train first', 'train second']


def test_a_model_that_took_the_place_of_what_it_began_with_is_not_told_of(tmp_path):
    first, again = tmp_path / 'first', tmp_path / 'again'
    training.train(replace(CONFIG, epochs=1), splits(), first, command='train first')
    config = replace(CONFIG, epochs=1, start_from=str(first / 'best.pt'))
    training.train(config, splits(), again, command='train again')
    later = replace(CONFIG, epochs=1, seed=2)
    training.train(later, splits(), tmp_path / 'later', command='train later')
    (tmp_path / 'later/best.pt').replace(first / 'best.pt')
    assert provenance_of(again / 'best.pt').commands == ['train first', 'train again']


@pytest.mark.parametrize('teacher', [' , ', '{path}'])
def test_a_teacher_of_something_else_is_refused(tmp_path, teacher):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path)
    loss = LossConfig(teacher=teacher.format(path=tmp_path / 'best.pt'), distillation=0.5)
    judged = 'gender' if 'path' in teacher else 'nothing'
    with pytest.raises(ConfigurationError, match=f'of emotion; .* judges {judged}'):
        teaching.Teachers(loss, 'cpu', ['emotion'])


def test_a_run_may_begin_with_the_weights_of_another(tmp_path):
    training.train(replace(CONFIG, epochs=1), splits(), tmp_path)
    network = build_network('tiny_xception', {'gender': 2, 'emotion': 7})
    untouched = network.heads['emotion'].bias.clone()
    path = tmp_path / 'best.pt'
    learnt = load_checkpoint(path)['average']
    begin_with(network, learnt, path)
    assert torch.equal(network.heads['gender'].bias, learnt['heads.gender.bias'])
    assert torch.equal(network.heads['emotion'].bias, untouched)
    with pytest.raises(ModelError, match='weights of the architecture mini_xception'):
        begin_with(build_network('mini_xception', {'gender': 2}), learnt, path)
