"""Receives what `cortex-host stream --lsl` plays and compares it with what should come.

usage: lsl_inlet.py NAME DATA.float32 CHANNELS RATE EVENTS.tsv LIMIT_MS LIMIT_PPM

DATA and EVENTS are the whole dataset. Prints what was found; exits with 1 when a sample or event is
lost, doubled or wrong, a time stamp is not the sample clock's, more than a hundredth of the samples
come later than LIMIT_MS after their time stamp, or the clock drifts more than LIMIT_PPM between the
first and the last tenth of the samples' arrivals.
"""

import gc
import sys
import time

import numpy as np
import pylsl

name, data, channels, rate, events, limit_ms, limit_ppm = sys.argv[1:]
channels, rate = int(channels), float(rate)
want = np.fromfile(data, "<f4").reshape(-1, channels)
table = [line.split("\t") for line in open(events).read().splitlines()[1:]]


def inlet(stream_name):
    found = pylsl.resolve_byprop("name", stream_name, timeout=30)
    assert found, f"no stream {stream_name}"
    return pylsl.StreamInlet(found[0], max_buflen=600)


samples = inlet(name)
info = samples.info()
labels = []
channel = info.desc().child("channels").child("channel")
while not channel.empty():
    labels.append(channel.child_value("label"))
    assert channel.child_value("unit") == "microvolts"
    channel = channel.next_sibling()
assert len(labels) == channels == len(set(labels)), labels
assert info.nominal_srate() == rate and info.type() == "EEG"
markers = inlet(f"{name}-markers") if table else None
samples.open_stream()
if markers:
    markers.open_stream()

# Memory that is there before the first sample, and no collector of garbage between them: what is
# measured is the stream, not Python's boxes around 7,680,000 numbers.
rows = np.full((len(want), channels), np.nan, np.float32)
stamps, arrivals, texts = np.full(len(want), np.nan), np.full(len(want), np.nan), []
one = np.zeros(channels, np.float32)
gc.disable()
received, last = 0, time.monotonic()
while received < len(want) and time.monotonic() - last < 10:
    _, times = samples.pull_chunk(timeout=0.2, max_samples=1, dest_obj=one)
    if times:
        arrivals[received] = pylsl.local_clock()
        rows[received], stamps[received] = one, times[0]
        received += 1
        last = time.monotonic()
gc.enable()
if markers:
    while True:
        text, stamp = markers.pull_sample(timeout=1.0)
        if stamp is None:
            break
        texts.append((stamp, text[0]))
extra, _ = samples.pull_sample(timeout=0.5)

assert extra is None, "more samples than there are"
assert received == len(want), f"{received} of {len(want)} samples"
assert rows.tobytes() == want.tobytes(), "other samples"
ideal = stamps[0] + np.arange(len(stamps)) / rate
worst_stamp_us = np.abs(stamps - ideal).max() * 1e6
assert worst_stamp_us < 1, f"time stamps are off by {worst_stamp_us} µs"
late_ms = (arrivals - stamps) * 1e3
p50, p99 = np.quantile(late_ms, [0.5, 0.99])
# The least delays of the first and last tenth: what the scheduler adds is above them.
tenth = max(len(stamps) // 10, 1)
# A quantile near the bottom, not the least: one early outlier would decide alone.
low = [np.quantile(part, 0.1) for part in (late_ms[:tenth], late_ms[-tenth:])]
span_s = (len(stamps) - tenth) / rate
drift_ppm = (low[1] - low[0]) * 1e-3 / span_s * 1e6
assert [text for _, text in texts] == [row[2] for row in table], (texts[:3], table[:3])
onsets = np.array([stamp for stamp, _ in texts]) - stamps[0]
if table:
    assert np.abs(onsets - [float(row[0]) for row in table]).max() < 1 / rate
print(
    f"{len(rows)} samples, {len(texts)} markers: 0 lost, 0 doubled; "
    f"arrival after the time stamp p50 {p50:.3f} ms, p99 {p99:.3f} ms, most {late_ms.max():.3f} ms; "
    f"time stamps within {worst_stamp_us:.4f} µs; drift {drift_ppm:+.4f} ppm over {span_s:.0f} s"
)
assert p99 < float(limit_ms), f"p99 {p99} ms"
assert abs(drift_ppm) < float(limit_ppm), f"drift {drift_ppm} ppm"
