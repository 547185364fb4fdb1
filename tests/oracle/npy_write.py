"""Writes the same small recording as .npy in every order and type that is read, and what is
expected from it as float32, interleaved.

usage: npy_write.py FOLDER
"""

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
data = np.random.default_rng(3).normal(0, 30, (500, 7))
for kind in ("<f4", "<f8", "<i2", "<i4"):
    for order in "CF":
        array = np.asarray(data, dtype=kind, order=order)
        name = f"{kind[1:]}{order}"
        np.save(folder / f"{name}.npy", array)
        array.astype("<f4").tofile(folder / f"{name}.expected", )
        np.save(folder / f"{name}-first.npy", np.asarray(data.T, dtype=kind, order=order))
        np.asarray(array.astype("<f4"), order="C").tofile(folder / f"{name}-first.expected")
