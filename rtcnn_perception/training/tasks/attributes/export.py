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
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.load import load_splits
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.splits import fingerprints_of
from rtcnn_perception.training.engine.checkpoints import check_fingerprint
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
from rtcnn_perception.training.tasks.attributes.eight_bits import CHANGE
from rtcnn_perception.training.tasks.attributes.eight_bits import in_eight_bits
from rtcnn_perception.training.tasks.attributes.eight_bits import QuantisationFaces
from rtcnn_perception.training.tasks.attributes.groups import group_figures
from rtcnn_perception.training.tasks.attributes.loss import class_frequencies
from rtcnn_perception.training.tasks.attributes.loss import face_weights
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
    exported, all where there are none. ``margin`` is the crop's of published weights. ``int8``
    names data to calibrate eight bits with, none for that of the configuration; where it is None
    no graph in eight bits is written.
    """

    name: str = ''
    half: bool = True
    mixes: Mapping[str, Mix] | None = None
    heads: Sequence[str] = ()
    margin: float | None = None
    int8: tuple[str, ...] | None = None
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
        if settings.int8 == ():
            raise ConfigurationError('--int8 needs data to calibrate with for published weights')
        return export_network(
            source,
            temperatures,
            folder,
            replace(settings, name=name),
            origin,
            quantisation=_quantisation_faces(source, settings.int8),
        )
    if settings.margin is not None:
        raise ConfigurationError('--margin is for published weights; a checkpoint has its crop')
    values = load_checkpoint(weights)
    config = from_mapping(TrainConfig, values['config'], weights.name)
    mixes = {**config.mix, **mixes}
    source = source.mixed(mixes, settings.heads)
    splits = load_splits(config.data, config.crop)
    check_fingerprint(values, fingerprints_of(splits), weights, model_folder.OTHER_DATA)
    learnt = splits.train.with_classes(source.classes)
    frequencies = {
        name: class_frequencies(learnt.labels[name], learnt.shares) for name in config.prior
    }
    source = source.without_prior(frequencies, config.prior)
    calibrated_on = {
        name: mixes[name].head if name in mixes and mixes[name].share > 0.5 else name
        for name in source.classes
    }
    held_out = splits.val.with_classes(source.classes)
    tables = config.data.attributes
    temperatures = {}
    for name, logits in source.logits(held_out).items():
        labels = calibrated_on[name]
        # The groups that training balances count alike, however many faces classes have.
        counts = face_weights(held_out, labels, replace(tables[labels], balance=0.0))
        truth = held_out.labels[labels].with_classes(source.classes[name], name)
        temperatures[name] = fit_temperature(logits, truth.indices, counts)
    quantisation = None
    if settings.int8 == ():
        names = [Path(name).name for name in config.data.paths]
        quantisation = QuantisationFaces(splits.train, held_out, names)
    return export_network(
        source,
        temperatures,
        folder,
        replace(settings, name=settings.name or config.name),
        origin,
        quantisation=quantisation or _quantisation_faces(source, settings.int8),
        measured=lambda model: measure(load_predictor(model), splits, calibrated_on),
    )


def _quantisation_faces(
    source: LabelledNetwork, names: tuple[str, ...] | None
) -> QuantisationFaces | None:
    if not names:
        return None
    splits = load_for_heads(source.classes, AttributeData(names), source.crop)
    return QuantisationFaces(splits.train, splits.part('val'), [Path(n).name for n in names])


def export_network(
    source: LabelledNetwork,
    temperatures: Mapping[str, float],
    folder: Path,
    settings: ExportSettings,
    origin: Provenance,
    *,
    quantisation: QuantisationFaces | None = None,
    measured: Callable[[Path], Mapping[str, float]] = lambda _model: {},
) -> Path:
    """
    Export a network.

    The files in the folder are replaced only after every check has passed.

    :param temperatures: by attribute
    :param origin: of the weights
    :param quantisation: the faces to make the graph in eight bits with; None for no such graph
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
    int8 = None
    if quantisation is not None:
        int8, facts = in_eight_bits(content, source, quantisation)
        model_folder.name_int8(card, int8, facts)
    return model_folder.write_measured(content, card, measured, _page, folder, int8=int8)


def measure(
    predictor: Predictor, splits: Splits, calibrated_on: Mapping[str, str]
) -> dict[str, float]:
    """
    Return the figures of a model: on the test part, and in short on the held-out part.

    :param calibrated_on: for each head, the labels that its probabilities are about
    """
    found: dict[str, float] = {}
    classes = predictor.classes
    if len(splits.test):
        faces = splits.test.with_classes(classes)
        probabilities = predictor.probabilities(faces)
        found = metrics.summarise_part(probabilities, faces)
        for name, rows in probabilities.items():
            if not metrics.has_labels(faces, calibrated_on[name]):
                continue
            labels = faces.labels[calibrated_on[name]].with_classes(classes[name], name).indices
            found[f'{name}.calibration_error'] = calibration_error(rows, labels)
            found[f'{name}.surely_wrong'] = metrics.surely_wrong(rows, labels)
            for kind, groups in group_figures(rows, name, faces, most_facts=1).items():
                for group in groups:
                    found[f'{name}.accuracy of {kind} {group.group}'] = group.accuracy
    faces = splits.val.with_classes(classes)
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
            *_int8_facts(card),
        ],
        measured_on='This file on faces that had no part in training, each with its run-time '
        'crop; temperature, and the epoch of `best.pt`, are chosen by those "held out", nothing '
        'by the others:',
        limits=[NO_FACT, *limits_of(card['data'], [head['attribute'] for head in card['heads']])],
    )


def _int8_facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the page says of the graph in eight bits, if there is one."""
    if 'int8' not in card:
        return []
    calibration, parity = card['int8']['calibration'], card['int8']['parity']
    named = [(head['attribute'], parity[head['attribute']]) for head in card['heads']]
    changes = ', '.join(f'{name} {each[CHANGE]:.2f}' for name, each in named)
    rows = [
        (
            'Graph in eight bits',
            f'`{card["int8"]["file"]}`, ranges from {calibration["faces"]} faces of '
            f'{", ".join(calibration["data"])} ({calibration["part"]})',
        ),
        (f'Largest change of a probability there ({parity["faces"]} held-out faces)', changes),
    ]
    accuracies = [
        f'{name} {each["accuracy_float"]:.4f} / {each["accuracy_int8"]:.4f}'
        for name, each in named
        if 'accuracy_int8' in each
    ]
    if accuracies:
        rows.append(('Accuracy on those, float / eight bits', ', '.join(accuracies)))
    return [*rows, ('Eight bits, sha256', f'`{card["int8"]["sha256"]}`')]
