"""The installed package: its arrays are the command line's bytes, its mistakes the command line's
sentences. CORTEX_HOST names the program to compare with."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cortex
import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
SHAPE = {"channels": 67, "sample_rate_hz": 160, "duration_s": 2.05}


def command_line(*arguments):
    program = os.environ["CORTEX_HOST"]
    return subprocess.run([program, "--quiet", *arguments], capture_output=True, check=False)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("signal_type", "generator", "params"),
    [
        ("pink_noise", "v1", {"amplitude_uv_rms": 50.0, "seed": 7}),
        ("pink_noise", "v1", {"normalize": "exact"}),
        ("sine_wave", "v1", {"frequency_hz": 12.5}),
        ("pink_noise", "v2", {"exponent": 1.5, "dc_offset_uv": -30.0}),
        ("white_noise", "v2", {"nan_rate": 0.01}),
        ("chirp", "v2", {"start_hz": 2.0, "end_hz": 40.0}),
    ],
)
def test_the_bytes_are_those_of_the_command_line(signal_type, generator, params):
    data = cortex.generate(signal_type, generator=generator, **SHAPE, **params)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in params.items()]
    made = command_line(
        "generate", signal_type, "67", "160", "2.05", "-",
        f"--primitive=primitives/datasets/{generator}/synthetic", *options,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert (data.shape, data.dtype) == ((328, 67), np.float32)
    assert sha256(data.tobytes()) == sha256(made.stdout)


def test_a_golden_dataset_has_its_golden_digest():
    data = cortex.generate("pink_noise", channels=8, sample_rate_hz=160, duration_s=4096 / 160)
    spec = (ROOT / "primitives/datasets/v1/synthetic/spec.yaml").read_text()
    assert sha256(data.tobytes()) in spec


def test_the_seed_guides_snippet_runs_as_written():
    from cortex import generate

    data1 = generate(..., seed=42)  # Platform A
    data2 = generate(..., seed=42)  # Platform B

    assert np.isclose(data1.mean(), data2.mean(), rtol=1e-9)
    assert np.isclose(data1.std(), data2.std(), rtol=1e-9)
    assert data1.shape[1] == 64
    assert not np.array_equal(data1, generate(..., seed=43))


def test_blocks_are_the_array_and_a_stream_may_be_left():
    whole = cortex.generate("pink_noise", **SHAPE)
    blocks = list(cortex.stream("pink_noise", block_samples=100, **SHAPE))
    assert [len(block) for block in blocks] == [100, 100, 100, 28]
    assert np.concatenate(blocks).tobytes() == whole.tobytes()
    long = cortex.stream("pink_noise", channels=64, sample_rate_hz=30_000, duration_s=1e6)
    assert next(long).shape == (4096, 64)
    del long


def test_a_manifest_reproduces(tmp_path):
    data, manifest = cortex.generate_with_manifest("pink_noise", sha256=True, **SHAPE)
    assert manifest.digest == f"SHA-256 {sha256(data.tobytes())}"
    (tmp_path / "data.manifest.yaml").write_text(manifest.to_yaml())
    found = cortex.reproduce(tmp_path / "data.manifest.yaml")
    assert found["reproduced"]
    assert command_line("reproduce", str(tmp_path / "data.manifest.yaml")).returncode == 0
    changed = manifest.to_yaml().replace("seed: 42", "seed: 43")
    (tmp_path / "changed.yaml").write_text(changed)
    assert not cortex.reproduce(tmp_path / "changed.yaml")["reproduced"]


def test_a_file_is_written_whole_and_not_replaced(tmp_path):
    file = tmp_path / "data.float32"
    written = cortex.write(file, "pink_noise", **SHAPE)
    data, manifest = cortex.generate_with_manifest("pink_noise", **SHAPE)
    assert file.read_bytes() == data.tobytes()
    assert written.digest == manifest.digest
    with pytest.raises(ValueError, match="exists already"):
        cortex.write(file, "pink_noise", **SHAPE)
    cortex.write(file, "pink_noise", replace=True, **{**SHAPE, "channels": 2})
    assert file.stat().st_size == 2 * 328 * 4
    # Below a file there is no room for another.
    with pytest.raises(OSError, match="cannot "):
        cortex.write(file / "data.float32", "pink_noise", **SHAPE)


@pytest.mark.parametrize("extension", ["edf", "bdf", "npy", "vhdr"])
def test_the_extension_is_the_format(tmp_path, extension):
    cortex.write(tmp_path / f"python.{extension}", "pink_noise", **SHAPE)
    made = command_line(
        "generate", "pink_noise", "67", "160", "2.05", str(tmp_path / f"line.{extension}")
    )
    assert made.returncode == 0, made.stderr
    # A header names its file of samples.
    name = "eeg" if extension == "vhdr" else extension
    written = [(tmp_path / f"{maker}.{name}").read_bytes() for maker in ("python", "line")]
    assert written[0] == written[1]
    if extension == "npy":
        data = np.load(tmp_path / "python.npy")
        assert np.array_equal(data, cortex.generate("pink_noise", **SHAPE))


def test_what_a_format_cannot_keep_is_a_warning(tmp_path):
    shape = {"channels": 1, "sample_rate_hz": 333.123456789, "duration_s": 3}
    with pytest.warns(UserWarning, match="the header has the sample rate"):
        cortex.write(tmp_path / "odd.edf", "pink_noise", **shape)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("pink_nose", 67, 160, 2.05), {}),
        (("pink_noise", 0, 160, 2.05), {}),
        (("pink_noise", 67, 160, 1e-9), {}),
        (("pink_noise", 67, 160, 2.05), {"amplitude_uv_rms": -1.0}),
        (("pink_noise", 67, 160, 2.05), {"frequency_hz": 3.0}),
        (("sine_wave", 67, 160, 2.05), {"frequency_hz": 80.0}),
    ],
)
def test_mistakes_are_the_command_lines_sentences(arguments, options):
    signal_type, channels, rate, duration = arguments
    with pytest.raises(ValueError) as raised:
        cortex.generate(
            signal_type, channels=channels, sample_rate_hz=rate, duration_s=duration, **options
        )
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    said = command_line("generate", *map(str, arguments), "-", *flags).stderr.decode()
    assert str(raised.value) in said


def test_what_is_missing_or_unknown_is_said():
    with pytest.raises(ValueError, match="dataset.channels is missing; give the number of channels"):
        cortex.generate("pink_noise", sample_rate_hz=160, duration_s=1)
    with pytest.raises(ValueError, match="unknown key .*amplitude_uv_rm"):
        cortex.generate("pink_noise", amplitude_uv_rm=3, **SHAPE)
    with pytest.raises(TypeError, match="a set is no parameter's value"):
        cortex.generate("pink_noise", seed={1}, **SHAPE)
    with pytest.raises(MemoryError):
        cortex.generate("pink_noise", channels=65536, sample_rate_hz=30_000, duration_s=360_000)


def test_the_interpreter_runs_on_meanwhile():
    ticks = 0
    done = threading.Event()

    def count():
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    started = time.monotonic()
    # As long as it takes to be sure.
    while time.monotonic() - started < 0.3:
        cortex.generate("pink_noise", channels=256, sample_rate_hz=160, duration_s=60)
    done.set()
    thread.join()
    assert ticks >= 10


def test_ctrl_c_ends_a_generation(tmp_path):
    # 4e9 samples take minutes, and no memory.
    _, manifest = cortex.generate_with_manifest(
        "pink_noise", channels=4, sample_rate_hz=1000, duration_s=1
    )
    text = manifest.to_yaml()
    for key, factor in [("duration_s", 1_000_000), ("samples", 1_000_000), ("bytes", 1_000_000)]:
        text, count = re.subn(
            rf"(?m)^(\s*{key}: )(\d+)", lambda found: f"{found[1]}{int(found[2]) * factor}", text
        )
        assert count == 1, key
    file = tmp_path / "manifest.yaml"
    file.write_text(text)
    # A shell's background jobs ignore the interrupt and Python leaves it so: asked for by name.
    program = (
        "import cortex, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "print('begun', flush=True); cortex.reproduce(sys.argv[1])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout.readline().strip() == b"begun"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said, said


def test_a_kernel_goes_on_where_it_was():
    data = cortex.generate("pink_noise", channels=4, sample_rate_hz=160, duration_s=10)
    kernel = cortex.Kernel("bandpass_fir", channels=4, sample_rate_hz=160, taps=33)
    whole = kernel.process(data)
    assert (whole.shape, whole.dtype) == (data.shape, np.float32)
    kernel.reset()
    parts = [kernel.process(data[start : start + 100]) for start in range(0, len(data), 100)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    # Any layout and type that holds the same numbers.
    kernel.reset()
    assert kernel.process(np.asfortranarray(data.astype(np.float64))).tobytes() == whole.tobytes()


def test_a_windowed_kernel_finds_the_sine():
    # 10 Hz lies in bin 8 of 128 samples at 160 Hz; a sine of 100 µV peak has 5000 µV² in all.
    sine = cortex.generate("sine_wave", channels=3, sample_rate_hz=160, duration_s=10,
                           frequency_hz=10.0, amplitude_uv_peak=100.0)  # fmt: skip
    psd = cortex.Kernel("welch_psd", channels=3, sample_rate_hz=160, window=160, hop=80, nperseg=128)
    assert psd.is_windowed
    spectra = psd.windows(sine)
    assert spectra.shape == (19, 65, 3)
    assert (spectra[1:].argmax(axis=1) == 8).all()
    power = spectra[1:].sum(axis=1) * 160 / 128
    assert np.allclose(power, 5000, rtol=0.02)
    assert psd.process(sine[:160]).shape == (65, 3)


def test_a_kernel_in_fixed_point_takes_and_gives_microvolts():
    data = cortex.generate("pink_noise", channels=4, sample_rate_hz=160, duration_s=5, seed=1)
    settings = dict(channels=4, sample_rate_hz=160)
    exact = cortex.Kernel("bandpass_fir", **settings).process(data)
    fixed = cortex.Kernel("bandpass_fir", **settings, dtype="q15", scale_uv=0.05)
    # The signal-to-noise ratio that the kernel's specification promises: 40 dB.
    assert np.std(fixed.process(data) - exact) < 0.01 * np.std(exact)
    assert fixed.saturated_samples == 0
    fixed.process(np.full((3, 4), 5_000.0))
    assert fixed.saturated_samples >= 12
    fixed.reset()
    assert fixed.saturated_samples == 0
    with pytest.raises(ValueError, match="scale_uv is missing"):
        cortex.Kernel("bandpass_fir", **settings, dtype="q15")
    with pytest.raises(ValueError, match="q31"):
        cortex.Kernel("bandpass_fir", **settings, dtype="q16", scale_uv=1)


def test_a_kernels_mistakes_are_named():
    with pytest.raises(ValueError, match='did you mean "car"'):
        cortex.Kernel("cra", channels=1, sample_rate_hz=160)
    with pytest.raises(ValueError, match="taps"):
        cortex.Kernel("bandpass_fir", channels=1, sample_rate_hz=160, taps=1)
    kernel = cortex.Kernel("goertzel", channels=2, sample_rate_hz=160,
                           bands=[{"low_hz": 8, "high_hz": 13}])  # fmt: skip
    assert kernel.windows(np.zeros((240, 2))).shape == (2, 1, 2)
    with pytest.raises(ValueError, match="takes samples x 2 channels, but the array is 5 x 3"):
        kernel.process(np.zeros((5, 3)))


CONFIG = {
    "dataset": {
        "path": "primitives/datasets/v1/synthetic",
        "params": {"signal_type": "pink_noise", "duration_s": 5},
        "channels": 4,
        "sample_rate_hz": 160,
    },
    "kernels": [{"name": "car"}, {"name": "welch_psd"}],
    "execution": {"pace": "max", "warmup_windows": 1},
}


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_a_run_gives_its_telemetry_and_outputs(tmp_path, form):
    output = {"format": form, "include_raw_data": True}
    results = cortex.run({**CONFIG, "output": output}, directory=tmp_path, name="mine")
    assert results.folder == tmp_path / "mine"
    assert results.kernels == ["car", "welch_psd"]
    assert results.report.exists()
    rows = results.telemetry("car")
    # 800 samples, windows of 160 every 80.
    assert rows["window_index"].tolist() == list(range(9))
    assert rows["release_ts_ns"].dtype == np.int64
    assert len(results.latencies_us("car")["kernel"]) == 8
    data = cortex.generate("pink_noise", channels=4, sample_rate_hz=160, duration_s=5)
    car = cortex.Kernel("car", channels=4, sample_rate_hz=160)
    assert np.array_equal(results.outputs("car"), car.windows(data))
    psd = cortex.Kernel("welch_psd", channels=4, sample_rate_hz=160)
    assert np.array_equal(results.outputs("welch_psd"), psd.windows(data))
    assert cortex.Results(results.folder).summary == results.summary
    with pytest.raises(ValueError, match='no kernel "fft" in'):
        results.telemetry("fft")


def test_a_runs_mistakes_are_named(tmp_path):
    with pytest.raises(ValueError, match="config: unknown key"):
        cortex.run({**CONFIG, "kernel": []}, directory=tmp_path)
    with pytest.raises(ValueError, match="chanels"):
        cortex.run(CONFIG, set={"dataset.chanels": 3}, directory=tmp_path)
    with pytest.raises(OSError, match="cannot read the configuration"):
        cortex.run(tmp_path / "no.yaml", directory=tmp_path)
    with pytest.raises(FileNotFoundError, match="is no run: it has no summary.json"):
        cortex.Results(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_telemetry_is_a_frame(tmp_path):
    pytest.importorskip("pandas")
    frame = cortex.run(CONFIG, directory=tmp_path).to_pandas()
    assert frame.groupby("plugin").size().to_dict() == {"car": 9, "welch_psd": 9}


def test_mne_gets_volts_and_names():
    pytest.importorskip("mne")
    data = cortex.generate("pink_noise", channels=3, sample_rate_hz=160, duration_s=2)
    raw = cortex.to_mne(data, 160)
    assert raw.ch_names == ["E0001", "E0002", "E0003"]
    assert raw.info["sfreq"] == 160
    # One rounding of the double product.
    assert np.allclose(raw.get_data().T * 1e6, data, rtol=1e-15, atol=0)
