"""Reads a BIDS data set with MNE-BIDS and compares it with the recording that it was made from.

usage: bids_reads.py ROOT ORIGINAL.edf GENERATED.float32

Subjects 1, 2 and 3, task motor, run 3: BrainVision (exact), EDF (16 bits) and BDF (24 bits).
Subject 4, BDF, was generated with the parameters of GENERATED, beside which lie its events.
"""

import sys
import warnings

import mne
import mne_bids
import numpy as np

mne.set_log_level("ERROR")
warnings.simplefilter("ignore")
root, original, generated = sys.argv[1:]


def read(subject):
    path = mne_bids.BIDSPath(subject=subject, task="motor", run="3", datatype="eeg", root=root)
    raw = mne_bids.read_raw_bids(path, verbose="ERROR")
    raw.load_data()
    return raw


real = mne.io.read_raw_edf(original, preload=True)
mne.datasets.eegbci.standardize(real)
want = real.get_data()
expected = [(a["onset"], a["description"]) for a in real.annotations]
count = 0
for subject, bits in [("1", 32), ("2", 16), ("3", 24)]:
    raw = read(subject)
    assert raw.ch_names == real.ch_names, raw.ch_names
    assert raw.info["sfreq"] == real.info["sfreq"]
    assert raw.info["meas_date"] == real.info["meas_date"], raw.info["meas_date"]
    have = raw.get_data()
    assert have.shape == want.shape, have.shape
    # Half a step of the range; the samples are whole microvolts, which float32 holds.
    step = (want.max(axis=1) - want.min(axis=1) + 1e-6) / (2 ** min(bits, 24) - 1)
    bound = step / 2 if bits < 32 else step * 0 + 1e-15
    assert (np.abs(have - want).max(axis=1) <= bound + 1e-15).all(), (subject, bits)
    notes = [(a["onset"], a["description"]) for a in raw.annotations]
    assert [n[1] for n in notes] == [e[1] for e in expected], (notes[:3], expected[:3])
    assert np.allclose([n[0] for n in notes], [e[0] for e in expected], atol=1e-6)
    count += 1
raw = read("4")
want = np.fromfile(generated, "<f4").reshape(-1, len(raw.ch_names)).T.astype(float) * 1e-6
# The limits are rounded outwards to eight characters, at worst a hundredth of a microvolt here.
bound = (want.max(axis=1) - want.min(axis=1) + 2e-8) / (2**24 - 1) / 2 + 1e-12
assert (np.abs(raw.get_data() - want).max(axis=1) <= bound).all()
table = open(generated.replace(".float32", "_events.tsv")).read().splitlines()[1:]
rows = [line.split("\t") for line in table]
assert [a["description"] for a in raw.annotations] == [row[2] for row in rows]
assert np.allclose([a["onset"] for a in raw.annotations], [float(row[0]) for row in rows], atol=1e-6)
bad = open(generated.replace(".float32", "_channels.tsv")).read().splitlines()[1:]
assert sorted(raw.info["bads"]) == sorted(row.split("\t")[0] for row in bad if "\tbad\t" in row)
assert raw.info["bads"], "no bad channel was tried"
count += 1
print(count, "recordings")
