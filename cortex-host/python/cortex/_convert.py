"""Values from Python to the compiled part, and modules that not every user has."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_DEEPEST = 64


def plain(value: Any, depth: int = 0) -> Any:
    """A parameter's value made of dicts, lists, texts, numbers and bools.

    Any mapping becomes a dict, a path its text, NumPy's bool Python's. What no configuration can
    hold stays as it is: the compiled part refuses it.
    """
    if depth > _DEEPEST:
        raise ValueError(
            f"a value holds itself, or others more than {_DEEPEST} deep; give a flatter one"
        )
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a key must be a str, but {key!r} is of type {type(key).__name__}")
        return {key: plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if is_bool(value):
        return bool(value)
    return value


def is_bool(value: Any) -> bool:
    """Whether a value is a bool, Python's or NumPy's, or an array that stands for one."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.ndim == 0 and value.dtype.kind == "b"
    return isinstance(value, bool)


def refuse_bools(**numbers: Any) -> None:
    """Python takes ``True`` for 1; a number of channels is none."""
    for name, value in numbers.items():
        if is_bool(value):
            raise ValueError(f"{name} must be a number, but it is {value}")


def real_numbers(samples: npt.ArrayLike, taker: str) -> npt.NDArray[Any]:
    """Samples as an array of real numbers, none of them masked, of whatever type they have."""
    if isinstance(samples, np.ma.MaskedArray) and np.ma.is_masked(samples):
        raise ValueError(
            f"{taker} takes samples without a mask; "
            "give samples.filled(np.nan), which makes the masked ones missing"
        )
    array = np.asarray(samples)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{taker} takes real numbers, but the array's type is {array.dtype}; "
            "give one of float32 in microvolts"
        )
    return array


def optional_module(name: str, taker: str) -> Any:
    """A module that the package does not require."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        sentence = f"{taker} needs {name}, which is not installed: pip install {name}"
        raise ImportError(sentence, name=name) from None
