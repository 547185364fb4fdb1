"""Generated datasets as arrays, blocks and files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _cortex
from ._convert import optional_module, plain, real_numbers, refuse_bools

Samples = npt.NDArray[np.float32]


def _dataset(
    signal_type: str | EllipsisType,
    channels: int | None,
    sample_rate_hz: float | None,
    generator: str | os.PathLike[str] | None,
    threads: int | None,
    params: dict[str, Any],
    *,
    replace: bool = False,
    sha256: bool = False,
) -> _cortex.Dataset:
    if signal_type is not ... and not isinstance(signal_type, str):
        raise TypeError(
            'signal_type must be a str such as "pink_noise", or ... for the dataset of the '
            f"quickstart, but its type is {type(signal_type).__name__}"
        )
    refuse_bools(channels=channels, sample_rate_hz=sample_rate_hz, threads=threads)
    signal = None if signal_type is ... else signal_type
    return _cortex.Dataset(
        signal, channels, sample_rate_hz, plain(generator), threads, replace, sha256, plain(params)
    )


def _room(dataset: _cortex.Dataset) -> Samples:
    return np.empty((dataset.samples, dataset.channels), np.float32)


def generate(
    signal_type: str | EllipsisType,
    *,
    channels: int | None = None,
    sample_rate_hz: float | None = None,
    duration_s: float | None = None,
    seed: int | None = None,
    generator: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    **params: Any,
) -> Samples:
    """Generate a dataset in memory, with all cores and without the interpreter's lock.

    Parameters
    ----------
    signal_type
        Name of the signal: ``"pink_noise"``, ``"sine_wave"``, ... (``cortex-host list`` shows each
        version's). ``...`` stands for the dataset of the built-in quickstart, of which every other
        argument may change a part.
    channels
        Number of channels, 1 to 65536.
    sample_rate_hz
        Sample rate in Hz.
    duration_s
        Duration in seconds; times the rate, rounded to the nearest whole sample.
    seed
        Seed of all random streams. Default: 42.
    generator
        Version of the generator, ``"v1"``, ``"v2"`` or ``"v3"``, or the path of a primitive.
        Default: the first version that has the signal.
    threads
        Threads to generate with, 1 to 1024. Default: one per processor. The array is the same.
    **params
        The signal's own parameters by their names in configurations: ``amplitude_uv_rms=100.0``,
        ``frequency_hz=10.0``, ``line_noise={"frequency_hz": 50, "amplitude_uv": 5}``, ...

    Returns
    -------
    numpy.ndarray
        samples x channels, float32, in microvolts.

    Raises
    ------
    ValueError
        A parameter is missing, unknown or out of its range.
    TypeError
        An argument is of a type that none can have, such as a ``signal_type`` of None.
    MemoryError
        The array does not fit; use :func:`stream` or :func:`write`.

    Examples
    --------
    >>> import cortex
    >>> sine = cortex.generate("sine_wave", channels=2, sample_rate_hz=8, duration_s=1,
    ...                        frequency_hz=1.0, amplitude_uv_peak=10.0)
    >>> sine.shape
    (8, 2)
    >>> [round(float(value), 3) for value in sine[:3, 0]]
    [0.0, 7.071, 10.0]
    >>> cortex.generate("pink_nose", channels=2, sample_rate_hz=8, duration_s=1)
    Traceback (most recent call last):
        ...
    ValueError: generate: unknown signal_type "pink_nose"; generator v1 has sine_wave, pink_noise; did you mean "pink_noise"?
    """
    params = {"duration_s": duration_s, "seed": seed, **params}
    dataset = _dataset(signal_type, channels, sample_rate_hz, generator, threads, params)
    samples = _room(dataset)
    dataset.fill(samples)
    return samples


def generate_with_manifest(
    signal_type: str | EllipsisType,
    *,
    channels: int | None = None,
    sample_rate_hz: float | None = None,
    duration_s: float | None = None,
    seed: int | None = None,
    sha256: bool = False,
    generator: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    **params: Any,
) -> tuple[Samples, _cortex.Manifest]:
    """As :func:`generate`, with the manifest: everything that is needed to make the array again.

    Parameters
    ----------
    sha256
        Whether the manifest gets SHA-256, as ``hashlib`` has it, instead of the faster BLAKE3.

    Returns
    -------
    tuple
        The array and its :class:`Manifest`, whose ``digest`` is that of the array's bytes.

    Examples
    --------
    >>> import cortex, hashlib
    >>> data, manifest = cortex.generate_with_manifest(
    ...     "pink_noise", channels=4, sample_rate_hz=250, duration_s=1, sha256=True)
    >>> manifest.digest == "SHA-256 " + hashlib.sha256(data.tobytes()).hexdigest()
    True
    >>> "signal_type: pink_noise" in manifest.to_yaml()
    True
    """
    params = {"duration_s": duration_s, "seed": seed, **params}
    dataset = _dataset(
        signal_type, channels, sample_rate_hz, generator, threads, params, sha256=sha256
    )
    samples = _room(dataset)
    return samples, dataset.fill_with_manifest(samples)


def stream(
    signal_type: str | EllipsisType,
    *,
    channels: int | None = None,
    sample_rate_hz: float | None = None,
    duration_s: float | None = None,
    seed: int | None = None,
    block_samples: int = 4096,
    generator: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    **params: Any,
) -> Iterator[Samples]:
    """Generate a dataset block by block: for sets that are larger than memory.

    The blocks one after another are what :func:`generate` returns. Generation goes on in the
    background, a few blocks ahead, and ends with the iterator.

    Parameters
    ----------
    block_samples
        Samples per channel of a block; the last block may be shorter.

    Returns
    -------
    iterator of numpy.ndarray
        Blocks of block_samples x channels, float32, in microvolts.

    Examples
    --------
    >>> import cortex
    >>> blocks = cortex.stream("pink_noise", channels=2, sample_rate_hz=100, duration_s=1,
    ...                        block_samples=40)
    >>> [block.shape for block in blocks]
    [(40, 2), (40, 2), (20, 2)]
    """
    params = {"duration_s": duration_s, "seed": seed, **params}
    dataset = _dataset(signal_type, channels, sample_rate_hz, generator, threads, params)
    refuse_bools(block_samples=block_samples)
    width = dataset.channels
    return (block.reshape(-1, width) for block in dataset.blocks(block_samples))


def write(
    path: str | os.PathLike[str],
    signal_type: str | EllipsisType,
    *,
    channels: int | None = None,
    sample_rate_hz: float | None = None,
    duration_s: float | None = None,
    seed: int | None = None,
    replace: bool = False,
    sha256: bool = False,
    generator: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    **params: Any,
) -> _cortex.Manifest:
    """Write a dataset to a file, as ``cortex-host generate`` does, in the format of its extension.

    ``.float32`` holds interleaved little-endian float32 in microvolts and has a BrainVision header
    beside it; ``.vhdr``, ``.edf`` (EDF+, 16 bits), ``.bdf`` (BDF+, 24 bits) and ``.npy`` are the
    others. The file appears under its name only when it is whole, with its manifest beside it, and
    of generator ``v3`` the truth: spikes, events, channels and packets, as far as there are any.
    What a format cannot keep as it is, such as a rate of too many digits, is a warning.

    Parameters
    ----------
    replace
        Whether files that exist are replaced.
    sha256
        As for :func:`generate_with_manifest`.

    Raises
    ------
    ValueError
        A parameter is wrong, a file exists and ``replace`` is false, or the format cannot hold the
        samples (NaN in EDF).
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import cortex, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = os.path.join(folder.name, "data.float32")
    >>> manifest = cortex.write(file, "pink_noise", channels=4, sample_rate_hz=250, duration_s=1)
    >>> os.path.getsize(file)
    4000
    >>> cortex.reproduce(file + ".manifest.yaml")["reproduced"]
    True
    """
    if os.fspath(path) == "-":
        raise ValueError('write: "-" is no file; name one, or take the array that generate gives')
    params = {"duration_s": duration_s, "seed": seed, **params}
    dataset = _dataset(
        signal_type, channels, sample_rate_hz, generator, threads, params,
        replace=replace, sha256=sha256,
    )  # fmt: skip
    manifest = dataset.write(path)
    for sentence in manifest.warnings:
        warnings.warn(f"{os.fspath(path)}: {sentence}", stacklevel=2)
    return manifest


def reproduce(manifest: str | os.PathLike[str]) -> dict[str, Any]:
    """Make a dataset again from its manifest, and compare digests.

    Parameters
    ----------
    manifest
        A manifest, or the folder of a run. A data file that lies beside it is compared, too, if
        it holds the samples as they are generated: raw float32, BrainVision or ``.npy``.

    Returns
    -------
    dict
        ``reproduced``: whether everything is equal; ``data_file``: name of the file compared,
        or None; ``not_compared``: name of a file beside the manifest whose format (EDF, BDF,
        codes) has other bytes than those generated, or None;
        ``comparisons``: dicts with ``what``, ``expected``, ``found``, ``equal``.
    """
    return _cortex.reproduce(os.fspath(manifest))


def to_mne(
    data: npt.ArrayLike,
    sample_rate_hz: float,
    channel_names: list[str] | None = None,
    channel_type: str = "eeg",
) -> Any:
    """Make an ``mne.io.RawArray`` of an array.

    Parameters
    ----------
    data
        samples x channels, in microvolts.
    sample_rate_hz
        Sample rate in Hz.
    channel_names
        Default: ``E0001``, ``E0002``, ..., as in the headers that :func:`write` makes; those of
        v3's ``eeg`` name the electrodes of the 10-10 system instead.

    Returns
    -------
    mne.io.RawArray
        In volts, as MNE has it.

    Raises
    ------
    ImportError
        MNE is not installed.
    """
    mne = optional_module("mne", "to_mne")
    samples = real_numbers(data, "to_mne")
    if samples.ndim != 2:
        raise ValueError(f"to_mne takes samples x channels, but the array has {samples.ndim} axes")
    if channel_names is None:
        channel_names = _cortex.channel_names(samples.shape[1])
    info = mne.create_info(channel_names, sample_rate_hz, channel_type)
    return mne.io.RawArray(samples.T.astype(np.float64) * 1e-6, info, verbose="error")
