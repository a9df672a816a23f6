"""A detector learns drawn faces in seconds, and finds them through the model that is exported."""

from __future__ import annotations

import argparse
from dataclasses import replace
import hashlib
import json
import math

import cv2
import numpy as np
import onnx
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('tensorboard')

from drawn_faces import TINY
from drawn_faces import write_photographs
from rtcnn_perception.commands import export
from rtcnn_perception.commands import train
from rtcnn_perception.core.detection.card import DetectorCard
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.geometry.boxes import iou_matrix
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.loop import DivergenceError
from rtcnn_perception.training.models import onnx_export as onnx_graph
from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.tasks.detector import export as export_detector
from rtcnn_perception.training.tasks.detector import train as training
from rtcnn_perception.training.tasks.detector.calibration import build_in
from rtcnn_perception.training.tasks.detector.calibration import calibration_of
from rtcnn_perception.training.tasks.detector.calibration import fit_calibration
from rtcnn_perception.training.tasks.detector.calibration import ScoreCalibration
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.export import detector_to_onnx
from rtcnn_perception.training.tasks.detector.export import WIDTH
from rtcnn_perception.training.tasks.detector.figures import width_figures
from rtcnn_perception.training.tasks.detector.loss import cells_of
from rtcnn_perception.training.tasks.detector.loss import detector_loss
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from rtcnn_perception.training.tasks.detector.predictions import mark_faces
from rtcnn_perception.training.tasks.detector.predictions import Marks
from rtcnn_perception.training.tasks.detector.scenes.batches import SceneBatches
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.preview import GREEN
from rtcnn_perception.training.tasks.detector.train import train_detector

CONFIG = """# For a test.
name = "drawn"
detector = "tiny"
photographs = "{data}"
test = "{data}"
epochs = 3
steps = 110
batch_size = 8
learning_rate = 1e-2
average = 0.9
[scenes]
sizes = [96]
least_face = 20.0
most_face = 44.0
rotation = 5.0
noise_share = 0.0
jpeg_share = 0.0
gray_share = 0.0
"""
PARTS = {'train': [*[1, 2] * 8, 0, 0], 'val': [1, 2, 1, 2, 0]}


def run(command, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.execute(parser.parse_args([str(argument) for argument in arguments]))


def write_config(folder, *changes, parts=PARTS):
    """Write photographs and the configuration of a training; ``changes`` are lines on top."""
    data = write_photographs(folder / 'photographs', parts, side=WIDTH)
    text = CONFIG.format(data=data.as_posix())
    for line in changes:
        key = line.split(' = ', maxsplit=1)[0]
        text = '\n'.join(line if old.startswith(f'{key} =') else old for old in text.split('\n'))
    (folder / 'drawn.toml').write_text(text)
    return folder / 'drawn.toml'


@pytest.fixture(autouse=True)
def _with_tiny(monkeypatch):
    monkeypatch.setitem(DETECTOR_ARCHITECTURES, 'tiny', TINY)


@pytest.fixture(scope='module')
def learnt(tmp_path_factory):
    """Return the folder of a detector that was trained and exported by the commands."""
    folder = tmp_path_factory.mktemp('learnt')
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DETECTOR_ARCHITECTURES, 'tiny', TINY)
        assert run(train, write_config(folder), '--output', folder / 'run') == 0
        assert run(export, folder / 'run/last.pt', '--output', folder / 'model') == 0
    return folder


@pytest.fixture
def data(tmp_path):
    return read_photographs(write_photographs(tmp_path / 'photographs', PARTS))


def small(**changes):
    """Return a training of a moment."""
    values = {
        'name': 'small',
        'detector': 'tiny',
        'photographs': 'made by the test',
        'scenes': SceneConfig(sizes=(64, 96)),
        'epochs': 3,
        'steps': 2,
        'batch_size': 2,
        'average': 0.5,
    }
    return DetectorTrainConfig(**{**values, **changes})


def weights_of(path):
    return load_checkpoint(path)['network']


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        torch.testing.assert_close(values, second[name], rtol=0, atol=0, msg=name)


def lively():
    """Return a network whose statistics are not those of a fresh one."""
    torch.manual_seed(0)
    network = FaceNetwork('tiny', TINY)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def test_one_batch_is_learnt_by_heart(data):
    torch.manual_seed(0)
    maker = SceneMaker([p for p in data if p.split == 'train'], SceneConfig(sizes=(96,)))
    ((batch,),) = SceneBatches(maker, steps=1, batch_size=6, parts=1, seed=0)
    network = FaceNetwork('tiny', TINY)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(120):
        loss = detector_loss(network(batch.pixels), batch.faces, (96, 96), DetectorLossConfig())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert batch.faces.weights.any()
    assert losses[-1] < 0.15 * losses[0]


def test_a_learnt_face_is_found_in_new_pictures_through_the_exported_model(learnt, tmp_path):
    """Not all of them, after seconds; one that learnt nothing would find none."""
    write_photographs(tmp_path / 'new', {'test': [0, 0, *[1, 2] * 10]}, side=WIDTH, seed=99)
    photographs = read_photographs(tmp_path / 'new')
    marks = list(mark_faces(RtcnnDetector.load(learnt / 'model'), photographs, WIDTH))
    found = width_figures(photographs, marks, width=WIDTH, min_iou=0.5, threshold=0.6)
    assert found.sizes[0].faces == 30
    assert found.sizes[0].recall > 0.6
    assert found.sizes[0].precision > 0.6
    assert found.agreement.landmark_error < 0.12  # of the height of a face


def test_the_card_tells_what_was_made(learnt):
    spec = DetectorCard.load(learnt / 'model')
    card = json.loads((learnt / 'model/model.json').read_text())
    assert (spec.name, spec.strides, spec.multiple) == ('drawn', (8, 16, 32), 32)
    assert card['sha256'] == hashlib.sha256((learnt / 'model/model.onnx').read_bytes()).hexdigest()
    assert (card['architecture'], card['parameters']) == ('tiny', 4693)
    assert card['weights'].startswith('float16')
    assert card['largest_deviation_from_pytorch'] <= 1e-4
    assert card['largest_deviation_with_float16'].keys() == {'score', 'box', 'landmarks'}
    assert card['metrics'].keys() == {
        'held_out_average_precision_20_at_320',
        'held_out_average_precision_40_at_320',
        'average_precision_20_at_320',
        'average_precision_40_at_320',
        'average_precision_20_at_416',
        'average_precision_40_at_416',
    }
    assert card['data'] == [{'name': 'photographs', 'terms': "the owner's"}]
    assert card['command'] == (
        f'rtcnn_perception train {learnt}/drawn.toml --output {learnt}/run && '
        f'rtcnn_perception export {learnt}/run/last.pt --output {learnt}/model'
    )
    page = (learnt / 'model/README.md').read_text()
    for expected in ('# drawn', '4,693', card['sha256'], card['command']):
        assert expected in page
    assert 'detection/train' not in page
    assert 'teacher' not in page


def test_a_run_leaves_checkpoints_history_and_a_log(learnt):
    history = json.loads((learnt / 'run/history.json').read_text())
    assert [record['epoch'] for record in history] == [1, 2, 3]
    best = max(history, key=lambda record: record['average_precision_20'])
    assert load_checkpoint(learnt / 'run/best.pt')['epoch'] == best['epoch']
    assert load_checkpoint(learnt / 'run/last.pt')['epoch'] == 3
    assert list((learnt / 'run').glob('events.out.tfevents.*'))


def restored(path):
    """Return the averaged network of a checkpoint, and all that is in it."""
    values = load_checkpoint(path)
    network = FaceNetwork('tiny', TINY).eval()
    network.load_state_dict(values['average'])
    return network, values


@torch.inference_mode()
def test_the_training_sees_the_faces_that_the_pipeline_finds(learnt):
    """What an epoch is chosen by is measured in PyTorch, not through an export."""
    network, _ = restored(learnt / 'run/last.pt')
    card = json.loads((learnt / 'model/model.json').read_text())
    detector = RtcnnDetector.load(learnt / 'model', width=WIDTH, min_score=0.4)
    found = 0
    for photograph in read_photographs(learnt / 'photographs'):
        theirs = Marks.of(detector.detect(photograph.read()))
        ours = training.mark(network, photograph)
        same = iou_matrix(theirs.boxes, ours.boxes).argmax(1)  # near scores may change places
        heights = (ours.boxes[:, 3] - ours.boxes[:, 1])[same] * WIDTH / photograph.width
        scores = [
            calibrated(score, height, **card['score_calibration'])
            for score, height in zip(ours.scores[same], heights, strict=True)
        ]
        np.testing.assert_allclose(theirs.scores, scores, atol=0.01)  # weights are rounded
        np.testing.assert_allclose(theirs.boxes, ours.boxes[same], atol=0.5)
        np.testing.assert_allclose(theirs.landmarks, ours.landmarks[same], atol=0.5)
        found += len(same)
    assert found >= 10


def test_an_epoch_is_judged_on_the_val_part(learnt):
    network, values = restored(learnt / 'run/last.pt')
    photographs = read_photographs(learnt / 'photographs')
    figures = training.judge(network, [p for p in photographs if p.split == 'val'])
    assert figures['average_precision_20'] > 0.5
    assert values['history'][-1].items() >= figures.items()


def test_the_averaged_weights_are_judged(tmp_path, monkeypatch, data):
    judge, judged = training.judge, []

    def told(network, photographs):
        judged.append({name: value.clone() for name, value in network.state_dict().items()})
        return judge(network, photographs)

    monkeypatch.setattr(training, 'judge', told)
    train_detector(small(epochs=1), data, tmp_path)
    kept = load_checkpoint(tmp_path / 'last.pt')
    assert_same(kept['average'], judged[0])
    assert not torch.equal(kept['network']['outputs.0.weight'], judged[0]['outputs.0.weight'])


def calibrated(score, height, slope, offset, growth):
    logit = math.log(score / (1 - score)) * slope + offset + growth * math.log(height / 32)
    return 1 / (1 + math.exp(-logit))


def test_a_calibrated_score_says_how_many_marks_are_faces():
    rng = np.random.default_rng(0)
    scores, heights = rng.uniform(0.02, 0.98, 20_000), rng.uniform(8, 200, 20_000)
    likely = [calibrated(*each, 3.0, -0.5, 0.6) for each in zip(scores, heights, strict=True)]
    found = fit_calibration(scores, heights, rng.random(20_000) < likely)
    assert found == pytest.approx((3.0, -0.5, 0.6), abs=0.15)


def test_a_calibration_that_is_built_in_can_be_taken_back():
    network, pixels = lively(), torch.rand(1, 3, 64, 96) * 2 - 1
    calibration = ScoreCalibration(2.5, -0.4, 0.7)
    with torch.inference_mode():
        before = network(pixels)
        build_in(calibration, network)
        within = network(pixels)
        build_in(calibration.inverse, network)
        after = network(pixels)
    assert (within.score - before.score).abs().max() > 0.5
    torch.testing.assert_close(within.box, before.box)
    torch.testing.assert_close(after.score, before.score, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    'told', [{}, {'slope': 0.0, 'offset': 0.0, 'growth': 0.0}, {'slope': 1.0, 'offset': 0.0}]
)
def test_a_card_without_its_calibration_is_refused(tmp_path, told):
    card = JsonFields(tmp_path / 'model.json', {'score_calibration': told}, 'export it anew')
    with pytest.raises(ModelError, match=r'model\.json: score_calibration\.\w+ .*export it anew'):
        calibration_of(card)


def test_a_fit_has_an_end_where_a_threshold_parts_all_faces_from_all_others():
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])
    found = fit_calibration(scores, np.tile([20.0, 50.0], 3), scores > 0.5)
    assert 0.6 < calibrated(0.7, 32, *found) < 0.9
    assert 0.1 < calibrated(0.3, 32, *found) < 0.4


def test_scores_of_0_and_1_can_be_fitted_too():
    hits = np.array([True, True, False, False])
    found = fit_calibration(hits.astype(float), np.array([20.0, 40.0, 20.0, 40.0]), hits)
    assert found.slope > 0
    assert all(map(math.isfinite, found))


@pytest.mark.parametrize(
    ('scores', 'hits'),
    [
        ([], []),
        ([0.5, 0.6], [True, True]),
        ([0.5, 0.6], [False, False]),
        ([0.9, 0.8, 0.2, 0.1], [False, False, True, True]),
    ],
)
def test_scores_that_say_nothing_are_left_as_they_are(scores, hits):
    heights = np.linspace(20, 40, len(scores))
    assert fit_calibration(np.array(scores), heights, np.array(hits, bool)) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize('workers', [1, 2])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch, data, workers):
    whole = train_detector(small(), data, tmp_path / 'whole', workers)
    take_steps, done = training.take_steps, []

    def interrupted(*args, **kwargs):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(take_steps(*args, **kwargs))
        return done[-1]

    monkeypatch.setattr(training, 'take_steps', interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_detector(small(), data, tmp_path / 'parts', workers)
    monkeypatch.setattr(training, 'take_steps', take_steps)
    parts = train_detector(small(), data, tmp_path / 'parts', workers)
    assert_same(weights_of(tmp_path / 'whole/last.pt'), weights_of(tmp_path / 'parts/last.pt'))
    assert {**whole, 'seconds': 0} == {**parts, 'seconds': 0}


def test_a_finished_run_is_not_trained_further(tmp_path, data):
    first = train_detector(small(epochs=1), data, tmp_path / 'run')
    before = weights_of(tmp_path / 'run/last.pt')
    assert train_detector(small(epochs=1), data, tmp_path / 'run') == first
    assert_same(before, weights_of(tmp_path / 'run/last.pt'))


def test_a_folder_of_another_run_is_refused(tmp_path, data):
    train_detector(small(epochs=1), data, tmp_path / 'run')
    changed = small(epochs=1, seed=2, scenes=SceneConfig(sizes=(32,)))
    with pytest.raises(ModelError, match='other values of scenes, seed'):
        train_detector(changed, data, tmp_path / 'run')


def test_a_run_may_begin_with_the_weights_of_another(tmp_path, data):
    train_detector(small(epochs=1), data, tmp_path / 'first')
    path = tmp_path / 'first/best.pt'
    still = small(epochs=1, steps=1, learning_rate=1e-12, start_from=str(path))
    train_detector(still, data, tmp_path / 'second')
    learnt, kept = load_checkpoint(path)['average'], weights_of(tmp_path / 'second/last.pt')
    torch.testing.assert_close(kept['outputs.0.weight'], learnt['outputs.0.weight'])
    with pytest.raises(ModelError, match='weights of the architecture face_cells'):
        train_detector(replace(still, detector='face_cells'), data, tmp_path / 'third')


def test_a_run_may_begin_with_an_exported_model(tmp_path, data, learnt):
    still = small(epochs=1, steps=1, learning_rate=1e-12, start_from=str(learnt / 'model'))
    best = train_detector(still, data, tmp_path / 'run')
    assert best['average_precision_20'] > 0.8
    with pytest.raises(ModelError, match='weights of the architecture face_cells'):
        train_detector(replace(still, detector='face_cells'), data, tmp_path / 'other')


def test_a_batch_smaller_than_the_workers_is_learnt(tmp_path, data):
    best = train_detector(small(epochs=1, batch_size=1), data, tmp_path / 'run', workers=2)
    assert best['epoch'] == 1


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(
    tmp_path, monkeypatch, data
):
    whole, calls = training.detector_loss, []

    def broken(*args):
        calls.append(1)
        return whole(*args) * (float('nan') if len(calls) == 4 else 1.0)

    monkeypatch.setattr(training, 'detector_loss', broken)
    with pytest.raises(DivergenceError, match='loss of batch 2 of epoch 2 is nan'):
        train_detector(small(), data, tmp_path / 'run')
    assert load_checkpoint(tmp_path / 'run/last.pt')['epoch'] == 1


@pytest.mark.parametrize(
    ('parts', 'message'),
    [
        ({'train': [1]}, 'no face in the val part'),
        ({'train': [1], 'val': [0]}, 'no face in the val part'),
        ({'val': [1]}, 'no face in the photographs to learn from'),
        ({'train': [0], 'val': [1]}, 'no face in the photographs to learn from'),
    ],
)
def test_a_part_without_a_face_is_refused(tmp_path, parts, message):
    photographs = read_photographs(write_photographs(tmp_path / 'photographs', parts))
    with pytest.raises(ConfigurationError, match=message):
        train_detector(small(), photographs, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('half', [False, True])
def test_an_exported_graph_agrees_with_pytorch(half):
    content, told = detector_to_onnx(lively(), ScoreCalibration(2.0, 0.7, 0.4), half)
    assert told['largest_deviation_from_pytorch'] <= 1e-4
    model = onnx.load_from_string(content)
    assert not {node.op_type for node in model.graph.node} & {'BatchNormalization', 'Pad'}
    dims = [
        [d.dim_value or d.dim_param for d in each.type.tensor_type.shape.dim]
        for each in (*model.graph.input, *model.graph.output)
    ]
    assert dims == [[1, 'height', 'width', 3], [1, 'cells'], [1, 'cells', 4], [1, 'cells', 10]]


def test_a_fault_of_folding_is_found(monkeypatch):
    def wrongly(network):
        network = folded(network)
        with torch.no_grad():
            network.outputs[2].bias[5] += 0.01
        return network

    monkeypatch.setattr(export_detector, 'folded', wrongly)
    with pytest.raises(ModelError, match='deviates from PyTorch by'):
        detector_to_onnx(lively(), ScoreCalibration(), half=True)


def test_a_calibration_moves_the_score_alone():
    network, image = lively(), np.full((1, 32, 64, 3), 90, np.uint8)
    plain, moved = (
        onnx_graph.open_session(detector_to_onnx(network, calibration, half=False)[0]).run(
            None, {'image': image}
        )
        for calibration in (ScoreCalibration(), ScoreCalibration(2.0, 1.5, 0.5))
    )
    heights = np.exp(plain[1][0, :, 3]) * cells_of((32, 64))[1][:, 0].numpy()
    expected = [
        calibrated(float(score), height, 2.0, 1.5, 0.5)
        for score, height in zip(plain[0][0], heights, strict=True)
    ]
    np.testing.assert_allclose(moved[0][0], expected, atol=1e-5)
    np.testing.assert_allclose(moved[1], plain[1], atol=1e-5)
    np.testing.assert_allclose(moved[2], plain[2], atol=1e-5)


def test_an_export_that_deviates_writes_nothing(learnt, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, 'TOLERANCE', -1.0)
    with pytest.raises(ModelError, match=r'deviates from PyTorch by .* nothing was written'):
        run(export, learnt / 'run/last.pt', '--output', tmp_path / 'model')
    assert not (tmp_path / 'model').exists()


def test_weights_that_are_no_numbers_are_not_exported():
    network = lively()
    with torch.no_grad():
        network.outputs[1].bias[7] = float('nan')
    with pytest.raises(ModelError, match='deviates from PyTorch by nan'):
        detector_to_onnx(network, ScoreCalibration(), half=False)


def test_a_checkpoint_of_another_architecture_is_refused(learnt, tmp_path):
    values = load_checkpoint(learnt / 'run/last.pt')
    values['config']['detector'] = 'face_cells'
    save_checkpoint(tmp_path / 'other.pt', values)
    with pytest.raises(ModelError, match='weights of the architecture face_cells'):
        run(export, tmp_path / 'other.pt', '--output', tmp_path / 'model')


@pytest.mark.parametrize(
    'option', [['--votes', 0.5], ['--votes', 0], ['--margin', 0], ['--saliency']]
)
def test_options_of_models_that_judge_faces_are_refused(learnt, tmp_path, option):
    with pytest.raises(ConfigurationError, match=f'{option[0]} is for models that judge faces'):
        run(export, learnt / 'run/last.pt', '--output', tmp_path / 'model', *option)
    assert not (tmp_path / 'model').exists()


def test_a_name_and_whole_weights_are_written_where_asked(learnt, tmp_path):
    run(export, learnt / 'run/last.pt', '--output', tmp_path, '--name', 'mine', '--float32')
    card = json.loads((tmp_path / 'model.json').read_text())
    assert (card['name'], card['weights']) == ('mine', 'float32')
    whole, half = (
        {each.data_type for each in onnx.load(folder / 'model.onnx').graph.initializer}
        for folder in (tmp_path, learnt / 'model')
    )
    assert half - whole == {onnx.TensorProto.FLOAT16}


def test_a_preview_shows_scenes_and_trains_nothing(tmp_path, capsys):
    sheet = tmp_path / 'sheet.png'
    config = write_config(tmp_path)
    assert run(train, config, '--preview', sheet, '--output', tmp_path / 'run') == 0
    assert 'train 18 photographs with 24 faces' in capsys.readouterr().out
    picture = cv2.imread(str(sheet))
    assert picture.shape == (4 * 96, 6 * 96, 3)
    assert (picture == GREEN).all(2).sum() > 500
    assert not (tmp_path / 'run').exists()


def test_a_preview_without_faces_is_refused(tmp_path):
    config = write_config(tmp_path, parts={'train': [0], 'val': [1]})
    with pytest.raises(ConfigurationError, match='no face in the photographs'):
        run(train, config, '--preview', tmp_path / 'sheet.png')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('epochs = 0', 'epochs must be at least 1, got 0'),
        ('steps = 0', 'steps must be at least 1'),
        ('batch_size = 1.5', 'batch_size must be int'),
        ('average = 1.0', r'average must be in \[0, 1\)'),
        ('detector = "retina"', "no detector architecture is called 'retina'"),
        ('photographs = "nowhere"', 'there is no data at'),
        ('sizes = [100]', r'drawn\.toml\.scenes: sizes must be multiples of 32'),
        ('sizes = 96', 'sizes must be a list'),
        ('rotation = "much"', 'rotation must be float'),
        ('noise_share = 2.0', r'noise_share must be in \[0, 1\]'),
        ('noise_share = 0.0\nfaces_share = 0.2', "both or neither, got '' and 0.2"),
        ('name = "drawn"\nfaces = "g.npz"', "both or neither, got 'g.npz' and 0.0"),
        ('jpeg_share = 0.0\njpegs = 1', "unknown key 'jpegs'"),
        ('name = "drawn"\npatience = 3', "unknown key 'patience'"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path, line, message):
    config = write_config(tmp_path, line)
    with pytest.raises(PerceptionError, match=message):
        run(train, config, '--output', tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_a_configuration_survives_its_checkpoint():
    config = small(loss=DetectorLossConfig(box=3.0), test='elsewhere')
    assert from_mapping(DetectorTrainConfig, config.as_dict(), 'again') == config
