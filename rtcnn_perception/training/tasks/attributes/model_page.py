"""The page beside a model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIMITS = {
    'emotion': {
        '': 'An expression is not a feeling: the classes are what people called pictures of it.',
        'FER-2013': 'Those of FER-2013 are posed and found pictures from the web, on about two of '
        'three of which people agree. Some are mislabelled, few are of disgust, and most are '
        'faces of young adults.',
    },
    'gender': {
        '': 'This is a guess from a picture and no fact about a person; the data knows two values '
        'only.',
        'LFW': 'Most of LFW are men photographed for the news.',
        'UTKFace': 'Children are judged little better than by chance, and `docs/models.md` shows '
        'by how much groups of people differ.',
    },
}
"""What a judgement is worth, by attribute: whatever was learnt from, and where this data was."""


def model_page(card: Mapping[str, Any]) -> str:
    """Return Markdown that says what the card says."""
    learnt_from = {'', *(entry['name'] for entry in card['data'])}
    limits = [
        ' '.join(text for data, text in LIMITS[head['attribute']].items() if data in learnt_from)
        for head in card['heads']
    ]
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
                    'This file on faces that had no part in training, each with its run-time '
                    'crop; epoch and temperature are chosen by those "held out", nothing by the '
                    'others:',
                ),
                *(f'{text}\n' for text in limits),
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
    measured = ['', '## Measured', '', judged_on, '', '| | |', '| --- | --- |', *figures]
    return [
        *(measured if figures else ()),
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
