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

"""The files of a model folder, and which of them describe a model that is replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rtcnn_perception.core.models.card import CARD_NAME
from rtcnn_perception.core.models.card import read_fields
from rtcnn_perception.core.models.files import replace_file
from rtcnn_perception.core.saliency.names import SALIENCY_NAME
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file

GRAPH_NAME = 'model.onnx'
INT8_NAME = 'model_int8.onnx'
PAGE_NAME = 'README.md'
NOTES = '## Notes'
"""Heading of what people add to the page, which stays where the model is exported anew."""


def write_graph_and_card(content: bytes, card: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """
    Write the graph, then the card that names it; a card without its graph is refused.

    What describes the model that was there before is removed, see :func:`stale_files`.

    :returns: the names of the files that were removed
    :raises ConfigurationError: if the folder cannot be written to
    """
    text = json.dumps(card, indent=2) + '\n'
    try:
        stale = stale_files(folder)
        replace_file(folder / GRAPH_NAME, content)
        replace_file(folder / CARD_NAME, text.encode())
        for name in stale:
            (folder / name).unlink()
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error
    return tuple(stale)


def stale_files(folder: Path) -> list[str]:
    """
    Return the files that describe the model in a folder, and not one that is put in its place.

    A folder without a card holds no model. A page without the checksum of the graph is none that
    ``export`` wrote, but the user's own: it is left alone.
    """
    if not is_file(folder / CARD_NAME):
        return []
    stale = [name for name in (SALIENCY_NAME, INT8_NAME) if is_file(folder / name)]
    page = folder / PAGE_NAME
    if is_file(page) and _digest(folder) in page.read_text(encoding='utf-8', errors='replace'):
        stale.append(PAGE_NAME)
    return stale


def _digest(folder: Path) -> str:
    """Return the checksum of the graph by the card, or what no page has where it is damaged."""
    try:
        return read_fields(folder / CARD_NAME).text('sha256') or '\0'
    except ModelError:
        return '\0'
