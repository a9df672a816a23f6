"""Export an attribute network: mix its heads, calibrate on held-out faces, measure once, write."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
import tempfile
from typing import Any

from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.load import load_splits
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.provenance import limits_of
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
from rtcnn_perception.training.models.onnx_export import to_onnx
from rtcnn_perception.training.models.tfjs_weights import TFJS_SUFFIX
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import fit_temperature
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from rtcnn_perception.training.tasks.attributes.groups import group_figures
from rtcnn_perception.training.tasks.attributes.metrics import summarise
from rtcnn_perception.training.tasks.attributes.metrics import surely_wrong
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from rtcnn_perception.training.tasks.model_folder import make_card
from rtcnn_perception.training.tasks.model_folder import page_of
from rtcnn_perception.training.tasks.model_folder import rounded
from rtcnn_perception.training.tasks.model_folder import write_model

NO_FACT = (
    'Each class is what a network predicts from a picture, among the classes of its data, and no '
    'fact about a person.'
)


@dataclass(frozen=True)
class ExportSettings:
    """
    How a network is exported.

    ``name`` is that of the model, or else that of its configuration or file; ``half`` stores
    weights as float16. ``mixes`` go before those of the configuration; ``heads`` are those
    exported, all where there are none. ``margin`` is the crop's of published weights.
    """

    name: str = ''
    half: bool = True
    mixes: Mapping[str, Mix] | None = None
    heads: Sequence[str] = ()
    margin: float | None = None
    command: str = ''


def export_run(weights: Path, folder: Path, settings: ExportSettings) -> Path:
    """
    Export a checkpoint, or published weights of the original, with card and page.

    :returns: where the graph lies
    :raises PerceptionError: if the weights, the data or the result are not fit
    """
    if weights.suffix in (*KERAS_SUFFIXES, TFJS_SUFFIX):
        source = load_network(weights)
        if settings.margin is not None:
            source = replace(source, crop=replace(source.crop, margin=settings.margin))
        source = source.mixed(settings.mixes or {}, settings.heads)
        temperatures = dict.fromkeys(source.classes, 1.0)
        named = replace(settings, name=settings.name or f'original_{"_".join(source.classes)}')
        return export_network(source, temperatures, folder, _info(weights, named))
    if settings.margin is not None:
        raise ConfigurationError('--margin is for published weights; a checkpoint has its crop')
    config = from_mapping(TrainConfig, load_checkpoint(weights)['config'], weights.name)
    mixes = {**config.mix, **(settings.mixes or {})}
    source = load_network(weights).mixed(mixes, settings.heads)
    splits = load_splits(config.data, config.crop)
    calibrated_on = {
        name: mixes[name].head if name in mixes and mixes[name].share > 0.5 else name
        for name in source.classes
    }
    held_out = splits.val.with_classes(source.classes)
    temperatures = {
        name: fit_temperature(logits, held_out.labels[calibrated_on[name]].indices)
        for name, logits in source.logits(held_out).items()
    }
    return export_network(
        source,
        temperatures,
        folder,
        _info(weights, replace(settings, name=settings.name or config.name)),
        lambda model: measure(load_predictor(model), splits, calibrated_on),
    )


@dataclass(frozen=True)
class ModelInfo:
    """What a card says of a model beside its network: ``data`` has name and terms by source."""

    name: str
    half: bool
    data: list[dict[str, str]]
    command: str


def _info(weights: Path, settings: ExportSettings) -> ModelInfo:
    provenance = provenance_of(weights)
    command = provenance.then(settings.command)
    return ModelInfo(settings.name, settings.half, provenance.data, command)


def export_network(
    source: LabelledNetwork,
    temperatures: Mapping[str, float],
    folder: Path,
    info: ModelInfo,
    measured: Callable[[Path], Mapping[str, float]] = lambda _model: {},
) -> Path:
    """
    Export a network.

    The files in the folder are replaced only after every check has passed.

    :param temperatures: by attribute
    :param measured: returns the figures of the model that lies at a path, for the card
    :returns: where the graph lies
    :raises ModelError: if the graph is invalid or deviates from PyTorch
    :raises ConfigurationError: if the folder cannot be written to
    """
    network = source.network
    content, deviations = to_onnx(network, temperatures, info.half)
    height, width = network.spec.input_hw
    card = make_card(
        AttributeCard.KIND,
        content,
        network,
        (network.spec.channels, height, width),
        **asdict(info),
        input={
            'name': INPUT_NAME,
            'size_hw': [height, width],
            'channels': 'gray',
            'dtype': 'uint8',
            'scale': 1.0,
            'offset': 0.0,
        },
        crop=asdict(source.crop),
        heads=[
            {
                'attribute': name,
                'output': name,
                'labels': list(classes),
                'temperature': round(temperatures[name], 4),
            }
            for name, classes in source.classes.items()
        ],
        **deviations,
    )
    with tempfile.TemporaryDirectory() as scratch:
        card['metrics'] = rounded(measured(write_model(content, card, '', Path(scratch))))
    return write_model(content, card, _page(card), folder)


def measure(
    predictor: Predictor, splits: Splits, calibrated_on: Mapping[str, str]
) -> dict[str, float]:
    """
    Return the figures of a model: on the test part, and in short on the held-out part.

    :param calibrated_on: for each head, the labels that its probabilities are about
    """
    found: dict[str, float] = {}
    if len(splits.test):
        faces = splits.test.with_classes(predictor.classes)
        probabilities = predictor.probabilities(faces)
        found = summarise(probabilities, faces)
        for name, rows in probabilities.items():
            labels = faces.labels[calibrated_on[name]].indices
            found[f'{name}.calibration_error'] = calibration_error(rows, labels)
            found[f'{name}.surely_wrong'] = surely_wrong(rows, labels)
            found |= _groups_of_one_fact(rows, name, faces)
    faces = splits.val.with_classes(predictor.classes)
    held_out = summarise(predictor.probabilities(faces), faces)
    return found | {f'held_out.{name}': value for name, value in held_out.items()}


def _groups_of_one_fact(rows: Probabilities, name: str, faces: FaceSet) -> dict[str, float]:
    return {
        f'{name}.accuracy of {kind} {group.group}': group.accuracy
        for kind, groups in group_figures(rows, name, faces, most_facts=1).items()
        for group in groups
    }


def _page(card: Mapping[str, Any]) -> str:
    """Return Markdown that says what the card says."""
    height, width = card['input']['size_hw']
    crop = card['crop']
    upright = ', rotated upright by the landmarks' if crop['upright'] else ''
    return page_of(
        card,
        summary=[
            f'Classifies {head["attribute"]}: {", ".join(head["labels"])} '
            f'(temperature {head["temperature"]:.3f}, built in).'
            for head in card['heads']
        ],
        facts=[
            ('Multiply-accumulates for one face', f'{card["multiply_accumulates"]:,}'),
            ('Input', f'{width}x{height}, {card["input"]["channels"]}, {card["input"]["dtype"]}'),
            (
                "Crop about the face's box",
                f'margin {crop["margin"]}, shift down {crop["shift_down"]}{upright}',
            ),
        ],
        measured_on='This file on faces that had no part in training, each with its run-time '
        'crop; epoch and temperature are chosen by those "held out", nothing by the others:',
        limits=[NO_FACT, *limits_of(card['data'])],
    )
