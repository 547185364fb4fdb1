"""Writes EDF and BDF files with edfio, and what edfio itself reads from them.

usage: edf_awkward.py FOLDER

For each NAME: FOLDER/NAME.edf or .bdf, FOLDER/NAME.expected (physical values in uV, cast to
float32, interleaved) and FOLDER/NAME.events (onset, duration, text; tab-separated).
"""

import datetime
import pathlib
import sys

import numpy as np
from edfio import Bdf, BdfSignal, Edf, EdfAnnotation, EdfSignal, read_bdf, read_edf

TO_UV = {"uV": lambda x: x, "mV": lambda x: x * 1e3, "V": lambda x: x * 1e6, "nV": lambda x: x / 1e3}


def expect(folder, name, recording):
    columns = [TO_UV[s.physical_dimension](s.data) for s in recording.signals]
    np.stack(columns, axis=1).astype("<f4").tofile(folder / f"{name}.expected")
    with open(folder / f"{name}.events", "w") as out:
        for a in recording.annotations:
            out.write(f"{a.onset}\t{'' if a.duration is None else a.duration}\t{a.text}\n")


def main(folder):
    rng = np.random.default_rng(5)

    def edf(name, signals, **kw):
        Edf(signals, **kw).write(folder / f"{name}.edf")
        expect(folder, name, read_edf(folder / f"{name}.edf"))

    def bdf(name, signals, **kw):
        Bdf(signals, **kw).write(folder / f"{name}.bdf")
        expect(folder, name, read_bdf(folder / f"{name}.bdf"))

    # Odd physical ranges, whose gain and offset are not exact in binary.
    ranges = [(-3276.8, 3276.7), (-187.5, 187.4), (-0.333, 12345.6), (1e-3, 2e-3), (500, -500)]
    digital = rng.integers(-32768, 32768, (len(ranges), 250 * 8)).astype(np.int16)
    edf("ranges", [
        EdfSignal.from_digital(d, 250, label=f"R{i}", physical_dimension="uV", physical_range=r)
        for i, (d, r) in enumerate(zip(digital, ranges))
    ])
    edf("units", [
        EdfSignal.from_digital(d, 200, label=u, physical_dimension=u, physical_range=(-8.1, 8.3))
        for d, u in zip(digital, TO_UV)
    ])
    # Narrow digital range, records of a tenth of a second, one channel.
    small = rng.integers(-2048, 2048, 1000).astype(np.int16)
    edf("tenth", [EdfSignal.from_digital(small, 500, label="EEG Cz", physical_dimension="uV",
                                         physical_range=(-812.4, 811.9), digital_range=(-2048, 2047))],
        data_record_duration=0.1)
    # Annotations before, between and after, with and without duration, a start within a second.
    edf("annotated", [EdfSignal.from_digital(small, 100, label="C3", physical_dimension="uV",
                                             physical_range=(-100, 100), digital_range=(-2048, 2047))],
        annotations=[
            EdfAnnotation(0, None, "start"), EdfAnnotation(1.25, 0.5, "left, hand"),
            EdfAnnotation(1.25, None, "twice"), EdfAnnotation(9.990001, 0, "\u00e4\u00f6 \u03bcV"),
        ], starttime=datetime.time(3, 4, 5, 678000))
    wide = rng.integers(-8388608, 8388608, (3, 1024)).astype(np.int32)
    bdf("biosemi", [
        BdfSignal.from_digital(w, 512, label=f"A{i}", physical_dimension="uV", physical_range=(-262144, 262143))
        for i, w in enumerate(wide)
    ], annotations=[EdfAnnotation(0.5, 0.25, "bdf+")])
    # More than one read window (4 MiB): 40 channels of 60,000 samples.
    many = rng.integers(-32768, 32768, (40, 60_000)).astype(np.int16)
    edf("large", [
        EdfSignal.from_digital(m, 1000, label=f"C{i}", physical_dimension="uV", physical_range=(-3200, 3200.7))
        for i, m in enumerate(many)
    ])
    # One record longer than the window.
    edf("onerecord", [
        EdfSignal.from_digital(m, 1000, label=f"C{i}", physical_dimension="uV", physical_range=(-3200, 3200.7))
        for i, m in enumerate(many)
    ], data_record_duration=60)


main(pathlib.Path(sys.argv[1]))
