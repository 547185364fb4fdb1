"""Signal-processing kernels on arrays."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from . import _cortex
from ._convert import plain, real_numbers, refuse_bools


class Kernel:
    """A kernel with its state, which takes any number of samples at a time.

    Parameters
    ----------
    name
        ``"bandpass_fir"``, ``"car"``, ``"fft"``, ``"goertzel"``, ``"noop"``, ``"notch_iir"`` or
        ``"welch_psd"``.
    channels
        Number of channels, 1 to 65536.
    sample_rate_hz
        Sample rate in Hz.
    window
        Window length in samples. Default: 160.
    hop
        New samples per window after the first. Default: half the window.
    dtype
        Type of the samples that the kernel computes on: ``"f32"``, or ``"q15"`` or ``"q31"``, fixed
        point for processors without a floating-point unit. In and out are microvolts as ever.
    scale_uv
        Microvolts per step of ``"q15"`` and ``"q31"``, which need it.
    **params
        The kernel's own parameters by their names in configurations.

    Examples
    --------
    >>> import cortex, numpy as np
    >>> car = cortex.Kernel("car", channels=2, sample_rate_hz=160)
    >>> car.process(np.array([[1, 3], [10, 20]]))
    array([[-1.,  1.],
           [-5.,  5.]], dtype=float32)
    >>> psd = cortex.Kernel("welch_psd", channels=2, sample_rate_hz=160, window=160, nperseg=128)
    >>> psd.windows(np.zeros((400, 2))).shape
    (4, 65, 2)
    >>> fixed = cortex.Kernel("car", channels=2, sample_rate_hz=160, dtype="q15", scale_uv=0.5)
    >>> fixed.process(np.array([[1, 3], [10.2, 20]]))
    array([[-1.,  1.],
           [-5.,  5.]], dtype=float32)
    """

    def __init__(
        self,
        name: str,
        *,
        channels: int,
        sample_rate_hz: float,
        window: int | None = None,
        hop: int | None = None,
        dtype: str = "f32",
        scale_uv: float | None = None,
        **params: Any,
    ) -> None:
        refuse_bools(channels=channels, sample_rate_hz=sample_rate_hz, scale_uv=scale_uv)
        refuse_bools(window=window, hop=hop)
        self._kernel = _cortex.Kernel(
            name, channels, sample_rate_hz, window, hop, dtype, scale_uv, plain(params)
        )
        self._channels = channels
        self._name = name

    def __repr__(self) -> str:
        return f"<cortex.Kernel {self._name} of {self._channels} channels>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a kernel's state can be neither copied nor pickled; make another kernel")

    @property
    def is_windowed(self) -> bool:
        """Whether one call gives one result, of the last ``window`` samples, else a row per row."""
        return self._kernel.is_windowed

    @property
    def output_unit(self) -> str:
        """Unit of the outputs."""
        return self._kernel.output_unit

    @property
    def missing_samples(self) -> int:
        """Missing samples (NaN, infinite, beyond 1e12 µV) since the last reset."""
        return self._kernel.missing_samples

    @property
    def saturated_samples(self) -> int:
        """Samples and outputs of ``"q15"`` or ``"q31"`` that lay beyond the range and were set to
        its end, since the last reset."""
        return self._kernel.saturated_samples

    def reset(self) -> None:
        """Begin anew: the state before the first sample."""
        self._kernel.reset()

    def process(self, rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Take the next samples, samples x channels in microvolts; the state goes on.

        Parameters
        ----------
        rows
            An array of real numbers of any type and layout. NaN stands for a missing sample.

        Returns
        -------
        numpy.ndarray
            samples x channels, or, of a windowed kernel, one result of the last ``window`` samples.
        """
        output = self._kernel.process(self._samples(rows))
        if self.is_windowed:
            return output.reshape(self._kernel.output_sizes)
        return output.reshape(-1, *self._kernel.output_sizes)

    def windows(self, samples: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """What a run makes of a recording: from fresh state, ``window`` samples first and ``hop``
        samples from then on, as long as there are enough. The state is then that after the last
        window.

        Returns
        -------
        numpy.ndarray
            windows x the shape of one result, or, of other kernels, samples x channels.
        """
        count, output = self._kernel.windows(self._samples(samples))
        if self.is_windowed:
            return output.reshape(count, *self._kernel.output_sizes)
        return output.reshape(-1, *self._kernel.output_sizes)

    def _samples(self, samples: npt.ArrayLike) -> npt.NDArray[np.float32]:
        array = real_numbers(samples, self._name)
        if array.ndim != 2 or array.shape[1] != self._channels:
            raise ValueError(
                f"{self._name} takes samples x {self._channels} channels, "
                f"but the array is {' x '.join(map(str, array.shape))}"
            )
        return np.require(array, np.float32, ["C", "A"])
