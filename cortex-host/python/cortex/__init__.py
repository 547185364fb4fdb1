"""Synthetic neural data and signal-processing kernels as NumPy arrays.

Samples are float32 in microvolts, arrays are samples x channels. The bytes are those of the program
``cortex-host``: the same parameters give the same array on every machine, with any number of
threads.

>>> import cortex
>>> data = cortex.generate("pink_noise", channels=8, sample_rate_hz=250, duration_s=2, seed=42)
>>> data.shape, data.dtype
((500, 8), dtype('float32'))

Names, parameters, defaults and ranges are those of configurations. A mistake is a ``ValueError``
with the sentence that the command line prints, an argument of an impossible type a ``TypeError``;
trouble with files is an ``OSError``, with devices a ``ConnectionError``.
"""

from __future__ import annotations

from ._cortex import Manifest, __version__
from ._dataset import generate, generate_with_manifest, reproduce, stream, to_mne, write
from ._kernel import Kernel
from ._results import Results, RunError, run

__all__ = [
    "Kernel",
    "Manifest",
    "Results",
    "RunError",
    "__version__",
    "generate",
    "generate_with_manifest",
    "reproduce",
    "run",
    "stream",
    "to_mne",
    "write",
]
