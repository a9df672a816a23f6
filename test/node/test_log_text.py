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

"""Text for log and diagnostics: one line, bounded, and errors counted by their place."""

import pytest
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.nodes.log_text import cause_of
from rtcnn_perception.nodes.log_text import MAX_TRACEBACK_LINES
from rtcnn_perception.nodes.log_text import message_of
from rtcnn_perception.nodes.log_text import report_of
from rtcnn_perception.one_line import bounded
from rtcnn_perception.one_line import MOST

MARK = 60
"""Characters that say how much was cut, and more."""


def raised(error):
    """Return an error after it was raised."""
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize('text', ['', 'a step of 17', 'größer, 顔', 'x' * (MOST)])
def test_text_that_can_be_printed_is_kept(text):
    assert bounded(text) == text


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('a\n[INFO] b\r\t', 'a\\n[INFO] b\\r\\t'),
        ('\x1b[31mred\x00\x7f', '\\x1b[31mred\\x00\\x7f'),
        ('v\udcfc.mp4', 'v\\udcfc.mp4'),
        ('to the \u202eleft', 'to the \\u202eleft'),
    ],
)
def test_characters_that_cannot_be_printed_are_escaped(text, expected):
    assert bounded(text) == expected


@pytest.mark.parametrize('filler', ['x', '\n', '\U000e0001', '顔'])
def test_a_long_text_keeps_its_beginning_and_its_end(filler):
    text = bounded(f'unknown {filler * 2**20}; known are bgr8')
    assert text.startswith('unknown ')
    assert text.endswith('; known are bgr8')
    assert f'cut from {2**20 + 24} characters' in text
    assert len(text) <= MOST + MARK
    assert text.isprintable()


def test_a_text_that_only_escapes_make_long_is_cut():
    assert len(bounded('\U000e0001' * (MOST))) <= MOST + MARK


def test_the_message_of_a_defect_begins_with_its_class():
    assert message_of(ImageFormatError('a step of\n17')) == 'a step of\\n17'
    assert message_of(ValueError('a\nb')) == 'ValueError: a\\nb'


def test_the_report_of_an_expected_error_is_its_message_alone():
    assert report_of(raised(ImageFormatError('truncated'))) == 'truncated'


@pytest.mark.parametrize('text', ['x' * 2**20, 'line\n' * 2**17, '\x1b' * 2**20])
def test_the_report_of_a_defect_keeps_its_traceback_whatever_its_message(text):
    report = report_of(raised(ValueError(text)))
    lines = report.split('\n')
    assert lines[0] == 'Traceback (most recent call last):'
    assert 'test_log_text.py' in lines[1]
    assert len(lines) <= MAX_TRACEBACK_LINES + 1
    assert all(len(each) <= MOST + MARK and each.isprintable() for each in lines)


def test_the_cause_of_an_error_is_its_class_and_the_place_that_raised_it():
    def check(value):
        if value > 1:
            raise ImageFormatError(f'got {value}')
        raise ImageFormatError(f'{value} is too small')

    def caught(value):
        with pytest.raises(ImageFormatError) as refused:
            check(value)
        return cause_of(refused.value)

    line = check.__code__.co_firstlineno + 2
    assert caught(2) == caught(3) == f'ImageFormatError at test_log_text.py:{line}'
    assert caught(0) == f'ImageFormatError at test_log_text.py:{line + 1}'


def test_the_cause_of_an_error_that_was_not_raised_is_its_class():
    assert cause_of(ImageFormatError('skipped')) == 'ImageFormatError'
