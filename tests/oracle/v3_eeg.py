"""Measures v3's eeg with MNE and SciPy and compares it with its parameters.

usage: v3_eeg.py CHECK DATA.vhdr PARAMETERS.json [+ CHECK DATA.vhdr PARAMETERS.json]...

CHECK: covariance, rhythm, p300, erd, csp, ssvep. PARAMETERS: all of the signal's, and "seed". Prints one
line of figures for each; an assertion that fails says what is off. Seeds are fixed; the rate of
false alarms stands beside each bound.
"""

import json
import math
import sys

import mne
import numpy as np
from scipy import linalg, signal, stats

import v2
import v3

mne.set_log_level("ERROR")


def open_data(vhdr):
    raw = mne.io.read_raw_brainvision(vhdr, preload=True, ignore_marker_types=True)
    raw.set_channel_types({name: "eeg" for name in raw.ch_names})
    return raw


def onsets(raw, label):
    """Samples at which events of this label begin."""
    events, codes = mne.events_from_annotations(raw, regexp=f"^{label}$")
    assert list(codes) == [label], codes
    return events[:, 0]


def covariance(raw, params):
    """Every pair against the design. With nearly white noise (exponent 0.01) of n samples the
    standard error of a covariance is sqrt((C_aa C_bb + C_ab^2) / n). Of 231 pairs one is beyond 4.5
    standard errors with probability 1.6e-3; the mean square of the deviations is 1 with a standard
    deviation below sqrt(2 / 21) = 0.3, since at least 21 of them are independent."""
    design = v3.covariance(params, len(raw.ch_names))
    sample = mne.compute_raw_covariance(raw, tstep=None, method="empirical").data * 1e12
    n = raw.n_times
    diagonal = np.diag(design)
    error = np.sqrt((np.outer(diagonal, diagonal) + design**2) / n)
    off = ((sample - design) / error)[np.tril_indices(len(design))]
    mean_square = np.mean(off**2)
    assert np.abs(off).max() < 4.5, np.abs(off).max()
    assert 0.1 < mean_square < 1.9, mean_square
    print(f"covariance: {len(off)} pairs, greatest deviation {np.abs(off).max():.2f} standard errors, "
          f"root mean square {math.sqrt(mean_square):.2f}")


def rhythm(raw, params):
    """Topography, peak and bandwidth of alpha without background. All electrodes see one course, so
    that their standard deviations are the topography's to rounding. By Welch's method the share of
    power within the bandwidth and the centre of gravity of the density are those of the rhythm: of
    T seconds they have relative standard errors of about 1 / sqrt(pi B T), 3 of them are allowed (0.3 %
    false alarms each); a centre's unit is half the bandwidth."""
    rate, peak, width = raw.info["sfreq"], params["alpha_hz"], params["alpha_bandwidth_hz"]
    x = raw.get_data() * 1e6
    poz = x[raw.ch_names.index("POz")]
    worst = 0.0
    for channel, name in enumerate(raw.ch_names):
        expected = v3.topography(channel, "POz")
        if expected > 0.01:
            worst = max(worst, abs(x[channel].std() / poz.std() / expected - 1.0))
    assert worst < 1e-3, worst
    error = 1.0 / math.sqrt(math.pi * width * raw.n_times / rate)
    assert abs(poz.std() / params["alpha_uv_rms"] - 1.0) < 3.0 * error
    f, density = signal.welch(poz, rate, nperseg=int(8 * rate), detrend=False)
    theory = rhythm_density(peak, width, rate, f)
    near = np.abs(f - peak) < 3.0 * width
    inside = np.abs(f - peak) <= width / 2.0

    def share(d):
        return d[inside].sum() / d[near].sum()

    def centre(d):
        return (f[near] * d[near]).sum() / d[near].sum()

    assert abs(share(density) / share(theory) - 1.0) < 3.0 * error, (share(density), share(theory))
    assert abs(centre(density) - centre(theory)) < 3.0 * error * width / 2.0
    assert np.abs(f[np.argmax(theory)] - peak) <= 0.25
    print(f"rhythm: topography of {len(raw.ch_names)} electrodes within {worst:.0e}, centre "
          f"{centre(density):.3f} Hz for {centre(theory):.3f}, {100 * share(density):.1f} % within the "
          f"bandwidth for {100 * share(theory):.1f} % +- {100 * error * share(theory):.1f}")


def p300(raw, params):
    """The response in the average of 200 target epochs at every electrode, by its projection on the
    template; the standard error is that of the 200 epochs' own projections. 3 of them: 0.27 % false
    alarms at Pz, 5.5 % at one of 21 electrodes, which are held to 4 (0.13 %). Then Pz sample by
    sample at the ends, the flanks and the peak."""
    events = onsets(raw, "target")
    # The first stimulus has nothing before it that could be a baseline.
    events = events[events > 0.3 * raw.info["sfreq"]][:200]
    assert len(events) == 200
    events = np.column_stack([events, np.zeros_like(events), np.ones_like(events)])
    epochs = mne.Epochs(raw, events, tmin=-0.3, tmax=0.7, baseline=(-0.3, 0.0), preload=True)
    data, times = epochs.get_data() * 1e6, epochs.times
    assert len(data) == 200
    w = np.maximum(1.0 - ((times - 0.35) / 0.2) ** 2, 0.0) ** 3
    # The baseline holds no response: taking its mean off leaves the template as it is.
    sizes = data @ w / (w @ w)
    worst = 0.0
    for channel, name in enumerate(raw.ch_names):
        expected = v3.response_uv(params) * v3.topography(channel, "Pz")
        mean = sizes[:, channel].mean()
        error = sizes[:, channel].std(ddof=1) / math.sqrt(200)
        off = (mean - expected) / error
        assert abs(off) < (3.0 if name == "Pz" else 4.0), (name, mean, expected, error)
        worst = max(worst, abs(off))
        if name == "Pz":
            at_pz = f"{mean:.2f} +- {error:.2f} uV for {expected:.2f} at Pz ({off:+.2f} standard errors)"
    pz = data[:, raw.ch_names.index("Pz")]
    average, error = pz.mean(0), pz.std(0, ddof=1) / math.sqrt(200)
    for seconds in (0.1, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65):
        at = np.argmin(np.abs(times - seconds))
        off = (average[at] - v3.response_uv(params) * w[at]) / error[at]
        assert abs(off) < 3.0, (seconds, off)
        worst = max(worst, abs(off))
    print(f"p300: 200 epochs, {at_pz}; greatest deviation of 21 electrodes and 7 instants {worst:.2f}")


def erd(raw, params):
    """Fall of power during imagery over the hemisphere opposite to the hand, by Welch's method.

    A rhythm of half-power bandwidth B has the correlation exp(-pi B |t|) cos(2 pi f t), so that power
    over T seconds has the relative variance 1 / (pi B T): Bartlett's formula. The ratio of imagery to
    rest then has 2 / (pi B T); three of its roots are to be below 2 % of the depth. C3 sees C4's
    rhythm, which does not fall, with the weight t, so the fall there is depth / (1 + t^2)."""
    rate = raw.info["sfreq"]
    peak, width = params["mu_hz"], params["mu_bandwidth_hz"]
    task, cue = params["task_s"], params["cue_s"]
    depth, seconds, rest, task_power = params["erd_depth"], 0.0, 0.0, 0.0
    segment = int(2 * rate)
    for site, hand in (("C3", "right_hand"), ("C4", "left_hand")):
        x = raw.get_data(picks=[site])[0] * 1e6

        def power(first, length):
            part = x[int(first) : int(first + length)]
            f, p = signal.welch(part, rate, nperseg=segment, detrend=False)
            band = (f > peak - 2 * width) & (f < peak + 2 * width)
            return p[band].sum() * (f[1] - f[0]) * length / rate

        for onset in onsets(raw, hand):
            if onset + task * rate > len(x):
                continue
            # Half a second of ramp at either end of imagery; the rebound is over before the cue.
            rest += power(onset - (cue - 1.0) * rate, (cue - 1.0) * rate) / (cue - 1.0)
            task_power += power(onset + 0.5 * rate, (task - 1.0) * rate) / (task - 1.0)
            seconds += min(task, cue) - 1.0
    weight = v3.topography(v3.NAMES.index("C3"), "C4")
    expected = depth / (1.0 + weight**2)
    found = 1.0 - task_power / rest
    error = (1.0 - expected) * math.sqrt(2.0 / (math.pi * width * seconds))
    assert 3.0 * error < 0.02 * depth, error
    assert abs(found - expected) < 0.02 * depth, (found, expected, error)
    print(f"erd: depth {found:.4f} for {expected:.4f} +- {error:.4f}, over {seconds:.0f} s")


def background_density(params, rate, f):
    """One-sided density of a background of unit variance."""
    decay, gains, taps, _, sigma = v2.power_law_design(
        params["background_corner_hz"] / rate, params["background_exponent"])
    z = np.exp(-2j * math.pi * f / rate)
    response = taps[0] + taps[1] * z
    for d, gain in zip(decay, gains):
        response = response + gain / (1.0 - (1.0 - d) * z)
    return 2.0 / rate * np.abs(response / sigma) ** 2


def rhythm_density(peak, width, rate, f):
    """One-sided density of a rhythm of unit variance."""
    r, angle = math.exp(-math.pi * width / rate), 2.0 * math.pi * peak / rate
    a1, a2 = 2.0 * r * math.cos(angle), -r * r
    gain = (1 + a2) * ((1 - a2) ** 2 - a1**2) / (1 - a2)
    z = np.exp(-2j * math.pi * f / rate)
    return 2.0 / rate * gain / np.abs(1.0 - a1 * z - a2 * z * z) ** 2


def implied_accuracy(params, channels, rate, band, seconds):
    """Accuracy that the design allows (docs/generator-v3.md, "What accuracy an SNR implies")."""
    sos = signal.butter(4, band, "bandpass", fs=rate, output="sos")
    f = np.linspace(0.0, rate / 2.0, 20_001)[1:-1]
    _, h = signal.sosfreqz(sos, f, fs=rate)
    gain = np.abs(h) ** 4  # forwards and backwards, as a power
    df = f[1] - f[0]
    background = background_density(params, rate, f) * gain
    mu = rhythm_density(params["mu_hz"], params["mu_bandwidth_hz"], rate, f) * gain
    noise = v3.covariance(params, channels)
    sides = [np.array([v3.topography(c, site) for c in range(channels)]) * v3.mu_uv(params)
             for site in ("C3", "C4")]
    left, right = (np.outer(a, a) for a in sides)
    fall = 1.0 - params["erd_depth"]
    # Left hand: the right hemisphere's rhythm falls.
    classes = [(left, fall * right), (fall * left, right)]
    total = lambda one: noise * background.sum() * df + (one[0] + one[1]) * mu.sum() * df
    _, vectors = linalg.eigh(total(classes[0]), total(classes[0]) + total(classes[1]))
    filters = vectors[:, -1], vectors[:, 0]  # for C3's rhythm, which class 0 leaves, and C4's
    accuracy = []
    for number, one in enumerate(classes):
        powers, freedom = [], []
        for w in filters:
            density = (w @ noise @ w) * background + (w @ (one[0] + one[1]) @ w) * mu
            powers.append(density.sum() * df)
            freedom.append(2.0 * seconds * (density.sum() * df) ** 2 / ((density**2).sum() * df))
        # Right when the ratio of the estimates lies on the side of the class.
        ratio = powers[1] / powers[0] if number == 0 else powers[0] / powers[1]
        order = freedom if number == 0 else freedom[::-1]
        accuracy.append(stats.f.sf(ratio, *order))
    return float(np.mean(accuracy))


def csp(raw, params):
    """Common spatial patterns and linear discriminant analysis, ten times trained on nine tenths of
    the trials and tried on the rest. n trials of accuracy p have the standard error
    sqrt(p (1 - p) / n), below 1 point for 1,200: 3 points are 3 of them (0.3 % false alarms)."""
    rate, channels = raw.info["sfreq"], len(raw.ch_names)
    band = (params["mu_hz"] - 1.5 * params["mu_bandwidth_hz"],
            params["mu_hz"] + 1.5 * params["mu_bandwidth_hz"])
    seconds = params["task_s"] - 1.0
    sos = signal.butter(4, band, "bandpass", fs=rate, output="sos")
    x = signal.sosfiltfilt(sos, raw.get_data() * 1e6)
    first, length = int(0.5 * rate), int(seconds * rate)
    trials, labels = [], []
    for number, hand in enumerate(("left_hand", "right_hand")):
        for onset in onsets(raw, hand):
            part = x[:, onset + first : onset + first + length]
            if part.shape[1] == length:
                trials.append(part @ part.T / length)
                labels.append(number)
    trials, labels = np.array(trials), np.array(labels)
    order = np.random.default_rng(1).permutation(len(labels))
    right = 0
    for fold in np.array_split(order, 10):
        train = np.setdiff1d(order, fold)
        mean = [trials[train][labels[train] == k].mean(0) for k in (0, 1)]
        _, vectors = linalg.eigh(mean[0], mean[0] + mean[1])
        filters = vectors[:, [-1, 0]]
        features = np.log(np.einsum("ik,tij,jk->tk", filters, trials, filters))
        centres = [features[train][labels[train] == k].mean(0) for k in (0, 1)]
        within = sum(np.cov(features[train][labels[train] == k].T) for k in (0, 1)) / 2
        direction = np.linalg.solve(within, centres[1] - centres[0])
        answers = (features[fold] - (centres[0] + centres[1]) / 2) @ direction > 0
        right += np.sum(answers == labels[fold])
    found = right / len(labels)
    implied = implied_accuracy(params, channels, rate, band, seconds)
    error = math.sqrt(implied * (1.0 - implied) / len(labels))
    assert error < 0.01, error
    assert abs(found - implied) < 0.03, (found, implied)
    print(f"csp: accuracy {100 * found:.1f} % of {len(labels)} trials for {100 * implied:.1f} % "
          f"+- {100 * error:.1f} at {params['snr_db']:g} dB")


def ssvep(raw, params):
    """Power of the response's first sine at Oz over that of the background. Trials of a flicker are
    averaged, since each begins at phase 0: what is left of the background at the sine's frequency
    is below 1e-3 of it. The background's power is that of the time without flicker, without the
    averages: its degrees of freedom are 2 T (int S)^2 / int S^2, some 24 T for a corner of 0.5 Hz, so
    that over T = 800 s its standard error is sqrt(2 / 19,200) = 1.0 %, 0.045 dB, and 0.2 dB are
    4.4 of them (1e-5 false alarms)."""
    rate, oz = raw.info["sfreq"], raw.get_data(picks=["Oz"])[0] * 1e6
    length, quiet = int(params["task_s"] * rate), np.ones(len(oz), dtype=bool)
    powers = []
    for number in range(params["flickers"]):
        hz = params["flicker_hz"] + params["flicker_step_hz"] * number
        starts = [s for s in onsets(raw, f"flicker_{number + 1}") if s + length <= len(oz)]
        average = np.mean([oz[s : s + length] for s in starts], axis=0)
        t = np.arange(length) / rate
        # Least squares on sine and cosine of every harmonic, in case a trial is no whole period.
        basis = np.column_stack([of(2 * math.pi * hz * h * t)
                                 for h in range(1, params["flicker_harmonics"] + 1)
                                 for of in (np.sin, np.cos)])
        fit = np.linalg.lstsq(basis, average, rcond=None)[0]
        powers.append((fit[0] ** 2 + fit[1] ** 2) / 2.0)
        for h in range(2, params["flicker_harmonics"] + 1):
            ratio = math.hypot(*fit[2 * h - 2 : 2 * h]) / math.hypot(*fit[:2])
            assert abs(ratio - 1.0 / h) < 0.1 / h, (h, ratio)
        for s in starts:
            quiet[s : s + length] = False
    # The last flicker may be cut off.
    quiet[-length:] = False
    found = 10.0 * math.log10(np.mean(powers) / np.mean(oz[quiet] ** 2))
    assert abs(found - params["snr_db"]) < 0.2, found
    print(f"ssvep: {found:+.3f} dB for {params['snr_db']:+g} dB, background over "
          f"{quiet.sum() / rate:.0f} s")


checks = {"covariance": covariance, "rhythm": rhythm, "p300": p300, "erd": erd, "csp": csp, "ssvep": ssvep}
arguments = sys.argv[1:]
while arguments:
    name, vhdr, parameters = arguments[:3]
    arguments = arguments[4:]
    with open(parameters) as file:
        checks[name](open_data(vhdr), json.load(file))
