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

"""Parameters from a table: values that are accepted, groups, lists, and unknown names."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from rcl_interfaces.msg import ParameterType
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import declare
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import Setting
from rtcnn_perception.nodes.parameters.declaration import setting
from rtcnn_perception.nodes.parameters.declaration import setting_of_each
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.names import is_known
from rtcnn_perception.nodes.parameters.names import unknown_parameters

NONE = ((), [], None, [''], ['', ''])


@dataclass(frozen=True)
class WheelGroup:
    """A group."""

    radius: float = setting(0.1, 'radius', unit='m', minimum=0.01, maximum=1.0, is_live=True)
    material: str = setting('rubber', 'material', choices=('rubber', 'wood'))


@dataclass(frozen=True)
class CartParameters:
    """A table with a group, and a parameter for each item of a list."""

    seats: int = setting(2, 'number of seats', minimum=1, maximum=9)
    has_roof: bool = setting(False, 'whether it has a roof', read_at=ReadAt.START)
    riders: tuple[str, ...] = setting(('ann', 'bob'), 'who rides')
    hats: Mapping[str, str] = setting_of_each('rider', 'riders', 'hat', 'hat of one of the riders')
    wheel: WheelGroup = WheelGroup()


DEFAULTS = {
    'seats': 2,
    'has_roof': False,
    'riders': ('ann', 'bob'),
    'ann.hat': '',
    'bob.hat': '',
    'wheel.radius': 0.1,
    'wheel.material': 'rubber',
}


def test_a_setting_accepts_its_default_and_refuses_other_types_and_values_out_of_bounds():
    for made, refused, expected in (
        (Setting(True, ''), [1, 'true', None], 'true or false'),
        (
            Setting(3, '', minimum=1, maximum=5),
            [0, 6, 3.0, True, 10**400],
            'a whole number in [1, 5]',
        ),
        (Setting(3, ''), ['3', None], 'a whole number'),
        (Setting(0.5, ''), [float('nan'), float('inf'), 1], 'a number such as 1.0'),
        (Setting(0.5, '', minimum=0, maximum=1), [-0.1, 1.1], 'a number such as 1.0 in [0, 1]'),
        (Setting('a', '', choose_from=lambda: ('a', 'b')), ['', 'c', 1], 'one of a, b'),
        (Setting('', ''), [1, None], 'text'),
        (Setting(('a',), ''), ['a', 1, [1], ['a', 1]], "a list of texts, or [''] for none"),
    ):
        assert made.accepts(made.default)
        assert [value for value in refused if made.accepts(made.converted(value))] == []
        assert made.expected == expected


def test_a_number_at_the_end_of_its_range_is_accepted():
    for kind in (int, float):
        made = Setting(kind(3), '', minimum=1, maximum=5)
        assert made.accepts(kind(1))
        assert made.accepts(kind(5))


def test_an_empty_list_is_accepted_in_every_form_in_which_ros_may_pass_it():
    made = Setting(('a',), '')
    for value in NONE:
        assert made.converted(value) == ()
    assert made.converted(['b', '', 'a']) == ('b', 'a')
    assert Setting('', '').converted([]) == []


def test_settings_are_listed_by_full_name_in_the_order_of_the_fields():
    assert [name for name, _ in settings_of(CartParameters)] == [
        'seats',
        'has_roof',
        'riders',
        '<rider>.hat',
        'wheel.radius',
        'wheel.material',
    ]


def test_a_table_without_values_has_its_defaults():
    assert dict(values_of(build(CartParameters, {}))) == DEFAULTS


def test_groups_and_items_of_a_list_are_built_from_names_with_dots():
    values = {'wheel.radius': 0.5, 'riders': ['cid', 'ann'], 'ann.hat': 'red', 'bob.hat': 'blue'}
    built = build(CartParameters, values)
    assert built.wheel == WheelGroup(radius=0.5)
    assert (built.riders, built.hats) == (('cid', 'ann'), {'cid': '', 'ann': 'red'})
    assert dict(values_of(built)) == {
        'seats': 2,
        'has_roof': False,
        'riders': ('cid', 'ann'),
        'cid.hat': '',
        'ann.hat': 'red',
        'wheel.radius': 0.5,
        'wheel.material': 'rubber',
    }


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('seats', 10, r'parameter seats must be a whole number in \[1, 9\], got 10$'),
        ('riders', 'ann', r"parameter riders must be a list of texts, or \[''\] for none, got 'a"),
        ('riders', ['ann', 1], r"riders must be a list of texts.*got \('ann', 1\)$"),
        ('ann.hat', 1, 'parameter ann.hat must be text, got 1$'),
        ('wheel.material', 'tin', "wheel.material must be one of rubber, wood, got 'tin'$"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name(name, value, reason):
    with pytest.raises(ConfigurationError, match=reason):
        build(CartParameters, {name: value})


@pytest.fixture
def make_node(bench):
    """Make a plain node that was given parameters on its command line."""

    def make(*given):
        words = [word for each in given for word in ('-p', each)]
        return bench.make_node('cart', cli_args=['--ros-args', *words] if words else None)

    return make


def test_a_node_declares_every_parameter_of_its_table(make_node):
    node = make_node()
    assert dict(values_of(declare(node, CartParameters))) == DEFAULTS
    for name, value in DEFAULTS.items():
        declared = node.get_parameter(name).value
        assert declared == (list(value) if isinstance(value, tuple) else value), name


def test_a_parameter_is_declared_for_each_item_that_the_list_has(make_node):
    node = make_node('riders:=[cid]', 'cid.hat:=red', 'ann.hat:=blue')
    assert declare(node, CartParameters).hats == {'cid': 'red'}
    assert node.has_parameter('cid.hat')
    assert not node.has_parameter('ann.hat')


@pytest.mark.parametrize('text', ['[]', "['']"])
def test_an_empty_list_on_the_command_line_is_none(make_node, text):
    node = make_node(f'riders:={text}')
    built = declare(node, CartParameters)
    assert (built.riders, built.hats) == ((), {})
    assert not node.has_parameter('ann.hat')


@pytest.mark.parametrize(
    ('given', 'reason'),
    [
        ('seats:=10', r'seats of node cart must be a whole number in \[1, 9\], got 10$'),
        ('seats:=2.0', r'seats of node cart must be a whole number in \[1, 9\], got 2.0$'),
        ('has_roof:=1', 'has_roof of node cart must be true or false, got 1$'),
        ('riders:=ann', "riders of node cart must be a list of texts, .*, got 'ann'$"),
        ('riders:=[true]', r'riders of node cart must be a list of texts, .*, got \[True\]$'),
        ('ann.hat:=[]', 'ann.hat must be text, got None$'),
        ('seats:=[]', r'seats must be a whole number in \[1, 9\], got None$'),
        ('wheel.material:=tin', "wheel.material must be one of rubber, wood, got 'tin'$"),
    ],
)
def test_a_node_refuses_a_value_that_cannot_be_used_with_its_name(make_node, given, reason):
    with pytest.raises(ConfigurationError, match=reason):
        declare(make_node(given), CartParameters)


def test_a_parameter_is_described_with_type_unit_bounds_and_whether_it_is_live(make_node):
    node = make_node()
    declare(node, CartParameters)
    radius = node.describe_parameter('wheel.radius')
    assert (radius.description, radius.read_only) == ('radius [m]', False)
    (bounds,) = radius.floating_point_range
    assert (bounds.from_value, bounds.to_value) == (0.01, 1.0)
    (bounds,) = node.describe_parameter('seats').integer_range
    assert (bounds.from_value, bounds.to_value) == (1, 9)
    material = node.describe_parameter('wheel.material')
    assert (material.additional_constraints, material.read_only) == ('one of rubber, wood', False)
    riders = node.describe_parameter('riders')
    assert (riders.type, riders.read_only) == (ParameterType.PARAMETER_STRING_ARRAY, False)
    assert node.describe_parameter('has_roof').read_only
    assert riders.additional_constraints == "a list of texts, or [''] for none"
    assert node.describe_parameter('ann.hat').description == 'hat of one of the riders'


def test_names_of_any_item_are_known_and_misspelt_ones_are_not():
    for name in ('seats', 'wheel.radius', 'ann.hat', 'zoe.hat'):
        assert is_known(name, [CartParameters]), name
    for name in (
        'seat',
        'hat',
        '.hat',
        'ann.b.hat',
        'ann.hats',
        'ann.',
        'wheel',
        'hats',
        '<rider>',
    ):
        assert not is_known(name, [CartParameters]), name
    assert is_known('radius', [CartParameters, WheelGroup])


def test_an_unknown_parameter_is_reported_with_the_closest_known_name(make_node):
    node = make_node(
        'seat:=3', 'ann.hat:=red', 'zoe.hat:=red', 'colour:=red', 'use_sim_time:=true'
    )
    assert list(unknown_parameters(node, [CartParameters])) == [
        'there is no parameter seat, its value is not used; is seats meant?',
        'there is no parameter colour, its value is not used',
    ]
