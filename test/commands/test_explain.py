"""The commands that make a model show what it looks at, and that show it."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip('onnx', reason='onnx is needed to make a model')

from rtcnn_perception.cli import main
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.sources.builtin import PORTRAIT
from rtcnn_perception.resources import PACKAGE
from tiny_model import write_tiny_model

LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}


@pytest.fixture
def models(tmp_path):
    """Return options that name small models, which can show what they look at."""
    options = []
    for name, labels in LABELS.items():
        folder = write_tiny_model(tmp_path / name, {name: labels})
        assert main(['saliency-graph', str(folder)]) == 0
        options += [f'--{name}-model', str(folder)]
    return options


@pytest.fixture
def portrait(tmp_path):
    import importlib.resources  # noqa: PLC0415  used here alone

    content = (importlib.resources.files(PACKAGE) / 'assets' / PORTRAIT).read_bytes()
    path = tmp_path / 'portrait.jpg'
    path.write_bytes(content)
    return path


def explain(*words):
    return main(['explain', '--detector', 'haar', *map(str, words)])


def test_the_graph_is_named_when_it_is_written(tmp_path, capsys):
    folder = write_tiny_model(tmp_path, LABELS)
    assert main(['saliency-graph', str(folder / 'model.onnx')]) == 0
    assert 'saliency.onnx' in capsys.readouterr().out
    assert 'saliency' in json.loads((folder / 'model.json').read_text())


def test_a_model_without_a_card_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / 'model.onnx').write_bytes(b'no model')
    assert main(['saliency-graph', str(tmp_path / 'model.onnx')]) == 1
    assert capsys.readouterr().err.count('\n') == 1
    assert not (tmp_path / 'saliency.onnx').exists()


def test_a_picture_gives_an_overlay_and_a_figure_for_each_face(tmp_path, portrait, models):
    output = tmp_path / 'out'
    assert explain(portrait, *models, '--output', output) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        'portrait_face1.png',
        'portrait_overlay.png',
    ]
    overlay = cv2.imread(str(output / 'portrait_overlay.png'))
    assert overlay.shape == cv2.imread(str(portrait)).shape
    sheet = cv2.imread(str(output / 'portrait_face1.png'))
    assert sheet.shape[1] > 8 * 128  # the crop and seven emotions


def test_the_colours_are_those_asked_for_in_every_figure(tmp_path, portrait, models):
    figures = {}
    for name in ('inferno', 'bone'):
        output = tmp_path / name
        assert explain(portrait, *models, '--output', output, '--color-map', name) == 0
        figures[name] = {path.name: path.read_bytes() for path in output.iterdir()}
    assert figures['inferno'].keys() == figures['bone'].keys()
    assert not set(figures['inferno'].values()) & set(figures['bone'].values())


def test_pictures_of_one_name_are_refused_before_any_work(tmp_path, capsys):
    words = ['a/face.jpg', 'b/face.png', '--output', tmp_path / 'out']
    assert explain(*words, '--emotion-model', 'nowhere') == 1
    error = capsys.readouterr().err
    assert 'a/face.jpg and b/face.png' in error
    assert '--output' in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_one_picture_may_be_named_twice(tmp_path, portrait, models):
    output = tmp_path / 'out'
    assert explain(portrait, portrait, *models, '--output', output) == 0
    assert len(list(output.iterdir())) == 2


def test_the_sanity_check_adds_a_figure_for_each_attribute(tmp_path, portrait, models):
    output = tmp_path / 'out'
    assert explain(portrait, *models, '--output', output, '--sanity', '--task', 'gender') == 0
    assert (output / 'portrait_face1_sanity_gender.png').is_file()
    assert not (output / 'portrait_face1_sanity_emotion.png').exists()


def test_a_picture_without_a_face_is_refused(tmp_path, models, capsys):
    path = tmp_path / 'empty.png'
    cv2.imwrite(str(path), np.zeros((90, 90, 3), np.uint8))
    assert explain(path, *models, '--output', tmp_path / 'out') == 1
    assert 'empty.png: expected a face' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], 'name a picture'),
        (['nowhere.png'], 'nowhere.png'),
        (['x.png', '--limit', '0'], '--limit'),
        (['x.png', '--emotion-model', 'nowhere'], 'nowhere'),
    ],
)
def test_what_cannot_be_explained_is_refused_in_one_line(tmp_path, models, capsys, words, message):
    assert explain(*models, *words, '--output', tmp_path / 'out') == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_a_target_outside_the_classes_is_refused_and_nothing_is_written(
    tmp_path, portrait, models, capsys
):
    output = tmp_path / 'out'
    assert explain(portrait, *models, '--target', 'hungry', '--output', output) == 1
    assert "got 'hungry'" in capsys.readouterr().err
    assert list(output.iterdir()) == []
    assert explain(portrait, *models, '--target', 'fear', '--output', output) == 0


def test_a_model_without_the_graph_is_refused_with_what_to_do(tmp_path, portrait, capsys):
    folder = write_tiny_model(tmp_path / 'plain', LABELS)
    assert explain(portrait, '--emotion-model', folder, '--task', 'emotion') == 1
    assert 'saliency-graph' in capsys.readouterr().err


def test_data_gives_the_mean_map_of_each_class(tmp_path, models):
    pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
    random = np.random.default_rng(0)
    for part in ('train', 'val', 'test'):
        for label in GENDER_LABELS:
            folder = tmp_path / 'data' / part / label
            folder.mkdir(parents=True)
            for number in range(3):
                picture = random.integers(0, 256, (32, 32)).astype(np.uint8)
                cv2.imwrite(str(folder / f'{number}.png'), picture)
    output = tmp_path / 'out'
    words = ['--average', tmp_path / 'data', '--task', 'gender', '--output', output]
    assert explain(*models, *words) == 0
    assert [path.name for path in output.iterdir()] == ['mean_gender.png']


def test_export_writes_the_graph_too_and_renews_one_that_lies_there(tmp_path, monkeypatch, capsys):
    pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
    seeds = iter(range(10))

    def export_run(_checkpoint, folder, **_options):
        return write_tiny_model(folder, LABELS, seed=next(seeds)) / 'model.onnx'

    monkeypatch.setattr('rtcnn_perception.training.export_run.export_run', export_run)
    from rtcnn_perception.training.checkpoints import save_checkpoint  # noqa: PLC0415  an extra

    whole = {'config': {'architecture': 'tiny_xception'}, 'average': {}}
    save_checkpoint(tmp_path / 'best.pt', whole)
    words = ['export', str(tmp_path / 'best.pt'), '--output', str(tmp_path / 'model')]
    assert main(words) == 0
    assert not (tmp_path / 'model' / 'saliency.onnx').exists()
    for options in (['--saliency'], []):
        assert main([*words, *options]) == 0
        assert 'saliency.onnx' in capsys.readouterr().out
        SaliencyModel.load(tmp_path / 'model')
