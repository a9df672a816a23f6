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

"""A label changes when another class leads for a while, and may be unsure or left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.attributes.labels import certainty
from rtcnn_perception.core.attributes.labels import DEFAULT_SKIP_WHERE
from rtcnn_perception.core.attributes.labels import LabelConfig
from rtcnn_perception.core.attributes.labels import next_label
from rtcnn_perception.core.attributes.labels import skipped
from rtcnn_perception.core.attributes.labels import SkipRule
from rtcnn_perception.exceptions import ConfigurationError

CONFIG = LabelConfig(margin=0.1, hold_s=0.25, min_certainty=0.0)
RATE = 30


def row(*values):
    return np.float32(values)


def follow(rows, config=CONFIG, rate=RATE):
    """Return the labels of a track after each of its frames."""
    label, labels = None, []
    for number, each in enumerate(rows):
        label = next_label(label, each, number / rate, config)
        labels.append(label)
    return labels


def indices(rows, config=CONFIG, rate=RATE):
    return [each.index for each in follow(rows, config, rate)]


def test_the_first_label_is_the_most_probable_class():
    assert indices([row(0.2, 0.5, 0.3)]) == [1]


def test_a_class_that_leads_for_the_time_becomes_the_label():
    found = indices([row(0.8, 0.2)] + [row(0.2, 0.8)] * 12)
    held = math.ceil(CONFIG.hold_s * RATE)
    assert found == [0] + [0] * held + [1] * (12 - held)


def test_the_frame_rate_does_not_change_how_long_it_takes():
    for rate in (10, 30, 100):
        found = indices([row(0.8, 0.2)] + [row(0.2, 0.8)] * rate, rate=rate)
        change = (found.index(1) - 1) / rate
        assert CONFIG.hold_s <= change < CONFIG.hold_s + 1.5 / rate


def test_a_lead_below_the_margin_changes_nothing():
    assert set(indices([row(0.6, 0.4)] + [row(0.46, 0.54)] * 60)) == {0}


def test_probabilities_that_waver_keep_the_label():
    wavering = [row(0.7, 0.3), *[row(0.3, 0.7)] * 3] * 40
    assert set(indices(wavering)) == {0}
    assert len(set(indices(wavering, LabelConfig(margin=0.0, hold_s=0.0)))) == 2


def test_classes_that_take_turns_in_the_lead_end_the_label_all_the_same():
    found = indices([row(0.8, 0.1, 0.1)] + [row(0.1, 0.6, 0.3), row(0.1, 0.3, 0.6)] * 10)
    assert found[5] == 0
    assert found[-1] in (1, 2)


def test_without_margin_and_time_the_label_is_the_most_probable_class():
    rows = np.random.default_rng(1).dirichlet(np.ones(7), 200).astype(np.float32)
    config = LabelConfig(margin=0.0, hold_s=0.0)
    assert indices(rows, config) == rows.argmax(1).tolist()


def test_certainty_is_nothing_at_chance_and_one_where_a_class_has_all():
    for classes in (2, 5, 7):
        assert certainty(np.full(classes, 1 / classes), 0) == pytest.approx(0.0)
        assert certainty(np.eye(classes)[1], 1) == pytest.approx(1.0)
    assert certainty(row(0.75, 0.25), 0) == pytest.approx(0.5)


def test_a_label_becomes_unsure_and_sure_again_after_the_time():
    config = LabelConfig(margin=0.1, hold_s=0.25, min_certainty=0.3)
    found = follow([row(0.9, 0.1)] + [row(0.6, 0.4)] * 20 + [row(0.9, 0.1)] * 20, config)
    assert [each.index for each in found] == [0] * 41
    changes = [n for n in range(1, 41) if found[n].is_unsure != found[n - 1].is_unsure]
    assert changes == [1 + 8, 21 + 8]
    assert follow([row(0.6, 0.4)], config)[0].is_unsure


def test_values_out_of_range_are_refused_by_name():
    for name, value in (
        ('margin', 1.1),
        ('margin', -0.1),
        ('hold_s', -1.0),
        ('hold_s', math.nan),
        ('hold_s', math.inf),
        ('min_certainty', 2.0),
    ):
        with pytest.raises(ConfigurationError, match=f'^{name} must be .*, got {value}$'):
            LabelConfig(**{name: value})


def test_a_rule_leaves_out_an_attribute_where_another_has_a_label():
    rules = (SkipRule.parse('gender if age is 0-9'), SkipRule.parse('hat if age is 60 and over'))
    for age, expected in (('0-9', {'gender'}), ('60 and over', {'hat'}), ('10-19', set())):
        assert skipped(rules, {'age': age, 'gender': 'woman', 'hat': 'cap'}) == expected
    assert skipped(rules, {'gender': 'woman'}) == set()


def test_a_rule_says_why_it_never_holds():
    rule = SkipRule.parse('gender if age is 0-9')
    assert rule.never_holds({'age': ('0-9', '10+')}) == ''
    assert rule.never_holds({'age': ('0-17', '18+')}) == (
        "the rule 'gender if age is 0-9' never holds: age has 0-17, 18+"
    )
    assert rule.never_holds({}) == ''


def test_the_default_rules_can_be_read():
    assert tuple(map(SkipRule.parse, DEFAULT_SKIP_WHERE)) == LabelConfig().skip_where


@pytest.mark.parametrize(
    'text', ['', 'gender', 'gender if age', 'gender if age is ', 'A if b is c']
)
def test_what_is_no_rule_is_refused_with_an_example(text):
    with pytest.raises(ConfigurationError, match=r'expected a rule such as .* if .* is .*, got '):
        SkipRule.parse(text)
