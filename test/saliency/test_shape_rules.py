import pytest
from small_networks import assert_gradient_is_that_of_autograd
from small_networks import SHAPES


@pytest.mark.parametrize('name', SHAPES)
def test_the_gradient_of_a_shape_operation_is_that_of_autograd(name):
    assert_gradient_is_that_of_autograd(SHAPES[name], name)
