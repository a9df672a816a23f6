"""What cannot be done ends in one line that says what to do, and in exit code 1."""

from __future__ import annotations

import json

import pytest

pytest.importorskip('torch')
pytest.importorskip('tensorboard')

from rtcnn_perception import cli
from rtcnn_perception.core.labels import LABELS
from small_data import FERPLUS
from small_data import pictures
from small_data import write_emotion_npz
from tiny_model import write_tiny_model

CONFIG = """
name = "small"
architecture = "tiny_xception"
epochs = 1
batch_size = 8
"""


@pytest.fixture
def config(tmp_path):
    """Return a configuration for a handful of pictures."""
    data = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [0] * 22, 20)
    path = tmp_path / 'small.toml'
    path.write_text(f'{CONFIG}[data]\nemotion = "{data.as_posix()}"\n')
    return path


def refusal(capsys, *words):
    """Return the one line with which a command refuses."""
    capsys.readouterr()
    assert cli.main([str(word) for word in words]) == 1
    line = capsys.readouterr().err
    assert line.startswith('rtcnn_perception: ')
    assert line.count('\n') == 1
    return line


def test_a_preview_for_an_architecture_that_is_none_is_refused(tmp_path, config, capsys):
    config.write_text(config.read_text().replace('tiny_xception', 'resnet50'))
    line = refusal(capsys, 'train', config, '--preview', tmp_path / 'a.png')
    assert "no architecture is called 'resnet50'; there are compact_resnet, mini_xception" in line


@pytest.fixture
def model(tmp_path):
    """Return a model that judges emotion and gender, however badly."""
    return write_tiny_model(tmp_path / 'model', LABELS)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--votes', '5'), '--votes must be in [0, 1], got 5'),
        (('--votes', '-0.1'), '--votes must be in [0, 1], got -0.1'),
        (('--votes', 'nan'), '--votes must be in [0, 1], got nan'),
        (('--margin', '9'), '--margin must be in [-0.25, 2], got 9.0'),
    ],
)
def test_an_export_whose_number_is_out_of_range_is_refused(tmp_path, capsys, options, message):
    line = refusal(capsys, 'export', tmp_path / 'best.pt', '--output', tmp_path / 'x', *options)
    assert message in line
    assert not (tmp_path / 'x').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--margin', '9'), '--margin must be in [-0.25, 2], got 9.0'),
        (('--through-pipeline', '-3'), '--through-pipeline must be at least 0, got -3'),
        (('--emotion-votes', 'nowhere.csv'), 'there is no data at nowhere.csv'),
        (('--emotion-votes', __file__), "e.npz: FER+'s votes are read beside fer2013.csv alone"),
    ],
)
def test_a_judgement_that_cannot_be_is_refused(tmp_path, model, capsys, options, message):
    data = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [0] * 22, 20)
    line = refusal(capsys, 'evaluate', model, data, '--output', tmp_path / 'x', *options)
    assert message in line
    assert not (tmp_path / 'x').exists()


def test_a_model_is_judged_by_the_votes_of_the_csv_that_is_named(tmp_path, model, capsys):
    rows = [
        f'3,{" ".join(map(str, picture.ravel()))},{"Training" if index < 20 else "PublicTest"}'
        for index, picture in enumerate(pictures(22))
    ]
    (tmp_path / 'fer2013.csv').write_text('\n'.join(['emotion,pixels,Usage', *rows]))
    votes = '\n'.join([','.join(FERPLUS), *['10' + ',0' * 9] * 22])
    (tmp_path / 'fer2013new.csv').write_text(votes)
    words = ['evaluate', model, tmp_path / 'fer2013.csv', '--quick', '--output', tmp_path / 'x']
    words += ['--emotion-votes', tmp_path / 'fer2013new.csv']
    assert cli.main([str(word) for word in words]) == 0
    assert 'against ferplus majority' in capsys.readouterr().out
    report = json.loads((tmp_path / 'x/report.json').read_text())
    assert f'--emotion-votes {tmp_path / "fer2013new.csv"}' in report['command']
