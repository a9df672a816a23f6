"""What a network says about every face of a set, and how often it is right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import UNLABELLED
from rtcnn_perception.training.models.architectures import Network
import torch


def predict_logits(
    network: Network, faces: FaceSet, geometry: CropGeometry, device: str = 'cpu'
) -> dict[str, NDArray[np.float32]]:
    """
    Return the logits (N, C) of each attribute for every face, each from its run-time crop.

    The network is left in evaluation mode.
    """
    network.eval()
    collected: dict[str, list[NDArray[np.float32]]] = {name: [] for name in network.classes}
    with torch.inference_mode():
        for first in range(0, len(faces), 256):
            indices = np.arange(first, min(first + 256, len(faces)))
            crops = cut_faces(faces, geometry, network.spec.input_hw, indices)
            for name, scores in network(to_input(crops).to(device)).items():
                collected[name].append(scores.float().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in collected.items()}


def accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the share of labelled faces whose highest score is at their label."""
    known = labels != UNLABELLED
    return float((scores[known].argmax(1) == labels[known]).mean()) if known.any() else 0.0


def balanced_accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the mean over the classes that occur of the share judged right."""
    hits = scores.argmax(1) == labels
    classes = np.unique(labels[labels != UNLABELLED])
    shares = [hits[labels == value].mean() for value in classes]
    return float(np.mean(shares)) if shares else 0.0


def summarise(logits: Mapping[str, NDArray[np.float32]], faces: FaceSet) -> dict[str, float]:
    """Return accuracy and balanced accuracy for each attribute, and against FER+ where it is."""
    summary: dict[str, float] = {}
    for name, scores in logits.items():
        if name not in faces.labels:
            continue
        summary[f'{name}_accuracy'] = accuracy(scores, faces.labels[name])
        summary[f'{name}_balanced'] = balanced_accuracy(scores, faces.labels[name])
    if 'emotion' in logits and 'ferplus' in faces.facts:
        summary['ferplus_accuracy'] = accuracy(logits['emotion'], faces.facts['ferplus'])
    return summary


def gender_groups(scores: NDArray[np.float32], faces: FaceSet) -> dict[str, float]:
    """
    Return accuracy on LFW and on UTKFace from age 16, and for women and men in each.

    A data set without these facts gives nothing.
    """
    if 'source' not in faces.facts:
        return {}
    source, age = faces.facts['source'], faces.facts['age']
    labels = faces.labels['gender']
    hits = scores.argmax(1) == labels
    groups = {
        'gender_lfw': np.isin(source, (0, 1)),
        'gender_utkface_16': (source == 2) & (age >= 16),
    }
    result: dict[str, float] = {}
    for name, inside in groups.items():
        members = {'': inside, '_women': inside & (labels == 0), '_men': inside & (labels == 1)}
        for suffix, chosen in members.items():
            if chosen.any():
                result[f'{name}{suffix}'] = float(hits[chosen].mean())
    return result
