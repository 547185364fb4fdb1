"""Runs and their results."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _cortex
from ._convert import optional_module, plain


class RunError(RuntimeError):
    """A run that broke off or whose windows failed. ``results`` has what there is of it."""

    def __init__(self, message: str, results: Results) -> None:
        super().__init__(message)
        self.results = results


class Results:
    """The folder of a run.

    Parameters
    ----------
    folder
        A folder that ``cortex-host run`` or :func:`run` has made.

    Attributes
    ----------
    folder : pathlib.Path
        The folder.
    summary : dict
        ``summary.json``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        try:
            text = (self.folder / "summary.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{self.folder} is no run: it has no summary.json; "
                "give a folder that cortex-host run has made"
            ) from None
        self.summary: dict[str, Any] = json.loads(text)

    def __repr__(self) -> str:
        return f"<cortex.Results of {self.folder}>"

    @property
    def kernels(self) -> list[str]:
        """The kernels' names, in the order they were run."""
        return [kernel["name"] for kernel in self.summary["kernels"]]

    @property
    def report(self) -> Path:
        """The report, an HTML page."""
        return self.folder / "report.html"

    def telemetry(self, kernel: str) -> dict[str, npt.NDArray[Any]]:
        """Every window of a kernel, one array per column of its telemetry (times are int64
        nanoseconds, flags 0 or 1)."""
        folder = self._kernel_folder(kernel)
        lines = folder / "telemetry.ndjson"
        if lines.exists():
            with lines.open(encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
        else:
            with (folder / "telemetry.csv").open(encoding="utf-8", newline="") as file:
                rows = [{key: _scalar(text) for key, text in row.items()} for row in csv.DictReader(file)]
        columns = rows[0] if rows else {}
        return {name: np.array([row[name] for row in rows]) for name in columns}

    def latencies_us(self, kernel: str) -> dict[str, npt.NDArray[np.float64]]:
        """``kernel`` and ``end_to_end`` of every window that counts (no warm-up, not failed), in
        microseconds."""
        rows = self.telemetry(kernel)
        counts = (rows["warmup"] == 0) & (rows["window_failed"] == 0)
        spent = {
            "kernel": rows["device_tend_ns"] - rows["device_tstart_ns"],
            "end_to_end": rows["end_ts_ns"] - rows["release_ts_ns"],
        }
        return {name: values[counts] / 1e3 for name, values in spent.items()}

    def to_pandas(self) -> Any:
        """The telemetry of all kernels as one ``pandas.DataFrame``; ``plugin`` is the kernel.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = optional_module("pandas", "to_pandas")
        frames = [pandas.DataFrame(self.telemetry(kernel)) for kernel in self.kernels]
        return pandas.concat(frames, ignore_index=True) if frames else pandas.DataFrame()

    def outputs(self, kernel: str) -> npt.NDArray[np.float32]:
        """The kernel's outputs of the first repeat, of runs with ``include_raw_data``."""
        outputs: npt.NDArray[np.float32] = np.load(self._kernel_folder(kernel) / "outputs.npy")
        return outputs

    def _kernel_folder(self, kernel: str) -> Path:
        if kernel not in self.kernels:
            raise ValueError(f'no kernel "{kernel}" in {self.folder}; it has {", ".join(self.kernels)}')
        return self.folder / "kernel-data" / kernel


def _scalar(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            pass
    return text


def run(
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    set: Mapping[str, Any] | None = None,
    kernels: str | Iterable[str] = (),
    device: str | None = None,
    directory: str | os.PathLike[str] | None = None,
    name: str | os.PathLike[str] | None = None,
) -> Results:
    """Run kernels on a dataset and leave a results folder, as ``cortex-host run`` does.

    Parameters
    ----------
    config
        A configuration: a file, or its keys and values as a dict. Default: the built-in quickstart.
    set
        Values in place of the configuration's: ``{"dataset.channels": 128}``; none of them None.
    kernels
        Run only these kernels of the configuration: their names, or one name.
    device
        ``"native"``, ``"loopback"``, ``"serial:///dev/ttyACM0?baud=921600"``, ... in place of the
        configuration's.
    directory
        The folder in which the run's folder is made.
    name
        Name of the run's folder, in place of one made of the time.

    Raises
    ------
    ValueError
        The configuration cannot be used.
    RunError
        The run broke off, or windows failed; its ``results`` has what there is.

    Examples
    --------
    >>> import cortex, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> results = cortex.run(kernels=["car"], set={"execution.pace": "max"}, directory=folder.name)
    >>> results.kernels
    ['car']
    >>> bool((results.latencies_us("car")["kernel"] > 0).all())
    True
    """
    table, path = None, None
    if isinstance(config, Mapping):
        table = plain(config)
    elif config is not None:
        path = os.fspath(config)
    settings = plain(dict(set or {}))
    for key, value in settings.items():
        if value is None:
            raise ValueError(f"set: {key} is None; give the value it shall have, or leave it out")
    chosen = [kernels] if isinstance(kernels, str) else list(kernels)
    folder, failure = _cortex.run(path, table, settings, chosen, device, directory, plain(name))
    results = Results(folder)
    if failure is not None:
        raise RunError(failure, results)
    return results
