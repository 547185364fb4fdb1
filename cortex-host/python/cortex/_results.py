"""Runs and their results."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from . import _cortex
from ._convert import optional_module, plain

_T = TypeVar("_T")

# Columns of telemetry that are texts; the others are numbers.
_TEXTS = {"run_id", "plugin", "adapter_name", "label"}

# Columns that latencies are made of.
_LATENCY_COLUMNS = {
    "release_ts_ns", "end_ts_ns", "device_tstart_ns", "device_tend_ns", "warmup", "window_failed",
}  # fmt: skip


class RunError(RuntimeError):
    """A run that broke off or whose windows failed. ``results`` has what there is of it."""

    def __init__(self, message: str, results: Results) -> None:
        super().__init__(message)
        self.results = results

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.results), self.__dict__


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

    Raises
    ------
    FileNotFoundError
        The folder is no run, or, from a method, the run has not kept the file that is asked for.
    ValueError
        A file was changed or is not whole.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.summary: dict[str, Any] = _read(
            self.folder / "summary.json",
            "summary of a run",
            _summary,
            f"{self.folder} is no run: it has no summary.json; "
            "give a folder that cortex-host run has made",
        )

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
        path = folder / "telemetry.ndjson"
        if not path.exists():
            path = folder / "telemetry.csv"
        # A run that was killed may end within a row.
        running = self.summary.get("status") == "running"
        return _read(
            path,
            "telemetry",
            lambda path: _telemetry(path, running),
            f"{folder} has neither telemetry.ndjson nor telemetry.csv; "
            f"the summary says whether {kernel} was run",
        )

    def latencies_us(self, kernel: str) -> dict[str, npt.NDArray[np.float64]]:
        """``kernel`` and ``end_to_end`` of every window that counts (no warm-up, not failed), in
        microseconds."""
        rows = self.telemetry(kernel)
        if not rows:
            raise ValueError(
                f"{self._kernel_folder(kernel)} has no windows to take latencies of; "
                f"the summary says whether {kernel} was run"
            )
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
        folder = self._kernel_folder(kernel)
        return _read(
            folder / "outputs.npy",
            "array of outputs",
            _outputs,
            f"{folder} has no outputs.npy: the run has not kept its raw outputs; "
            'run it again with set={"output.include_raw_data": True}',
        )

    def _kernel_folder(self, kernel: str) -> Path:
        if kernel not in self.kernels:
            known = ", ".join(self.kernels) or "none"
            raise ValueError(f'no kernel "{kernel}" in {self.folder}; it has {known}')
        return self.folder / "kernel-data" / kernel


def _read(path: Path, what: str, reader: Callable[[Path], _T], missing: str) -> _T:
    """What a reader makes of a file of a run; whatever is wrong with it is one sentence."""
    try:
        return reader(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(missing) from None
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(
            f"{path}: this is no {what} ({_sentence(error)}); the file was changed or is not whole"
        ) from None


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _summary(path: Path) -> dict[str, Any]:
    summary = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(summary, dict) or not isinstance(summary.get("kernels"), list):
        raise ValueError("it has no list of kernels")
    for kernel in summary["kernels"]:
        if not isinstance(kernel, dict) or not isinstance(kernel.get("name"), str):
            raise ValueError("a kernel has no name")
    return summary


def _telemetry(path: Path, running: bool) -> dict[str, npt.NDArray[Any]]:
    columns: dict[str, list[Any]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file), []) if path.suffix == ".csv" else None
        for number, line in enumerate(file, 1 if names is None else 2):
            if running and not line.endswith("\n"):
                break
            try:
                row = json.loads(line) if names is None else _csv_row(names, line)
                if not isinstance(row, dict) or not row:
                    raise ValueError("it is no row of columns")
                if not columns:
                    columns = {name: [] for name in row}
                if row.keys() != columns.keys():
                    raise ValueError("it has other columns than the first row")
            except Exception as error:
                raise ValueError(f"line {number}: {_sentence(error)}") from None
            for name, value in row.items():
                columns[name].append(value)
    arrays = {name: np.array(values) for name, values in columns.items()}
    for name, array in arrays.items():
        kinds, what = ("U", "texts") if name in _TEXTS else ("iuf", "numbers")
        if array.ndim != 1 or array.dtype.kind not in kinds:
            raise ValueError(f"{name} holds something else than {what}")
    if arrays and not _LATENCY_COLUMNS <= arrays.keys():
        raise ValueError(f"it has no {min(_LATENCY_COLUMNS - arrays.keys())}")
    return arrays


def _csv_row(names: list[str], line: str) -> dict[str, Any]:
    texts = next(csv.reader([line], strict=True))
    if len(texts) != len(names):
        raise ValueError(f"it has {len(texts)} values for {len(names)} columns")
    row = zip(names, texts, strict=True)
    return {name: text if name in _TEXTS else _number(text) for name, text in row}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _outputs(path: Path) -> npt.NDArray[np.float32]:
    with path.open("rb") as file:
        outputs: npt.NDArray[np.float32] = np.lib.format.read_array(file)
    return outputs


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
