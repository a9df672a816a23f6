import pytest
from small_networks import assert_gradient_is_that_of_autograd
from small_networks import CONVOLUTIONS


@pytest.mark.parametrize('name', CONVOLUTIONS)
def test_the_gradient_of_a_convolution_is_that_of_autograd(name):
    assert_gradient_is_that_of_autograd(CONVOLUTIONS[name], name)
