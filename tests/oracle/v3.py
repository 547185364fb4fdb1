"""Generator v3 from its description alone (docs/generator-v3.md): the independent reference.

ChaCha8, Box-Muller and every formula of spikes, eeg and front_end are written anew with NumPy.
What decides a bit (words, times, waveforms, envelopes, codes) is in 32-bit floats as the page says;
the power-law filters are v2.py's, in double precision.

usage: v3.py CASES.json OUT.f32    samples of each case, one after the other, as float32

CASES: a list of {"signal": {NAME: PARAMETERS}, "sample_rate_hz", "seed", "channels", "samples"},
every parameter given. Other oracles import the functions.
"""

import json
import math
import sys

import numpy as np
from scipy.signal import lfilter

import v2

F = np.float32
BLOCK = 64
TURN = 2**64
TICKS = 1 << 16


# Random numbers: ChaCha8, key = seed and domain, nonce = stream.

def words(seed, domain, streams, first_block, blocks):
    """Words of 64-word blocks: array of streams x (64 blocks), as uint32."""
    key = seed.to_bytes(8, "little") + domain.encode().ljust(24, b"\0")
    streams = np.atleast_1d(np.asarray(streams, dtype=np.uint32))
    counters = np.arange(4 * first_block, 4 * (first_block + blocks), dtype=np.uint64)
    start = np.empty((16, len(streams), len(counters)), dtype=np.uint32)
    constants = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    for i, word in enumerate(constants + list(np.frombuffer(key, "<u4"))):
        start[i] = word
    start[12] = counters.astype(np.uint32)
    start[13] = (counters >> np.uint64(32)).astype(np.uint32)
    start[14] = streams[:, None]
    start[15] = 0
    v = start.copy()

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            v[x] += v[y]
            t = v[z] ^ v[x]
            v[z] = (t << np.uint32(turn)) | (t >> np.uint32(32 - turn))

    for _ in range(4):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    v += start
    return v.transpose(1, 2, 0).reshape(len(streams), -1)


class Stream:
    """One stream's words by their place, in 16-word chunks computed 64 at a time."""

    def __init__(self, seed, domain, stream):
        self.of = (seed, domain, stream)
        self.known = {}

    def __getitem__(self, place):
        block, at = divmod(place, 1024)
        if block not in self.known:
            self.known[block] = words(*self.of, block * 16, 16)[0].tolist()
        return self.known[block][at]


def ln(x):
    """Natural logarithm of 32-bit floats, by the page's polynomial."""
    bits = np.asarray(x, dtype=F).view(np.int32).astype(np.int64)
    k = (bits - 0x3F3504F3) >> 23
    t = (bits - (k << 23)).astype(np.int32).view(F) - F(1)
    t2 = t * t
    p = F(0.087004386)
    for c in (-0.14267492, 0.14914769, -0.16577584, 0.19963063, -0.25001338, 0.3333391):
        p = p * t + F(c)
    return (t + (t2 * t * p - t2 * F(0.5))) + k.astype(F) * F(math.log(2.0))


def uniform(word):
    """In (0, 1], 31 bits of a word."""
    return ((np.asarray(word, dtype=np.int64) >> 1).astype(F) + F(0.5)) * F(2.0**-31)


def exponential(word):
    return -ln(uniform(word))


def sin_cos(phase):
    """Sine and cosine of phase / 2^32 turns, by the page's polynomials."""
    phase = np.asarray(phase, dtype=np.int64)
    quarter = ((phase + 0x20000000) & 0xFFFFFFFF) >> 30
    rest = (phase - (quarter << 30)) & 0xFFFFFFFF
    rest = np.where(rest >= 1 << 31, rest - (1 << 32), rest)
    x = rest.astype(F) * F(2.0 * math.pi / 2.0**32)
    z = x * x
    s = x + x * z * (F(-0.16666655) + z * (F(0.00833216) - z * F(0.00019515282)))
    c = F(1) - F(0.5) * z
    c = c + z * z * (F(0.041666646) + z * (F(-0.0013887368) + z * F(0.000024438452)))
    odd = (quarter & 1) == 1
    sin, cos = np.where(odd, c, s), np.where(odd, s, c)
    sin = np.where(quarter & 2, -sin, sin).astype(F)
    return sin, np.where((quarter + 1) & 2, -cos, cos).astype(F)


def normal_pair(radius_word, angle_word):
    radius = np.sqrt(F(2) * exponential(radius_word))
    sin, cos = sin_cos(angle_word)
    return radius * cos, radius * sin


def normals(pairs):
    """Words along the last axis to as many normal numbers."""
    cos, sin = normal_pair(pairs[..., ::2], pairs[..., 1::2])
    return np.stack([cos, sin], axis=-1).reshape(pairs.shape)


def normal(words_of_two):
    return F(normal_pair(*words_of_two)[0])


def power_law(seed, domain, streams, corner, exponent, sigma_out, samples):
    """v2's noise from another domain: streams x samples, in double precision."""
    decay, gains, taps, covariance, sigma = v2.power_law_design(corner, exponent)
    scale = sigma_out / sigma
    # The filter holds its gains as 32-bit floats.
    gains, taps = F(gains * scale).astype(float), F(taps * scale).astype(float)
    blocks = -(-samples // BLOCK)
    z = normals(words(seed, domain, streams, 0, 1 + blocks)).astype(float)
    # Sections at n = -2, then the last normal of block 0 is the noise of n = -1.
    state = z[:, : len(decay)] @ np.linalg.cholesky(covariance).T
    noise = z[:, BLOCK - 1 :]
    out = taps[0] * noise[:, 1:] + taps[1] * noise[:, :-1]
    for i, (d, gain) in enumerate(zip(decay, gains)):
        pole = 1.0 - d
        x, _ = lfilter([1.0], [1.0, -pole], noise, axis=1, zi=pole * state[:, i : i + 1])
        out += gain * x[:, 1:]
    return out[:, :samples]


# Bad channels and front end.

def fault(params, seed, channel):
    share = int(params["bad_channel_rate"] * 2.0**32 + 0.5)
    stream = Stream(seed, "cortex/bad/v3", channel)
    if stream[0] >= share:
        return None
    return "noisy" if stream[1] >> 31 else "flat"


def spoil(x, params, seed, background_uv):
    samples = x.shape[1]
    for channel, row in enumerate(x):
        kind = fault(params, seed, channel)
        if kind == "flat":
            row[:] = 0
        elif kind == "noisy":
            blocks = -(-samples // BLOCK)
            noise = normals(words(seed, "cortex/bad/v3", channel, 1, blocks)[0])
            row += F(10.0 * background_uv) * noise[:samples]
    return x


def converter(front_end):
    bits, step, noise = {
        "ads1299": (24, 2.0 * 4.5e6 / (front_end["gain"] or 24.0) / 2**24, 0.14),
        "intan_rhd": (16, 0.195, 2.4),
        "n1": (10, 7200.0 / 1024.0, 5.9),
        "custom": (16, 0.1, 0.0),
    }[front_end["converter"]]
    given = lambda name, own: own if front_end.get(name) is None else front_end[name]
    return given("bits", bits), given("step_uv", step), given("noise_uv_rms", noise)


def packets(front_end, seed, count):
    """Which packets are lost."""
    rate, recovery = front_end["loss_rate"], 1.0 / front_end["burst_packets"]
    share = lambda p: int(p * 2.0**32 + 0.5)
    first, after_lost = share(rate), share(1.0 - recovery)
    after_received = share(rate * recovery / (1.0 - rate))
    stream = Stream(seed, "cortex/loss/v3", 0)
    lost = []
    for n in range(count):
        bound = first if n == 0 else after_lost if lost[-1] else after_received
        lost.append(stream[n] < bound)
    return np.array(lost)


def front_end(x, params, seed):
    settings = params.get("front_end")
    if settings is None:
        return x
    samples, blocks = x.shape[1], -(-x.shape[1] // BLOCK)
    bits, step, noise_uv = converter(settings)
    if noise_uv > 0:
        streams = np.arange(len(x))
        noise = normals(words(seed, "cortex/frontend/v3", streams, 0, blocks))[:, :samples]
        x = x + F(noise_uv) * noise
    limit = settings.get("saturation_uv")
    x = np.clip(x, -F(1e12 if limit is None else limit), F(1e12 if limit is None else limit))
    # Halves to even, as IEEE 754 rounds.
    codes = np.clip(np.rint(x.astype(float) / step), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    # A code has no sign of zero.
    x = (codes * step + 0.0).astype(F)
    if settings["loss_rate"] > 0:
        each = settings["packet_samples"]
        lost = packets(settings, seed, -(-samples // each))
        x[:, np.repeat(lost, each)[:samples]] = np.nan
    return x


# Spikes.

def shape(u, a):
    """The waveform of the page, in double precision."""
    w = np.maximum(1.0 - u * u, 0.0)
    return -(w**3) * (w * (1.0 - 11.0 * u * u) + a * u * (110.0 * u * u - 30.0))


def trough(a):
    """Place and depth of the least value: the root of the derivative near -a."""
    polynomial = np.polynomial.Polynomial
    w = polynomial([1.0, 0.0, -1.0])
    v = -(w**3) * (w * polynomial([1.0, 0.0, -11.0]) + a * polynomial([0.0, -30.0, 0.0, 110.0]))
    roots = v.deriv().roots()
    real = roots[np.abs(roots.imag) < 1e-9].real
    root = real[np.argmin(np.abs(real + a))]
    # Polish: eigenvalues are good to 1e-12 only near the multiple roots at the ends.
    for _ in range(3):
        root -= v.deriv()(root) / v.deriv(2)(root)
    return root, -v(root)


class Unit:
    """What a unit draws once, and its spikes in order."""

    def __init__(self, params, rate, seed, number, far=False):
        self.number = number
        self.stream = Stream(seed, "cortex/far/v3" if far else "cortex/spikes/v3", number)
        self.far = far
        word = self.stream
        unit = [word[i] / 2.0**32 for i in range(8)]
        median = params["far_uv"] if far else params["unit_uv"]
        sigma = 0.0 if far else params["unit_sigma"]
        amplitude = math.exp(math.log(median) + sigma * float(normal((word[2], word[3]))))
        self.amplitude = F(amplitude)
        drift = params["drift_um"] / params["pitch_um"]
        self.place = [F(s * (2.0 * u - 1.0)) for s, u in zip((0.5, 0.5 - drift), unit)]
        narrow, wide = (ms * 1e-3 * rate for ms in (0.55, 0.85))
        self.half_width = narrow + (wide - narrow) * unit[4]
        self.asymmetry = 0.2 * unit[5]
        least, self.depth = trough(self.asymmetry)
        ticks = self.half_width * TICKS
        self.per_tick, self.trough, self.scale = F(1.0 / ticks), F(least), F(1.0 / self.depth)
        self.lead = int((1.0 + least) * ticks) + 1
        self.samples = min(int(2.0 * self.half_width) + 2, 64)
        # Firing.
        to_ticks = lambda ms: ms * 1e-3 * rate * TICKS
        if far:
            self.refractory, self.burst_share = 0, 0
            self.event = F(rate / params["far_rate_hz"] * TICKS)
            self.in_burst = F(0)
        else:
            more = params["burst_probability"] * (params["burst_spikes"] - 1)
            event_ms = (1.0 + more) * 1e3 / params["firing_rate_hz"] - more * params["burst_isi_ms"]
            self.refractory = int(to_ticks(params["refractory_ms"])) + 1
            self.event = F(to_ticks(event_ms - params["refractory_ms"]))
            self.in_burst = F(to_ticks(params["burst_isi_ms"] - params["refractory_ms"]))
            self.burst_share = int(params["burst_probability"] * 2.0**32 + 0.5)
        self.burst_spikes = params["burst_spikes"]
        self.jitter = F(params["spike_jitter"])
        first = F(unit[6]) * (F(self.refractory) + self.event)
        if first < F(self.refractory):
            self.first = int(first)
        else:
            self.first = self.refractory + int(exponential(word[7]) * self.event)

    def spikes(self, end):
        """(ticks, amplitude at distance 0) of the spikes whose support begins before sample `end`."""
        ticks, n, left, done = self.first, 0, 0, 0
        word = self.stream
        is_burst = lambda n: word[16 + 4 * n + 1] < self.burst_share
        if is_burst(0):
            left = self.burst_spikes - 1
        while self.first_sample(ticks) < end:
            mine = [word[16 + 4 * n + i] for i in range(4)]
            if self.far:
                relative = F(exponential(mine[2]))
            else:
                relative = max(F(1) + self.jitter * normal((mine[2], mine[3])), F(0.1))
            for _ in range(done):
                relative = relative * F(0.9)
            yield ticks, self.amplitude * relative
            mean = self.in_burst if left else self.event
            ticks += self.refractory + int(F(exponential(mine[0])) * mean)
            n += 1
            if left:
                left, done = left - 1, done + 1
            else:
                done = 0
                left = self.burst_spikes - 1 if is_burst(n) else 0

    def first_sample(self, ticks):
        return (ticks - self.lead + TICKS - 1) >> 16

    def evaluate(self, ticks):
        """Shape at the samples from the first on, -1 at the trough."""
        distance = self.first_sample(ticks) * TICKS - ticks + (np.arange(64) << 16)
        u = distance.astype(F) * self.per_tick + self.trough
        square = u * u
        w = np.maximum(F(1) - square, F(0))
        even = w * (F(1) - F(11) * square)
        odd = F(self.asymmetry) * (u * (F(110) * square - F(30)))
        return -(self.scale * (w * w * w * (even + odd)))


class Grid:
    def __init__(self, params, rate):
        self.columns = params["columns"]
        decay = params["decay_um"] / params["pitch_um"]
        self.inverse = F(1.0 / (decay * decay))
        self.drift = F(params["drift_um"] / params["pitch_um"])
        self.step = int(2.0**64 / (params["drift_period_s"] * rate))

    def gain(self, unit, electrode, sample):
        """Gain of a unit at an electrode, at `sample`; 0 where it is not seen."""
        home = unit.number // 8
        dx = electrode % self.columns - home % self.columns
        dy = electrode // self.columns - home // self.columns
        if max(abs(dx), abs(dy)) > 1:
            return F(0)
        sin, _ = sin_cos((sample * self.step % TURN) >> 32)
        x, y = unit.place
        dx, dy = F(dx) - x, F(dy) - (y + self.drift * F(sin))
        square = dx * dx + dy * dy
        left = max(F(1) - square * F(F(1) / F(2.25)), F(0))
        return left * left / (F(1) + square * self.inverse)

    def homes(self, channels):
        rows = (channels - 1) // self.columns + 2
        near = lambda home, e: (abs(e % self.columns - home % self.columns) <= 1
                                and abs(e // self.columns - home // self.columns) <= 1)
        homes = range(rows * self.columns)
        return [h for h in homes if any(near(h, e) for e in range(channels))]


def nearest_sample(ticks):
    return (ticks + TICKS // 2) >> 16


def noise_uv(params):
    db = params.get("snr_db")
    return params["noise_uv_rms"] if db is None else params["unit_uv"] / 10.0 ** (db / 20.0)


def units(params, rate, seed, channels):
    """All units that the channels can see, in the order of their numbers."""
    for home in Grid(params, rate).homes(channels):
        for j in range(params["units_per_electrode"]):
            yield Unit(params, rate, seed, 8 * home + j)


def spikes(params, rate, seed, channels, samples):
    grid = Grid(params, rate)
    blocks = -(-samples // BLOCK)
    total = np.zeros((channels, (blocks + 1) * BLOCK), dtype=F)
    # A spike is added in the block of its first sample: by home, unit and time, distant ones last.
    added = []
    for order, unit in enumerate(units(params, rate, seed, channels)):
        for ticks, amplitude in unit.spikes(blocks * BLOCK):
            at = nearest_sample(ticks)
            seen = [(e, amplitude * grid.gain(unit, e, at)) for e in range(channels)]
            block = max(unit.first_sample(ticks), 0) // BLOCK
            added.append((block, 0, order, ticks, unit, [(e, a) for e, a in seen if a > 0]))
    if params["far_rate_hz"] > 0:
        for channel in range(channels):
            unit = Unit(params, rate, seed, channel, far=True)
            for ticks, amplitude in unit.spikes(blocks * BLOCK):
                block = max(unit.first_sample(ticks), 0) // BLOCK
                added.append((block, 1, channel, ticks, unit, [(channel, amplitude)]))
    for _, _, _, ticks, unit, seen in sorted(added, key=lambda spike: spike[:4]):
        first, y = unit.first_sample(ticks), unit.evaluate(ticks)[: unit.samples]
        y = y[max(-first, 0) :]
        first = max(first, 0)
        for electrode, amplitude in seen:
            total[electrode, first : first + len(y)] += amplitude * y
    x = total[:, :samples]
    sigma = noise_uv(params)
    if sigma > 0:
        corner = params["noise_corner_hz"] / rate
        streams = np.arange(channels)
        noise = power_law(seed, "cortex/noise/v3", streams, corner, params["noise_exponent"],
                          sigma, samples)
        x = noise.astype(F) + x
    return front_end(spoil(x, params, seed, max(sigma, 1.0)), params, seed)


# EEG.

MONTAGE = (
    "Fp1 0 -4 Fpz 0 0 Fp2 0 4 F7 2 -4 F3 2 -2 Fz 2 0 F4 2 2 F8 2 4 T7 4 -4 C3 4 -2 Cz 4 0 C4 4 2 "
    "T8 4 4 P7 6 -4 P3 6 -2 Pz 6 0 P4 6 2 P8 6 4 O1 8 -4 Oz 8 0 O2 8 4 AF7 1 -4 AF3 1 -2 AFz 1 0 "
    "AF4 1 2 AF8 1 4 F5 2 -3 F1 2 -1 F2 2 1 F6 2 3 FT7 3 -4 FC5 3 -3 FC3 3 -2 FC1 3 -1 FCz 3 0 "
    "FC2 3 1 FC4 3 2 FC6 3 3 FT8 3 4 C5 4 -3 C1 4 -1 C2 4 1 C6 4 3 TP7 5 -4 CP5 5 -3 CP3 5 -2 "
    "CP1 5 -1 CPz 5 0 CP2 5 1 CP4 5 2 CP6 5 3 TP8 5 4 P5 6 -3 P1 6 -1 P2 6 1 P6 6 3 PO7 7 -4 "
    "PO3 7 -2 POz 7 0 PO4 7 2 PO8 7 4 Iz 9 0 P9 6 -5 P10 6 5"
).split()
NAMES = MONTAGE[::3]


def position(channel):
    """Electrode on the unit sphere: to the right ear, to the nose, up."""
    row, place = int(MONTAGE[3 * channel + 1]), int(MONTAGE[3 * channel + 2])
    step = math.pi / 10.0
    back = (row - 4) * step
    midline = np.array([0.0, -math.sin(back), math.cos(back)])
    if place == 0:
        return midline
    azimuth = math.copysign((row + 1) * step, place)

    def below_the_top(steps):
        radius = math.sin(steps * step)
        return np.array([radius * math.sin(azimuth), radius * math.cos(azimuth),
                         math.cos(steps * step)])

    if abs(place) == 5:
        return below_the_top(5)
    ring, part = below_the_top(4), abs(place) / 4.0
    angle = math.atan2(np.linalg.norm(np.cross(midline, ring)), midline @ ring)
    weights = math.sin((1.0 - part) * angle), math.sin(part * angle)
    return (weights[0] * midline + weights[1] * ring) / math.sin(angle)


SOURCES = 24
RHYTHM_SITES = ("C3", "C4", "C3", "C4", "POz")


def seen_from(place, site):
    """What an electrode at `place` sees of something at `site`."""
    return math.exp((place @ site - 1.0) / 0.2)


def topography(channel, name):
    return seen_from(position(channel), position(NAMES.index(name)))


def source_weights(channel):
    """Row of G."""
    row = []
    for k in range(SOURCES):
        z = 1.0 - (1.0 - math.cos(0.6 * math.pi)) * (k + 0.5) / SOURCES
        angle = math.pi * (3.0 - math.sqrt(5.0)) * k
        radius = math.sqrt(1.0 - z * z)
        place = np.array([radius * math.cos(angle), radius * math.sin(angle), z])
        row.append(seen_from(position(channel), place))
    return np.array(row) / np.linalg.norm(row)


def covariance(params, channels):
    """Of the background, in uV^2."""
    g = np.array([source_weights(c) for c in range(channels)])
    own = params["own_fraction"]
    return params["background_uv_rms"] ** 2 * ((1.0 - own) * g @ g.T + own * np.eye(channels))


def ratio_uv(params):
    return params["background_uv_rms"] * 10.0 ** (params["snr_db"] / 20.0)


def response_uv(params):
    if params.get("snr_db") is None:
        return params["evoked_uv"]
    return ratio_uv(params) * (math.sqrt(2.0) if params["paradigm"] == "ssvep" else 1.0)


def mu_uv(params):
    if params.get("snr_db") is None or params["paradigm"] != "motor_imagery":
        return params["mu_uv_rms"]
    return ratio_uv(params)


def half_up(x):
    return int(math.floor(x + 0.5))


class Trials:
    def __init__(self, params, rate, seed):
        self.params, self.rate, self.kind = params, rate, params["paradigm"]
        self.stream = Stream(seed, "cortex/trials/v3", 0)
        trial_s = params.get("trial_s")
        if trial_s is None:
            trial_s = 1.0 if self.kind == "p300" else params["cue_s"] + params["task_s"] + 2.0
        self.period = max(half_up(trial_s * rate), 1)
        self.onset = 0 if self.kind == "p300" else half_up(params["cue_s"] * rate)
        self.length = 1 if self.kind == "p300" else half_up(params["task_s"] * rate)

    def class_of(self, trial):
        word = self.stream[trial]
        if self.kind == "motor_imagery":
            return word >> 31
        if self.kind == "p300":
            return int(word < int(self.params["target_probability"] * 2.0**32 + 0.5))
        return word * self.params["flickers"] >> 32

    def events(self, samples):
        """(first sample, class) of the events that begin before `samples`."""
        if self.kind == "rest":
            return []
        count = max(0, -(-(samples - self.onset) // self.period))
        return [(n * self.period + self.onset, self.class_of(n)) for n in range(count)]

    def envelopes(self, samples):
        """Amplitude of the rhythms over the left and the right hemisphere."""
        both = np.ones((2, samples), dtype=F)
        if self.kind != "motor_imagery":
            return both
        at = np.arange(self.period) - self.onset
        since = at.astype(F)
        left = F(self.length) - since
        ramp, rebound = F(1.0 / (0.5 * self.rate)), F(half_up(1.5 * self.rate))

        def smooth(x):
            x = np.clip(x, F(0), F(1))
            return x * x * (F(3) - F(2) * x)

        fall = F(1) - F(self.params["erd_depth"]) * smooth(since * ramp) * smooth(left * ramp)
        rise = F(1) + F(self.params["ers_gain"]) * smooth(-left * ramp) * smooth(
            (rebound + left) * ramp)
        power = np.where(at < 0, F(1), np.where(left > 0, fall, np.where(-left < rebound, rise, F(1))))
        course = np.sqrt(power.astype(F))
        for first, hand in self.events(samples):
            start = first - self.onset
            part = both[1 - hand, start : start + self.period]
            part[:] = course[: len(part)]
        return both

    def evoked(self, samples):
        out = np.zeros(samples, dtype=F)
        if self.kind in ("rest", "motor_imagery"):
            return out
        amplitude = F(response_uv(self.params))
        for first, kind in self.events(samples):
            if self.kind == "p300":
                if kind == 1:
                    since = np.arange(half_up(0.55 * self.rate) + 2)
                    u = (since.astype(F) - F(0.35 * self.rate)) / F(0.2 * self.rate)
                    w = np.maximum(F(1) - u * u, F(0))
                    part = out[first : first + len(since)]
                    part += (amplitude * (w * w * w))[: len(part)]
                continue
            hz = self.params["flicker_hz"] + self.params["flicker_step_hz"] * kind
            step = int(hz / self.rate * 2.0**64 + 0.5)
            part = out[first : first + self.length]
            phases = [n * step % TURN for n in range(len(part))]
            for h in range(1, self.params["flicker_harmonics"] + 1):
                sin, _ = sin_cos([(phase * h % TURN) >> 32 for phase in phases])
                part += amplitude / F(h) * sin
        return out


def rhythm(seed, j, peak, width, samples):
    """A resonator of unit variance on white noise."""
    r = math.exp(-math.pi * width)
    a1, a2 = F(2.0 * r * math.cos(2.0 * math.pi * peak)), F(-r * r)
    h1, h2 = float(a1), float(a2)
    b = F(1.0 / math.sqrt((1.0 - h2) / ((1.0 + h2) * ((1.0 - h2) ** 2 - h1 * h1))))
    correlation = h1 / (1.0 - h2)
    z = normals(words(seed, "cortex/rhythm/v3", j, 0, 1 + -(-samples // BLOCK))[0])
    x1 = z[0]
    x2 = F(correlation) * z[0] + F(math.sqrt(max(1.0 - correlation**2, 0.0))) * z[1]
    out = np.empty(samples, dtype=F)
    for n in range(samples):
        x1, x2 = a1 * x1 + a2 * x2 + b * z[BLOCK + n], x1
        out[n] = x1
    return out


class Artefacts:
    def __init__(self, params, rate, seed):
        self.params, self.rate, self.seed = params, rate, seed

    def stream(self, number):
        return Stream(self.seed, "cortex/artefact/v3", number)

    def intervals(self, name, stream, seconds, samples):
        """(first sample, length) of what begins before `samples`."""
        per_min = self.params[name]
        if per_min == 0:
            return
        length = max(half_up(seconds * self.rate), 1)
        mean, least = F(max(60.0 / per_min * self.rate - length, 0.0)), length
        if name == "ecg_per_min":
            gap = F(length) + mean
            least, mean = int(F(0.9) * gap), F(0.1) * gap
        source, n = self.stream(stream), 0
        at = int(F(exponential(source[0])) * mean)
        while at < samples:
            yield at, length
            n += 1
            at += least + int(F(exponential(source[n])) * mean)

    def blinks(self, samples):
        return self.intervals("blinks_per_min", 0, 0.4, samples)

    def bursts(self, samples):
        return self.intervals("emg_per_min", 1, self.params["emg_s"], samples)

    def beats(self, samples):
        return self.intervals("ecg_per_min", 2, 0.1, samples)

    def pops(self, channel, samples):
        return self.intervals("pops_per_min", 64 + channel, 8.0 * self.params["pop_decay_s"], samples)

    def shared(self, samples):
        """Columns of blinks, muscles left and right, and the heart, each with its electrode."""
        columns = np.zeros((4, samples), dtype=F)

        def place(length):
            return (2 * np.arange(length) + 1).astype(F) / F(length) - F(1)

        def bump(u):
            w = F(1) - u * u
            return w * w * w

        def put(column, first, values):
            columns[column, first : first + len(values)] = values[: samples - first]

        for first, length in self.blinks(samples):
            put(0, first, F(self.params["blink_uv"]) * bump(place(length)))
        for first, length in self.bursts(samples):
            source = self.stream(3)
            pairs = np.array([source[n] for n in range(2 * first, 2 * (first + length))])
            noise, _ = normal_pair(pairs[::2], pairs[1::2])
            put(1 + first % 2, first, F(self.params["emg_uv_rms"]) * bump(place(length)) * noise)
        for first, length in self.beats(samples):
            u = place(length)
            w = F(1) - u * u
            put(3, first, F(self.params["ecg_uv"]) * w * w * w * (F(1) - F(9) * u * u))
        return zip(columns, ("Fpz", "T7", "T8", "P9"))

    def mains(self, samples):
        out, params = np.zeros(samples, dtype=F), self.params
        if params["mains_uv"] == 0:
            return out
        step = int(params["mains_hz"] / self.rate * 2.0**64 + 0.5)
        slow = int(2.0**64 / (60.0 * self.rate))
        lead = params["mains_wander_hz"] * 60.0 / (2.0 * math.pi)
        sin, _ = sin_cos([(n * slow % TURN) >> 32 for n in range(samples)])
        leads = [int(lead * float(s) * 2.0**32) << 32 for s in sin]
        phases = [(n * step + ahead) % TURN for n, ahead in enumerate(leads)]
        for h in range(1, params["mains_harmonics"] + 1):
            sin, _ = sin_cos([(phase * h % TURN) >> 32 for phase in phases])
            out += F(params["mains_uv"]) / F(h * h) * sin
        return out

    def own(self, channel, samples):
        """Pops and slow drift of a channel."""
        out, params = np.zeros(samples, dtype=F), self.params
        decay = F(math.exp(-1.0 / (params["pop_decay_s"] * self.rate)))
        for first, length in self.pops(channel, samples):
            value = F(params["pop_uv"])
            for n in range(first, min(first + length, samples)):
                out[n], value = value, value * decay
        if params["wander_uv"] > 0:
            source = self.stream((1 << 30) + channel)
            start, factor = source[0] << 32, 0.5 + source[1] / 2.0**32
            step = int(2.0**64 / (self.rate * params["wander_period_s"]) / factor)
            sin, _ = sin_cos([((start + n * step) % TURN) >> 32 for n in range(samples)])
            out += F(params["wander_uv"]) * sin
        return out


def eeg(params, rate, seed, channels, samples):
    background, own = params["background_uv_rms"], params["own_fraction"]
    corner, exponent = params["background_corner_hz"] / rate, params["background_exponent"]
    streams = np.arange(SOURCES + channels)
    noise = power_law(seed, "cortex/eeg/v3", streams, corner, exponent, 1.0, samples).astype(F)
    trials, artefacts = Trials(params, rate, seed), Artefacts(params, rate, seed)
    x = noise[SOURCES:] * F(background * math.sqrt(own))
    weights = [source_weights(c) for c in range(channels)]
    scale = background * math.sqrt(1.0 - own)

    def add(column, weight_of):
        for channel in range(channels):
            x[channel] += column * F(weight_of(channel))

    for k in range(SOURCES):
        add(noise[k], lambda c: scale * weights[c][k])
    left, right = trials.envelopes(samples)
    sizes = [mu_uv(params)] * 2 + [params["beta_uv_rms"]] * 2 + [params["alpha_uv_rms"]]
    for j, (site, size) in enumerate(zip(RHYTHM_SITES, sizes)):
        kind = ("mu", "mu", "beta", "beta", "alpha")[j]
        course = rhythm(seed, j, params[f"{kind}_hz"] / rate,
                        params[f"{kind}_bandwidth_hz"] / rate, samples)
        envelope = (left, right, left, right, np.ones(samples, dtype=F))[j]
        add(envelope * course, lambda c: size * topography(c, site))
    site = "Oz" if params["paradigm"] == "ssvep" else "Pz"
    add(trials.evoked(samples), lambda c: topography(c, site))
    for column, site in artefacts.shared(samples):
        add(column, lambda c: topography(c, site))
    add(artefacts.mains(samples), lambda c: 1.0)
    for channel in range(channels):
        x[channel] += artefacts.own(channel, samples)
    return front_end(spoil(x, params, seed, background), params, seed)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    with open(sys.argv[2], "wb") as file:
        for case in cases:
            (name, params), = case["signal"].items()
            make = {"SpikeParams": spikes, "EegParams": eeg}[name]
            x = make(params, case["sample_rate_hz"], case["seed"], case["channels"], case["samples"])
            file.write(x.T.astype("<f4").tobytes())
