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

"""Keras files that the HDF5 library does not survive are refused as any other."""

from __future__ import annotations

import base64
import zlib

import h5py
import numpy as np
import pytest
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.models import keras_file
from rtcnn_perception.training.models.keras_file import read_layers

SOUND = zlib.decompress(
    base64.b85decode(
        'c-rln%}&BV5XX1>5gP&#6B7{?>y4-f-$0C@9E=$Cz)g)bVgi_`Q9S7pZytRFk3NP+j~;y!rQMmbyF{8)F-'
        'GQ>kjc(YTbTWK$`0I@iyNs#Ho<%xhgmGmWIllQvO323L$Dld2keu9ejdzaz&`=!*W>ngOC>-'
        '0Lj$k#ZVT%$ViYNt)^>bbg)!>s#Zcp#XEm>JaP6I*)Gse2T^3?qmorn*ZyNNQA5--nrQgRa9#4>ddwS~FYTWTz>&mx'
        'YtESY|xcc4Ot`z+WjCIpB)p}iqaowgh8U#MK^n4{*9rBrEligKq9Nl>52d$%~cM<rfxwz-kVa~-'
        '$a4tqzzR+6IL(cb^(wGmZNAELY+>WYS^J?7YdS#1Cg$Z>5A2ZaU^8O^9n%eXKT8q>D$ip~kiXaGrAP9mW2!bGfi>SV'
        '3eNI^FyN@P%-xB-Rg{&Hf{hhF{_|5BzzNHcB?s-f-KQ^{pt*`#3$K~Pp+-'
        'R;J_AT{%C1FK5O9g#P@ry~XaT(RO<l1_3sYsZ?*cLvH^Fk5a;$e(z@jQ;^|9U<X_$J(W=ry`*%3)KtFmHDw{dvPM;H'
        '`-Sn7kV(;<=is>QL7~@55JTskZ!NJ$lUzw;qM}kycNJc^_H7lF_?Wdc}Pa1VIqQ|J?ttEYbddl<D8cWt8u)u-'
        'y)A{C%0bAR_dQQRh$PqwoJzi=>e_d;*Rt)@u'
    )
)
"""A file with two layers as h5py 3.16 writes it; what damages it depends on where things lie."""


def write_damaged(path, bit):
    """Write the file with one bit flipped."""
    damaged = bytearray(SOUND)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)


def test_weights_are_read(tmp_path):
    (tmp_path / 'a.h5').write_bytes(SOUND)
    layers = read_layers(tmp_path / 'a.h5')
    assert {name: [each.shape for each in w] for name, w in layers.items()} == {
        'conv': [(3, 3, 1, 8)],
        'end': [(7,)],
    }
    assert all(np.all(array == 1.0) for weights in layers.values() for array in weights)


def test_a_file_that_keeps_the_library_in_a_loop_is_refused(tmp_path, monkeypatch):
    write_damaged(tmp_path / 'a.h5', 16455)
    monkeypatch.setattr(keras_file, 'MOST_SECONDS', 1)
    with pytest.raises(ModelError, match='the HDF5 library has not read it in 1 s'):
        read_layers(tmp_path / 'a.h5')


def test_a_file_that_ends_the_process_is_refused(tmp_path):
    write_damaged(tmp_path / 'a.h5', 15113)
    with pytest.raises(ModelError, match=r'the HDF5 library fails on it \(SIGSEGV\)'):
        read_layers(tmp_path / 'a.h5')


def test_many_names_of_one_array_are_bounded(tmp_path):
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        group = file.create_group('model_weights')
        group.attrs['layer_names'] = [b'conv']
        layer = group.create_group('conv')
        layer.create_dataset('w', shape=(keras_file.MOST_WEIGHTS // 2,), dtype=np.float32)
        layer.attrs['weight_names'] = [b'w'] * 40
    with pytest.raises(ModelError, match='weights and more, of which 10000000 are read'):
        read_layers(tmp_path / 'a.h5')
