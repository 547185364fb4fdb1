"""Reads EDF+ and BDF+ files with edfio, pyEDFlib and MNE and compares them with what was written.

usage: edf_written.py FOLDER

FOLDER/list.tsv: file, sample rate in Hz, samples per channel. Beside each file: FILE.f32, its
samples in µV, interleaved; FILE.txt, the channels' names, the largest errors allowed, the start as
YYYYMMDDhhmmssuuuuuu or nothing, and a line of onset, duration and text for every event.
"""

import datetime
import pathlib
import sys
import warnings

import edfio
import mne
import numpy as np
import pyedflib

mne.set_log_level("ERROR")
# MNE has no name for our channels' types, and asks for a tenth of a second at least.
warnings.simplefilter("ignore")
folder = pathlib.Path(sys.argv[1])
count = 0


def alike(kind, file, events, expected, tolerance):
    key = lambda event: (round(event[0], 4), event[2])
    events, expected = sorted(events, key=key), sorted(expected, key=key)
    assert len(events) == len(expected), (kind, file, events, expected)
    for have, want in zip(events, expected):
        assert have[2] == want[2], (kind, file, have, want)
        assert abs(have[0] - want[0]) <= tolerance, (kind, file, have, want)
        assert abs(have[1] - want[1]) <= tolerance, (kind, file, have, want)


for line in (folder / "list.tsv").read_text().splitlines():
    file, rate, samples = line.split("\t")
    rate, samples, path = float(rate), int(samples), str(folder / file)
    names, bounds, start, *events = (folder / f"{file}.txt").read_text().split("\n")
    names, bounds = names.split("\t"), np.array([float(b) for b in bounds.split("\t")])
    events = [(float(o), float(d), t) for o, d, t in (e.split("\t") for e in events if e)]
    want = np.fromfile(f"{path}.f32", "<f4").reshape(samples, -1).T.astype(float)
    moment = datetime.datetime.strptime(start, "%Y%m%d%H%M%S%f") if start else None

    def close(kind, have):
        have = np.asarray(have)
        assert have.shape == want.shape, (kind, file, have.shape, want.shape)
        worst = np.abs(have - want).max(axis=1) / bounds
        assert worst.max() <= 1, (kind, file, worst.max())

    bdf = file.endswith(".bdf")
    their = edfio.read_bdf(path) if bdf else edfio.read_edf(path)
    close("edfio", [signal.data for signal in their.signals])
    assert [signal.label for signal in their.signals] == names, (file, their.labels)
    # As we read it: the rounding of the header's own number is checked there.
    assert all(abs(signal.sampling_frequency / rate - 1) < 1e-12 for signal in their.signals), file
    assert all(signal.physical_dimension == "uV" for signal in their.signals), file
    if moment:
        assert datetime.datetime.combine(their.startdate, their.starttime) == moment, file
    else:
        try:
            raise SystemExit(f"{file}: a start is made up: {their.startdate}")
        except edfio.AnonymizedDateError:
            pass
    notes = [(a.onset, a.duration or 0.0, a.text) for a in their.annotations]
    alike("edfio", file, notes, events, 1e-8)

    # It keeps time in units of 100 ns.
    with pyedflib.EdfReader(path) as reader:
        assert reader.getSignalLabels() == names, (file, reader.getSignalLabels())
        close("pyEDFlib", [reader.readSignal(i) for i in range(len(names))])
        onsets, durations, texts = reader.readAnnotations()
        notes = [(o, max(d, 0.0), t) for o, d, t in zip(onsets, durations, texts)]
        alike("pyEDFlib", file, notes, events, 2e-7)

    read = mne.io.read_raw_bdf if bdf else mne.io.read_raw_edf
    raw = read(path, preload=True)
    assert raw.ch_names == names, (file, raw.ch_names)
    assert abs(raw.info["sfreq"] / rate - 1) < 1e-12, (file, raw.info["sfreq"])
    close("MNE", raw.get_data() * 1e6)
    notes = [(a["onset"], a["duration"], a["description"]) for a in raw.annotations]
    if raw.first_time == 0 and moment and not moment.microsecond:
        # It cuts what goes on past the last sample.
        end = samples / rate
        events = [(onset, min(duration, end - onset), text) for onset, duration, text in events]
        alike("MNE", file, notes, events, 1e-6)
    else:
        assert sorted(n[2] for n in notes) == sorted(e[2] for e in events), file
    count += 1
print(count, "files")
