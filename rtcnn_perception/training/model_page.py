"""The page beside a model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIMITS = {
    'emotion': (
        'An expression is not a feeling: the classes are what people called posed and found '
        'pictures from the web, and they agree among themselves on about two of three. '
        'FER-2013 holds mislabelled pictures, few of disgust, and mostly faces of young adults.'
    ),
    'gender': (
        'This is a guess from a picture and no fact about a person; the data knows two values '
        'only. Most of LFW are men photographed for the news. Children are judged little better '
        'than by chance, and `docs/models.md` shows by how much groups of people differ.'
    ),
}


def model_page(card: Mapping[str, Any]) -> str:
    """Return Markdown that says what the card says."""
    attributes = [head['attribute'] for head in card['heads']]
    height, width = card['input']['size_hw']
    lines = [f'# {card["name"]}', '']
    lines += [
        f'Judges {head["attribute"]}: {", ".join(head["labels"])} '
        f'(temperature {head["temperature"]:.3f}, built in).'
        for head in card['heads']
    ]
    lines += [
        '',
        '| | |',
        '| --- | --- |',
        f'| Architecture | `{card["architecture"]}` |',
        f'| Parameters | {card["parameters"]:,} ({card["weights"]}) |',
        f'| Multiply-accumulates for one face | {card["multiply_accumulates"]:,} |',
        f'| Input | {width}x{height}, {card["input"]["channels"]}, {card["input"]["dtype"]} |',
        f"| Crop about the face's box | margin {card['crop']['margin']}, "
        f'shift down {card["crop"]["shift_down"]}'
        f'{", turned upright by the landmarks" if card["crop"].get("upright") else ""} |',
        f'| sha256 | `{card["sha256"]}` |',
    ]
    return (
        '\n'.join(
            [
                *lines,
                *figures_and_origin(
                    card,
                    'On faces that had no part in training or in any choice, each with its '
                    'run-time crop:',
                ),
                *(f'{LIMITS[name]}\n' for name in attributes if name in LIMITS),
            ]
        ).rstrip()
        + '\n'
    )


def figures_and_origin(card: Mapping[str, Any], judged_on: str) -> list[str]:
    """
    Return the lines of a page on a card's figures, data and command, and the title of its limits.

    :param judged_on: what the figures are of
    """
    figures = [
        f'| {name.replace("_", " ")} | {value:.4f} |' for name, value in card['metrics'].items()
    ]
    return [
        '',
        '## Measured',
        '',
        judged_on,
        '',
        '| | |',
        '| --- | --- |',
        *figures,
        '',
        '## Data',
        '',
        *(f'- {entry["name"]}: {entry["terms"]}.' for entry in card['data']),
        '',
        '## Made by',
        '',
        '```',
        card['command'],
        '```',
        '',
        '## Limits',
        '',
    ]
