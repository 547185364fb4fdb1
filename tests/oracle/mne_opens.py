"""Opens a converted dataset with MNE and compares it with what MNE (or NumPy) says itself.

usage: mne_opens.py CHECK [+ CHECK]...

CHECK: edf ORIGINAL.edf CONVERTED.vhdr
       raw DATA.float32 CHANNELS RATE DATA.vhdr
       npy DATA.npy DATA.float32 CHANNELS
"""

import sys
import warnings

import mne
import numpy as np

mne.set_log_level("ERROR")
warnings.simplefilter("error")


def open_header(vhdr):
    # Names of markers as in EDF: T1, not Comment/T1.
    return mne.io.read_raw_brainvision(vhdr, preload=True, ignore_marker_types=True)


def edf(original, vhdr):
    mine, theirs = open_header(vhdr), mne.io.read_raw_edf(original, preload=True)
    mne.datasets.eegbci.standardize(theirs)
    assert mine.ch_names == theirs.ch_names, (mine.ch_names, theirs.ch_names)
    assert mine.info["sfreq"] == theirs.info["sfreq"]
    assert mine.n_times == theirs.n_times
    assert mine.info["meas_date"] == theirs.info["meas_date"]
    # Both are volts in doubles; ours went through float32, exact for whole microvolts.
    np.testing.assert_allclose(mine.get_data(), theirs.get_data(), rtol=1e-15, atol=1e-20)
    ours = [(round(a["onset"], 6), round(a["duration"], 6), a["description"])
            for a in mine.annotations]
    real = [(round(a["onset"], 6), round(a["duration"], 6), a["description"]) for a in theirs.annotations]
    assert ours == real, (ours[:3], real[:3])
    mine.set_montage("standard_1005")


def raw(data, channels, rate, vhdr):
    mine, stored = open_header(vhdr), np.fromfile(data, "<f4").reshape(-1, int(channels)).T
    assert mine.info["sfreq"] == float(rate), mine.info["sfreq"]
    assert mine.ch_names == [f"E{i + 1:04}" for i in range(int(channels))]
    np.testing.assert_allclose(mine.get_data(), stored.astype(np.float64) * 1e-6, rtol=1e-15)


def npy(array, data, channels):
    np.testing.assert_array_equal(
        np.load(array), np.fromfile(data, "<f4").reshape(-1, int(channels)))
    assert np.load(array).dtype == np.dtype("<f4")


checks = [[]]
for argument in sys.argv[1:]:
    if argument == "+":
        checks.append([])
    else:
        checks[-1].append(argument)
for kind, *arguments in checks:
    {"edf": edf, "raw": raw, "npy": npy}[kind](*arguments)
print("equal")
