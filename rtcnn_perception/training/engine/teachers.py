"""Networks that a student learns from, and what they say of the faces it sees."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.engine.checkpoints import restore_network
from rtcnn_perception.training.engine.config import LossConfig
from rtcnn_perception.training.models.architectures import Network
from rtcnn_perception.training.models.exported_weights import exported_network
from rtcnn_perception.training.models.exported_weights import is_exported
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

Answers = dict[str, Tensor]
"""Probabilities (B, C) of each attribute that a teacher judges."""

AT_ONCE = 256
"""Faces that teachers look at together where they are asked once."""


class Teachers:
    """
    All teachers of a training, asked as its configuration says.

    What they said is kept where faces come back as they were: of every batch of a draw of the
    augmentation, where draws repeat, or of every face, where they are asked once.
    """

    def __init__(self, config: LossConfig, device: str, attributes: Collection[str]) -> None:
        """
        Load the teachers; there may be none.

        :param attributes: what the student learns
        :raises ConfigurationError: if none of them judges any of that
        :raises ModelError: if one is missing or damaged
        """
        self.config, self.device = config, device
        self.networks = load_teachers(config.teacher, device)
        judged = {name for network in self.networks for name in network.classes}
        if config.teacher and judged.isdisjoint(attributes):
            expected, found = ', '.join(sorted(attributes)), ', '.join(sorted(judged)) or 'nothing'
            raise ConfigurationError(
                f'[loss] teacher must judge what this network learns, of {expected}; '
                f'{config.teacher!r} judges {found}'
            )
        self._of_batches: dict[tuple[int, bytes], Answers] = {}
        self._of_faces: Answers = {}

    def look_once(self, faces: FaceSet, geometry: CropGeometry, size_hw: tuple[int, int]) -> None:
        """Ask of all faces as they are cut for use, if that is how teachers are asked."""
        if not self.config.teacher_once:
            return
        parts: list[Answers] = []
        starts = range(0, len(faces), AT_ONCE)
        for first in tqdm(starts, desc='teachers', leave=False, mininterval=1.0):
            chosen = np.arange(first, min(first + AT_ONCE, len(faces)))
            parts.append(self._asked(to_input(cut_faces(faces, geometry, size_hw, chosen))))
        self._of_faces = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def answers(self, batch: Batch, draw: int) -> Answers:
        """
        Return the teachers' mean probabilities of a batch, softened.

        :param draw: of the augmentation; the same faces of the same draw have the same pixels
        """
        if self._of_faces:
            return {name: rows[batch.indices] for name, rows in self._of_faces.items()}
        key = draw, batch.indices.tobytes()
        answers = self._of_batches.get(key) or self._asked(batch.pixels)
        if self.config.teacher_rounds:
            self._of_batches[key] = answers
        return answers

    def _asked(self, pixels: Tensor) -> Answers:
        config = self.config
        with torch.autocast(self.device, torch.bfloat16):
            return teach(
                self.networks,
                pixels.to(self.device),
                config.temperature,
                mirror=config.teacher_mirror,
            )


def load_teachers(names: str, device: str) -> list[Network]:
    """Load the checkpoints and exported models a student learns from."""
    paths = [with_home(name.strip()) for name in names.split(',') if name.strip()]
    networks = (
        exported_network(path) if is_exported(path) else restore_network(path, merge=False)[0]
        for path in paths
    )
    return [network.to(device) for network in networks]


def teach(teachers: list[Network], pixels: Tensor, temperature: float, *, mirror: bool) -> Answers:
    """
    Return the teachers' mean probabilities, softened.

    :param mirror: whether they look at each face's mirror image as well
    """
    answers: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for teacher in teachers:
            hw = teacher.spec.input_hw
            fits = tuple(pixels.shape[2:]) == hw
            seen = pixels if fits else functional.interpolate(pixels, hw, mode='bilinear')
            for view in (seen, seen.flip(3)) if mirror else (seen,):
                for name, logits in teacher(view).items():
                    answers.setdefault(name, []).append((logits.float() / temperature).softmax(1))
    return {name: torch.stack(parts).mean(0) for name, parts in answers.items()}
