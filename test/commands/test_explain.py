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

import importlib.resources

import cv2
import numpy as np
from own_detector import ROW
from own_detector import write_level
import pytest
from rtcnn_perception.cli import EXIT_INCOMPLETE
from rtcnn_perception.cli import main
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.sources.builtin import PORTRAIT
from rtcnn_perception.resources import PACKAGE
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}
BANDS = ('0-19', '20-59', '60+')


def write_saliency_model(folder, heads):
    """Write a small model with its saliency graph, and return its folder."""
    write_tiny_model(folder, heads)
    assert main(['saliency-graph', str(folder)]) == 0
    return folder


@pytest.fixture
def models(tmp_path):
    """Return options that name a small model for each default attribute."""
    options = []
    for name, labels in LABELS.items():
        folder = write_saliency_model(tmp_path / name, {name: labels})
        options += ['--model', f'{name}={folder}']
    return options


@pytest.fixture
def portrait(tmp_path):
    content = (importlib.resources.files(PACKAGE) / 'assets' / PORTRAIT).read_bytes()
    path = tmp_path / 'portrait.jpg'
    path.write_bytes(content)
    return path


def explain(*words):
    detector = [] if '--average' in words else ['--detector', 'haar']
    return main(['explain', *detector, *map(str, words)])


def only(models, *names):
    """Return the options of the models of these attributes."""
    return [
        word for word in models if word.partition('=')[0] in names for word in ('--model', word)
    ]


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


def test_an_attribute_that_no_default_names_is_explained_by_its_model(tmp_path, portrait):
    folder = write_saliency_model(tmp_path / 'model', {'age': BANDS})
    words = ['--attributes', 'age', '--model', f'age={folder}', '--target', '60+']
    output = tmp_path / 'out'
    assert explain(portrait, *words, '--output', output) == 0
    sheet = cv2.imread(str(output / 'portrait_face1.png'))
    assert 4 * 128 < sheet.shape[1] < 5 * 160  # the crop and three bands


def test_the_overlay_shows_the_first_attribute(tmp_path, portrait, models):
    overlays = {}
    for names in ('emotion', 'emotion,gender', 'gender,emotion'):
        output = tmp_path / names
        named = only(models, *names.split(','))
        assert explain(portrait, *named, '--attributes', names, '--output', output) == 0
        overlays[names] = (output / 'portrait_overlay.png').read_bytes()
    assert overlays['emotion,gender'] == overlays['emotion'] != overlays['gender,emotion']


def test_the_colour_map_is_that_of_every_figure(tmp_path, portrait, models):
    figures = {}
    for name in ('inferno', 'bone'):
        output = tmp_path / name
        assert explain(portrait, *models, '--output', output, '--color-map', name) == 0
        figures[name] = {path.name: path.read_bytes() for path in output.iterdir()}
    assert figures['inferno'].keys() == figures['bone'].keys()
    assert not set(figures['inferno'].values()) & set(figures['bone'].values())


def test_pictures_of_one_name_are_refused_before_any_work(tmp_path, capsys):
    words = ['a/face.jpg', 'b/face.png', '--output', tmp_path / 'out']
    assert explain(*words, '--model', 'emotion=nowhere') == 1
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
    words = ['--output', output, '--sanity', '--attributes', 'gender']
    assert explain(portrait, *only(models, 'gender'), *words) == 0
    assert (output / 'portrait_face1_sanity_gender.png').is_file()
    assert not (output / 'portrait_face1_sanity_emotion.png').exists()


def test_a_picture_without_a_face_is_refused_naming_the_detector(tmp_path, models, capsys):
    path = tmp_path / 'empty.png'
    cv2.imwrite(str(path), np.zeros((90, 90, 3), np.uint8))
    assert explain(path, *models, '--output', tmp_path / 'out') == 1
    error = capsys.readouterr().err
    assert 'empty.png: expected a face, got a picture in which haar finds none' in error


def test_a_detector_that_is_not_part_of_the_package_runs_by_its_row(
    tmp_path, models, monkeypatch, capsys
):
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)
    path, output = tmp_path / 'bright.png', tmp_path / 'out'
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[30:80, 50:90] = 255
    cv2.imwrite(str(path), picture)
    model = write_level(tmp_path / 'model.level')
    words = ['explain', '--detector', f'bright={model}', str(path), *models, '--output']
    assert main([*words, str(output)]) == 0, capsys.readouterr().err
    assert (output / 'bright_face1.png').is_file()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([], 'name a picture'),
        (['nowhere.png'], 'nowhere.png'),
        (['--average', 'x.npz', '--limit', '0'], '--limit must be 1 or more'),
        (['x.png', '--model', 'emotion=nowhere'], 'nowhere'),
        (['x.png', '--attributes', ' ,'], '--attributes must name at least one attribute'),
        (['x.png', '--attributes', 'height'], 'expected a model that classifies height'),
        (['x.png', '--part', 'val'], '--part is for --average'),
        (['x.png', '--limit', '5'], '--limit is for --average'),
        (['--average', 'x.npz', '--target', 'happy'], '--target is for pictures'),
        (['--average', 'x.npz', '--detector', 'haar'], '--detector is for pictures'),
        (['--average', 'x.npz', '--sanity'], '--sanity is for pictures'),
        (['x.png', '--model', 'age=nowhere'], '--model age=... is of an attribute that is not'),
        (['x.png', '--detector', 'eyes'], 'expected a detector among auto, rtcnn, yunet, haar'),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_in_one_line(
    tmp_path, models, capsys, words, message
):
    named = [] if '--attributes' in words else models
    assert explain(*named, *words, '--output', tmp_path / 'out') == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


@pytest.mark.parametrize('text', ['emotion', 'emotion=', '=models/attributes'])
def test_a_model_without_its_attribute_is_wrong_usage(text, capsys):
    with pytest.raises(SystemExit) as stop:
        explain('x.png', '--model', text)
    assert stop.value.code == 2
    assert f"'{text}'" in capsys.readouterr().err


def test_a_model_of_another_attribute_is_refused(tmp_path, portrait, capsys):
    folder = write_saliency_model(tmp_path / 'model', {'age': BANDS})
    words = ['--attributes', 'emotion', '--model', f'emotion={folder}']
    assert explain(portrait, *words, '--output', tmp_path / 'out') == 1
    assert 'expected a model that classifies emotion, got one' in capsys.readouterr().err


def test_an_unknown_target_is_refused_and_nothing_is_written(tmp_path, portrait, models, capsys):
    output = tmp_path / 'out'
    assert explain(portrait, *models, '--target', 'hungry', '--output', output) == 1
    assert "got 'hungry'" in capsys.readouterr().err
    assert list(output.iterdir()) == []
    assert explain(portrait, *models, '--target', 'fear', '--output', output) == 0


def test_a_model_without_a_saliency_graph_is_refused_with_what_to_do(tmp_path, portrait, capsys):
    folder = write_tiny_model(tmp_path / 'plain', LABELS)
    words = ['--model', f'emotion={folder}', '--attributes', 'emotion']
    assert explain(portrait, *words) == 1
    assert 'saliency-graph' in capsys.readouterr().err


def test_labelled_data_gives_the_mean_map_of_each_class(tmp_path, models, capsys):
    pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
    random = np.random.default_rng(0)
    for part in ('train', 'val', 'test'):
        for label in GENDERS:
            folder = tmp_path / 'data' / part / label
            folder.mkdir(parents=True)
            for number in range(3):
                picture = random.integers(0, 256, (32, 32)).astype(np.uint8)
                cv2.imwrite(str(folder / f'{number}.png'), picture)
    output = tmp_path / 'out'
    words = ['--average', tmp_path / 'data', '--attributes', 'gender', '--output', output]
    assert explain(*only(models, 'gender'), *words) == 0
    assert [path.name for path in output.iterdir()] == ['mean_gender.png']
    words = ['--average', tmp_path / 'data', '--attributes', 'gender,emotion', '--output', output]
    assert explain(*models, *words) == EXIT_INCOMPLETE
    assert 'data has no labels of emotion in its part test' in capsys.readouterr().err


def test_a_picture_that_a_figure_would_overwrite_is_refused(tmp_path, portrait, models, capsys):
    other = tmp_path / 'portrait_overlay.png'
    other.write_bytes(portrait.read_bytes())
    assert explain(portrait, other, *models, '--output', tmp_path) == 1
    assert 'would be written to what is read' in capsys.readouterr().err
    assert other.read_bytes() == portrait.read_bytes()


def test_pictures_that_cannot_be_explained_do_not_keep_the_others_from_it(
    tmp_path, portrait, models, capsys
):
    (tmp_path / 'broken.png').write_bytes(b'broken')
    cv2.imwrite(str(tmp_path / 'empty.png'), np.zeros((96, 96, 3), np.uint8))
    output = tmp_path / 'out'
    (tmp_path / 'lab').mkdir()
    words = [tmp_path / 'broken.png', tmp_path / 'lab', tmp_path / 'empty.png', portrait]
    assert explain(*words, *models, '--output', output) == EXIT_INCOMPLETE
    assert (output / 'portrait_overlay.png').is_file()
    err = capsys.readouterr().err
    assert 'broken.png can be decoded' in err
    assert 'empty.png: expected a face' in err
    assert 'lab is a folder' in err


def test_a_folder_is_refused_with_how_its_pictures_are_named(tmp_path, models, capsys):
    assert explain(tmp_path, *models, '--output', tmp_path / 'out') == 1
    assert f'name its pictures, such as {tmp_path}/*' in capsys.readouterr().err
