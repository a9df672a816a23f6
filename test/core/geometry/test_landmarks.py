"""How a head leans, by its landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.geometry.landmarks import head_roll

FACE = np.float32([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])
"""A face that looks ahead: eyes, nose and corners of the mouth."""


def turned(points, degrees):
    """Turn points clockwise as one sees them, y pointing down."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((points - 50) @ matrix.T + 50).astype(np.float32)


def test_without_landmarks_nothing_is_known_of_the_head():
    assert head_roll(None) is None


@pytest.mark.parametrize('value', [0.0, 12.0, np.nan, np.inf])
def test_points_that_lie_in_one_place_or_nowhere_have_no_direction(value):
    assert head_roll(np.full((5, 2), value, np.float32)) is None


@pytest.mark.parametrize('degrees', [0.0, 3.0, 10.0, -25.0, 25.0, 90.0, -135.0])
def test_a_head_turned_clockwise_has_a_positive_roll(degrees):
    assert head_roll(turned(FACE, degrees)) == pytest.approx(degrees, abs=1e-4)


def test_a_mirrored_head_leans_the_other_way():
    leaning = turned(FACE, 20.0) + np.float32([3, -2])
    mirrored = (leaning * [-1, 1])[[1, 0, 2, 4, 3]].astype(np.float32)
    assert head_roll(mirrored) == pytest.approx(-head_roll(leaning), abs=1e-4)


def test_neither_place_nor_size_nor_nose_changes_the_roll():
    moved = turned(FACE, 20.0) * 3 - 700
    moved[2] = (0, 0)
    assert head_roll(moved) == pytest.approx(20.0, abs=1e-3)


def test_of_a_face_seen_from_the_side_the_way_from_eyes_to_mouth_decides():
    side = FACE.copy()
    side[:, 0] = 60 + (FACE[:, 0] - 50) * 0.05
    side[1, 1] += 3  # the line of the eyes would say 56 degrees
    assert abs(head_roll(turned(side, 20.0)) - 20.0) < 6.0
