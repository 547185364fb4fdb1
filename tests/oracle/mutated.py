"""Compares what was read of damaged recordings with edfio, MNE and NumPy.

usage: mutated.py DIR

DIR holds recordings (.edf, .vhdr, .npy), each with a .ours beside it: the samples as the project
read them, interleaved little-endian float32 in microvolts, and in .shape channels and samples.
Files that the other reader refuses are not compared. Prints how many were equal of each kind;
exits 1 and names the files when some differ.
"""

import json
import pathlib
import sys
import warnings

import edfio
import mne
import numpy as np

TO_MICROVOLTS = {"v": 1e6, "mv": 1e3, "uv": 1.0, "\u00b5v": 1.0, "\u03bcv": 1.0, "nv": 1e-3}


def edf(path):
    recording = edfio.read_edf(path)
    columns = []
    for signal in recording.signals:
        factor = TO_MICROVOLTS[signal.physical_dimension.strip().lower()]
        columns.append(signal.data.astype(np.float64) * factor)
    return np.stack(columns, axis=1)


def vhdr(path):
    raw = mne.io.read_raw_brainvision(path, preload=True, verbose="error")
    return raw.get_data().T * 1e6


def npy(path):
    array = np.load(path, allow_pickle=False)
    return array.reshape(array.shape[0], -1).astype(np.float64)


def main():
    warnings.simplefilter("ignore")
    equal, different = {}, []
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.ours")):
        source = next(p for p in path.parent.iterdir() if p.suffix in (".edf", ".vhdr", ".npy"))
        kind = source.suffix[1:]
        try:
            expected = {"edf": edf, "vhdr": vhdr, "npy": npy}[kind](source)
        except Exception:
            continue
        channels, samples = json.loads((path.with_suffix(".shape")).read_text())
        ours = np.fromfile(path, "<f4").reshape(samples, channels).astype(np.float64)
        same = ours.shape == expected.shape and np.allclose(
            ours, expected, rtol=1e-6, atol=1e-6 * np.nanmax(np.abs(expected), initial=0), equal_nan=True
        )
        if same:
            equal[kind] = equal.get(kind, 0) + 1
        else:
            different.append(f"{source}: {ours.shape} {ours.ravel()[:4]}, {expected.shape} {expected.ravel()[:4]}")
    print(json.dumps(equal, sort_keys=True))
    if different:
        raise SystemExit("\n".join(different))


main()
