from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.augmentation import Augmentation
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.augmentation import gaussian_blur
from rtcnn_perception.training.data.augmentation import reduce_resolution
from rtcnn_perception.training.data.batches import jittered
from rtcnn_perception.training.engine import config as configs
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from rtcnn_perception.training.tasks.detector.scenes.config import SceneConfig

SHIPPED = sorted(configs.SHIPPED.glob('*.toml'))
TRIALS = sorted((Path(__file__).parents[2] / 'experiments').glob('*.toml'))
BASE = 'name = "a"\narchitecture = "mini_xception"\n'
WITH_DATA = f'{BASE}[data]\nemotion = "x"\n'


@pytest.mark.parametrize('path', [*SHIPPED, *TRIALS], ids=lambda path: path.stem)
def test_a_configuration_that_ships_is_valid_and_says_why(path):
    values = configs.read_toml(path)
    if DetectorTrainConfig.describes(values):
        config = configs.from_mapping(DetectorTrainConfig, values, path.name)
        assert config.detector in DETECTOR_ARCHITECTURES
    else:
        config = configs.load_config(path)
        assert config.architecture in ARCHITECTURES
    assert config.name == path.stem
    assert path.read_text().startswith('# ')


def test_a_configuration_that_ships_is_found_by_its_name():
    assert SHIPPED
    assert configs.find_config(Path(SHIPPED[0].stem)) == SHIPPED[0]
    assert configs.find_config(Path('nothing')) == Path('nothing')


def test_a_name_that_ships_means_what_ships_unless_a_file_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = Path(SHIPPED[0].stem)
    name.mkdir()
    assert configs.find_config(name) == SHIPPED[0]
    name.rmdir()
    name.touch()
    assert configs.find_config(name) == name


@pytest.mark.parametrize('path', ['nowhere/{}.toml', 'nowhere/{}', '{}.toml', '{}.tomls'])
def test_a_path_to_nothing_is_not_taken_for_what_ships(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    path = Path(path.format(SHIPPED[0].stem))
    assert configs.find_config(path) == path


def test_a_configuration_survives_its_checkpoint():
    config = configs.load_config(SHIPPED[0])
    assert configs.from_mapping(configs.TrainConfig, config.as_dict(), 'again') == config


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'incomplete'),
        (BASE, 'incomplete'),
        ('name = ', 'is no TOML'),
        (f'{BASE}epoch = 3\n', "unknown key 'epoch'; known are .*epochs"),
        (f'epochs = "many"\n{WITH_DATA}', "epochs must be int, got 'many'"),
        (f'epochs = true\n{WITH_DATA}', 'epochs must be int, got True'),
        (f'epochs = 0\n{WITH_DATA}', r'a\.toml: epochs must be at least 1, got 0'),
        (f'average = 1.0\n{WITH_DATA}', r'average must be in \[0, 1\), got 1.0'),
        (f'learning_rate = 0\n{WITH_DATA}', r'learning_rate must be above 0, got 0.0'),
        (f'learning_rate = nan\n{WITH_DATA}', r'learning_rate must be above 0, got nan'),
        (f'learning_rate = inf\n{WITH_DATA}', r'learning_rate must be above 0, got inf'),
        (f'weight_decay = -1\n{WITH_DATA}', r'weight_decay must be at least 0, got -1.0'),
        (f'warmup_epochs = -1\n{WITH_DATA}', r'warmup_epochs must be at least 0, got -1.0'),
        (f'patience = -1\n{WITH_DATA}', r'patience must be at least 0, got -1'),
        (f'ease_from = -1\n{WITH_DATA}', r'ease_from must be at least 0, got -1'),
        (f'seed = -1\n{WITH_DATA}', r'seed must be in \[0, 2147483647\], got -1'),
        (f'{WITH_DATA}[loss]\nvotes = 5\n', r'a\.toml\.loss: votes must be in \[0, 1\], got 5.0'),
        (f'{WITH_DATA}[loss]\nbalance = -1\n', r'balance must be in \[0, 1\], got -1.0'),
        (f'{WITH_DATA}[loss]\ndistillation = 2\n', r'distillation must be in \[0, 1\], got 2.0'),
        (f'{WITH_DATA}[loss]\ntemperature = 0\n', 'temperature must be above 0, got 0.0'),
        (
            f'{WITH_DATA}[loss]\nlabel_smoothing = 3\n',
            r'label_smoothing must be in \[0, 1\), got 3.0',
        ),
        (f'crop = 3\n{WITH_DATA}', 'crop must be a table'),
        (f'{WITH_DATA}[crop]\nmargin = 9\n', 'margin must be in'),
        (f'{BASE}[data]\n', 'must name emotion or gender data'),
        (f'{WITH_DATA}[loss]\nteacher = "b"\n', 'distillation must be above 0'),
        (
            f'ease_from = 3\n{WITH_DATA}[loss]\nteacher = "b"\ndistillation = 0.5\n'
            'teacher_rounds = 2\n',
            'with teacher_rounds .* ease_from must be 0',
        ),
        (f'{WITH_DATA}[loss]\nteacher_rounds = 2\n', 'so teacher must name one'),
        (f'{WITH_DATA}[loss]\nteacher_once = true\n', 'so teacher must name one'),
        (
            f'{WITH_DATA}[loss]\nteacher = "b"\ndistillation = 0.5\n'
            'teacher_rounds = 2\nteacher_once = true\n',
            'one at most',
        ),
        (
            f'{WITH_DATA}[loss]\nteacher = "b"\ndistillation = 0.5\nteacher_once = true\n'
            '[augmentation]\nmix_share = 0.5\n',
            'with teacher_once .* mix_share must be 0',
        ),
        (f'{WITH_DATA}unlabelled = "g.npz"\n', 'unlabelled faces, so .* must name a teacher'),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path, text, message):
    (tmp_path / 'a.toml').write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        configs.load_config(tmp_path / 'a.toml')


@pytest.mark.parametrize('key', [key for key in vars(AugmentationConfig()) if key != 'mirror'])
def test_a_change_of_faces_below_nothing_is_refused(tmp_path, key):
    (tmp_path / 'a.toml').write_text(f'{WITH_DATA}[augmentation]\n{key} = -0.1\n')
    with pytest.raises(
        ConfigurationError, match=rf'a\.toml\.augmentation: {key} must be .* \[?0.*, got -0.1'
    ):
        configs.load_config(tmp_path / 'a.toml')


def test_every_number_of_a_configuration_has_a_range():
    for kind in (
        configs.TrainConfig,
        configs.LossConfig,
        AugmentationConfig,
        DetectorTrainConfig,
        DetectorLossConfig,
        SceneConfig,
    ):
        for name, hint in get_type_hints(kind, include_extras=True).items():
            assert hint not in (int, float), f'{kind.__name__}.{name}'


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r'cannot read the configuration .*No such file.*compact_gender'
    ):
        configs.load_config(tmp_path / 'a.toml')


def test_a_checkpoint_is_no_configuration(tmp_path):
    torch.save({'weights': torch.rand(9)}, tmp_path / 'best.pt')
    with pytest.raises(ConfigurationError, match=r'best\.pt is no TOML'):
        configs.read_toml(tmp_path / 'best.pt')


def test_augmented_faces_keep_shape_and_range():
    faces = torch.rand(6, 1, 20, 24, generator=torch.Generator().manual_seed(0))
    changed = Augmentation(AugmentationConfig(), 0)(faces)
    assert changed.shape == faces.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not torch.equal(changed, faces)


def test_augmentation_repeats_by_its_seed():
    faces = torch.rand(6, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    first, again, other = (Augmentation(AugmentationConfig(), seed)(faces) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_some_faces_are_mirrored_and_nothing_else_where_only_that_is_asked():
    config = AugmentationConfig(
        rotation=0,
        light=0,
        gamma=0,
        blur_share=0,
        low_resolution_share=0,
        noise_share=0,
        occlusion_share=0,
    )
    faces = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    changed = Augmentation(config, 0)(faces)
    mirrored = sum(torch.equal(a, b.flip(2)) for a, b in zip(changed, faces, strict=True))
    kept = sum(torch.equal(a, b) for a, b in zip(changed, faces, strict=True))
    assert mirrored + kept == 32
    assert mirrored > 5
    assert kept > 5


@pytest.mark.parametrize(
    'change', [lambda f: gaussian_blur(f, 1.5), lambda f: reduce_resolution(f, 0.4)]
)
def test_losing_detail_keeps_an_even_face_even(change):
    even = torch.full((2, 1, 16, 20), 0.3)
    torch.testing.assert_close(change(even), even)


def test_a_box_that_does_not_jitter_stays():
    box = BoundingBox(1, 2, 11, 22)
    same = jittered(box, 0.0, 0.0, np.random.default_rng(0))
    assert same.as_tuple() == pytest.approx(box.as_tuple())


def test_a_jittered_box_stays_within_its_bounds():
    box, rng = BoundingBox(0, 0, 10, 20), np.random.default_rng(0)
    for _ in range(200):
        moved = jittered(box, 0.1, 0.05, rng)
        assert np.exp(-0.1) <= moved.height / 20 <= np.exp(0.1)
        assert abs(moved.center[0] - 5) <= 1
        assert abs(moved.center[1] - 10) <= 1


def test_augmentation_eases_where_the_configuration_says():
    config = configs.load_config(SHIPPED[0])
    never, later = (replace(config, ease_from=epochs) for epochs in (0, 5))
    assert never.augmentation_at(99) == config.augmentation
    assert later.augmentation_at(4) == config.augmentation
    eased = later.augmentation_at(5)
    assert eased.rotation == config.augmentation.rotation / 2
    assert eased.mirror == config.augmentation.mirror
