"""Export a finished run: calibrate on what was held out, judge once, write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import LABELS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.load import load_splits
from rtcnn_perception.training.engine.checkpoints import restore_network
from rtcnn_perception.training.engine.provenance import data_entry
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.models.architectures import VOTES_HEAD
from rtcnn_perception.training.models.keras_weights import KERAS_MARGINS
from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES
from rtcnn_perception.training.models.keras_weights import load_keras
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import fit_temperature
from rtcnn_perception.training.tasks.attributes.export import export
from rtcnn_perception.training.tasks.attributes.export import ExportRequest
from rtcnn_perception.training.tasks.attributes.predictor import Judge
from rtcnn_perception.training.tasks.attributes.predictor import load_judge
from rtcnn_perception.training.tasks.attributes.scores import gender_groups
from rtcnn_perception.training.tasks.attributes.scores import predict_logits
from rtcnn_perception.training.tasks.attributes.scores import summarise

KERAS_DATA = {'emotion': 'FER-2013', 'gender': 'IMDB faces of the original'}
"""What the original's weights learnt from."""


def export_run(
    checkpoint: Path,
    folder: Path,
    *,
    name: str | None,
    half: bool,
    margin: float | None,
    votes: float | None,
    command: str,
) -> Path:
    """
    Export a checkpoint, or the original's Keras weights, with card and page.

    :param command: what asks for this; the card has it behind the trainings that came before
    :raises PerceptionError: if the checkpoint, the data or the result is not fit
    """
    if checkpoint.suffix in KERAS_SUFFIXES:
        if votes is not None:
            raise ConfigurationError('--votes is for checkpoints; Keras weights have one head')
        network = load_keras(checkpoint)
        attribute = next(iter(network.classes))
        geometry = CropGeometry(KERAS_MARGINS[attribute] if margin is None else margin)
        request = ExportRequest(
            name=name or f'original_{attribute}',
            labels={attribute: LABELS[attribute]},
            geometry=geometry,
            temperatures={attribute: 1.0},
            data=[data_entry(KERAS_DATA[attribute])],
            command=command,
            half=half,
        )
        return export(network, request, folder)
    if margin is not None:
        raise ConfigurationError('--margin is for Keras weights; a checkpoint knows its own crop')
    network, config, values = restore_network(checkpoint, votes=votes)
    if votes is not None and VOTES_HEAD not in values['classes']:
        raise ConfigurationError(f'--votes is for networks with votes_head, not {checkpoint}')
    provenance = provenance_of(checkpoint)
    splits = load_splits(config.data, config.crop)
    held_out = predict_logits(network, splits.val, config.crop)
    share = config.loss.votes if votes is None else votes
    temperatures = {
        attribute: fit_temperature(logits, labels_meant(splits.val, attribute, share))
        for attribute, logits in held_out.items()
    }
    request = ExportRequest(
        name=name or config.name,
        labels={attribute: LABELS[attribute] for attribute in network.classes},
        geometry=config.crop,
        temperatures=temperatures,
        data=provenance.data,
        command=provenance.then(command),
        half=half,
    )
    return export(
        network, request, folder, lambda model: figures(load_judge(model), splits, share)
    )


def labels_meant(faces: FaceSet, attribute: str, votes: float) -> NDArray[np.int64]:
    """
    Return the labels (N,) that a probability is to be right about.

    :param votes: share of FER+'s votes in what the network says; above a half, their majority
        counts
    """
    by_votes = attribute == 'emotion' and votes > 0.5 and 'ferplus' in faces.facts
    return faces.facts['ferplus'] if by_votes else faces.labels[attribute]


def figures(judge: Judge, splits: Splits, votes: float) -> dict[str, float]:
    """
    Judge the test part, and in short what was held out, as the pipeline asks the model.

    :param votes: as for :func:`labels_meant`
    :returns: accuracy, balance, calibration, groups
    """
    answers = judge.probabilities(splits.test)
    found = summarise(answers, splits.test)
    for attribute, rows in answers.items():
        labels = labels_meant(splits.test, attribute, votes)
        found[f'{attribute}_calibration_error'] = calibration_error(rows, labels)
    if 'gender' in answers:
        found |= gender_groups(answers['gender'], splits.test)
    held_out = summarise(judge.probabilities(splits.val), splits.val)
    return found | {f'held_out_{name}': value for name, value in held_out.items()}
