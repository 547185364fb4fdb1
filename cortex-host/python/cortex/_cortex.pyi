import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

class Manifest:
    """How a dataset was made, with digests of its bytes."""

    @property
    def digest(self) -> str: ...
    @property
    def warnings(self) -> list[str]: ...
    def to_yaml(self) -> str: ...

class Dataset:
    def __init__(
        self,
        signal: str | None,
        channels: int | None,
        sample_rate_hz: float | None,
        generator: str | None,
        threads: int | None,
        replace: bool,
        sha256: bool,
        params: dict[str, Any],
    ) -> None: ...
    @property
    def channels(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def sample_rate_hz(self) -> float: ...
    def fill(self, array: npt.NDArray[np.float32]) -> None: ...
    def fill_with_manifest(self, array: npt.NDArray[np.float32]) -> Manifest: ...
    def write(self, path: str | os.PathLike[str]) -> Manifest: ...
    def blocks(self, samples: int) -> Iterator[npt.NDArray[np.float32]]: ...

class Kernel:
    def __init__(
        self,
        name: str,
        channels: int,
        sample_rate_hz: float,
        window: int | None,
        hop: int | None,
        dtype: str,
        scale_uv: float | None,
        params: dict[str, Any],
    ) -> None: ...
    @property
    def is_windowed(self) -> bool: ...
    @property
    def output_sizes(self) -> list[int]: ...
    @property
    def output_unit(self) -> str: ...
    @property
    def missing_samples(self) -> int: ...
    @property
    def saturated_samples(self) -> int: ...
    def reset(self) -> None: ...
    def process(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]: ...
    def windows(self, samples: npt.NDArray[np.float32]) -> tuple[int, npt.NDArray[np.float32]]: ...

def channel_names(channels: int) -> list[str]: ...
def reproduce(path: str) -> dict[str, Any]: ...
def run(
    path: str | None,
    table: dict[str, Any] | None,
    settings: dict[str, Any],
    kernels: list[str],
    device: str | None,
    directory: str | os.PathLike[str] | None,
    name: str | None,
) -> tuple[str, str | None]: ...
