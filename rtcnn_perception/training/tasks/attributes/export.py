"""Export an attribute network: mix its heads, calibrate on held-out faces, measure once, write."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.load import load_splits
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.provenance import limits_of
from rtcnn_perception.training.engine.provenance import Provenance
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
from rtcnn_perception.training.models.onnx_export import to_onnx
from rtcnn_perception.training.models.tfjs_weights import is_published
from rtcnn_perception.training.tasks import model_folder
from rtcnn_perception.training.tasks.attributes import metrics
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import fit_temperature
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from rtcnn_perception.training.tasks.attributes.groups import group_figures
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
from rtcnn_perception.training.tasks.attributes.predictor import Predictor

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
    source, origin, mixes = load_network(weights), provenance_of(weights), settings.mixes or {}
    if is_published(weights):
        if settings.margin is not None:
            source = replace(source, crop=replace(source.crop, margin=settings.margin))
        source = source.mixed(mixes, settings.heads)
        temperatures = dict.fromkeys(source.classes, 1.0)
        name = settings.name or f'original_{"_".join(source.classes)}'
        return export_network(source, temperatures, folder, replace(settings, name=name), origin)
    if settings.margin is not None:
        raise ConfigurationError('--margin is for published weights; a checkpoint has its crop')
    config = from_mapping(TrainConfig, load_checkpoint(weights)['config'], weights.name)
    mixes = {**config.mix, **mixes}
    source = source.mixed(mixes, settings.heads)
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
        replace(settings, name=settings.name or config.name),
        origin,
        measured=lambda model: measure(load_predictor(model), splits, calibrated_on),
    )


def export_network(
    source: LabelledNetwork,
    temperatures: Mapping[str, float],
    folder: Path,
    settings: ExportSettings,
    origin: Provenance,
    *,
    measured: Callable[[Path], Mapping[str, float]] = lambda _model: {},
) -> Path:
    """
    Export a network.

    The files in the folder are replaced only after every check has passed.

    :param temperatures: by attribute
    :param origin: of the weights
    :param measured: returns the figures of the model that lies at a path, for the card
    :returns: where the graph lies
    :raises ModelError: if the graph is invalid or deviates from PyTorch
    :raises ConfigurationError: if the folder cannot be written to
    """
    network = source.network
    content, deviations = to_onnx(network, temperatures, settings.half)
    height, width = network.spec.input_hw
    card = model_folder.make_card(
        AttributeCard.KIND,
        content,
        network,
        (network.spec.channels, height, width),
        name=settings.name,
        half=settings.half,
        data=origin.data,
        command=origin.then(settings.command),
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
    return model_folder.write_measured(content, card, measured, _page, folder)


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
        found = metrics.summarise(probabilities, faces)
        for name, rows in probabilities.items():
            labels = faces.labels[calibrated_on[name]].indices
            found[f'{name}.calibration_error'] = calibration_error(rows, labels)
            found[f'{name}.surely_wrong'] = metrics.surely_wrong(rows, labels)
            for kind, groups in group_figures(rows, name, faces, most_facts=1).items():
                for group in groups:
                    found[f'{name}.accuracy of {kind} {group.group}'] = group.accuracy
    faces = splits.val.with_classes(predictor.classes)
    held_out = metrics.summarise(predictor.probabilities(faces), faces)
    return found | {f'held_out.{name}': value for name, value in held_out.items()}


def _page(card: Mapping[str, Any]) -> str:
    """Return Markdown that says what the card says."""
    height, width = card['input']['size_hw']
    crop = card['crop']
    upright = ', rotated upright by the landmarks' if crop['upright'] else ''
    return model_folder.page_of(
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
