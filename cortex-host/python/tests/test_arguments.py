"""What a call is given: what stands for a value is taken, the rest refused by a sentence."""

import subprocess
import sys
import types
from pathlib import Path

import cortex
import numpy as np
import pytest

SHAPE = {"channels": 2, "sample_rate_hz": 100, "duration_s": 1}
SHAPE_OF_RUN = {
    "channels": 2,
    "sample_rate_hz": 160,
    "params": {"signal_type": "pink_noise", "duration_s": 2},
}
MAX_PACE = {"execution.pace": "max"}


@pytest.mark.parametrize("signal_type", [None, 5, True, b"pink_noise", Path("pink_noise")])
@pytest.mark.parametrize("call", ["generate", "generate_with_manifest", "stream"])
def test_only_a_name_or_an_ellipsis_is_a_signal(call, signal_type):
    kind = type(signal_type).__name__
    with pytest.raises(TypeError, match=rf"signal_type must be a str .*, but its type is {kind}$"):
        getattr(cortex, call)(signal_type, **SHAPE)


@pytest.mark.parametrize("yes", [True, np.bool_(True), np.array(True)])
def test_a_bool_is_no_number(yes):
    for name in ("channels", "sample_rate_hz", "duration_s", "threads", "seed"):
        sentence = f"{name} must be a (whole )?number, but it is [Tt]rue"
        with pytest.raises(ValueError, match=sentence):
            cortex.generate("pink_noise", **{**SHAPE, name: yes})
    with pytest.raises(ValueError, match="block_samples must be a number, but it is True"):
        cortex.stream("pink_noise", block_samples=yes, **SHAPE)
    for name in ("channels", "sample_rate_hz", "window", "hop", "scale_uv"):
        with pytest.raises(ValueError, match=f"{name} must be a number, but it is True"):
            cortex.Kernel("car", **{"channels": 2, "sample_rate_hz": 160, name: yes})


def test_paths_and_mappings_stand_for_texts_and_dicts(tmp_path):
    v2 = Path("primitives/datasets/v2/synthetic")
    line_noise = {"frequency_hz": 10, "amplitude_uv": 5}
    expected = cortex.generate("pink_noise", generator="v2", line_noise=line_noise, **SHAPE)
    frozen = types.MappingProxyType(line_noise)
    found = cortex.generate("pink_noise", generator=v2, line_noise=frozen, **SHAPE)
    assert np.array_equal(found, expected)
    dataset = types.MappingProxyType({"path": v2, **SHAPE_OF_RUN})
    config = types.MappingProxyType({"dataset": dataset, "kernels": ({"name": "car"},)})
    results = cortex.run(
        config, set={**MAX_PACE, "dataset.path": v2}, directory=tmp_path, name=Path("mine")
    )
    assert results.folder == tmp_path / "mine"
    bands = [types.MappingProxyType({"low_hz": 8, "high_hz": 13})]
    kernel = cortex.Kernel("goertzel", channels=2, sample_rate_hz=160, bands=bands)
    assert kernel.windows(np.zeros((160, 2))).shape == (1, 1, 2)


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"key": value}
    return value


def test_values_that_hold_themselves_are_refused():
    # In a process of its own: a stack that overflows ends it.
    program = (
        "import cortex\n"
        "table, items = {}, []\n"
        "table['dataset'] = table\n"
        "items.append(items)\n"
        "for call in (lambda: cortex.run(table), lambda: cortex.run(set={'kernels': items}),\n"
        "             lambda: cortex.generate('pink_noise', seed=items),\n"
        "             lambda: cortex.Kernel('car', channels=1, sample_rate_hz=1, taps=table)):\n"
        "    try:\n"
        "        call()\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(b"a value holds itself, or others more than 64 deep") == 4


def test_the_deepest_value_is_64_deep():
    # What is not too deep is looked at: no signal has such a parameter.
    with pytest.raises(ValueError, match="line_noise"):
        cortex.generate("pink_noise", generator="v2", line_noise=nested(63), **SHAPE)
    with pytest.raises(ValueError, match="more than 64 deep; give a flatter one"):
        cortex.generate("pink_noise", generator="v2", line_noise=nested(65), **SHAPE)


def test_settings_are_named_values(tmp_path):
    with pytest.raises(ValueError, match=r"set: dataset\.channels is None; give the value"):
        cortex.run(set={"dataset.channels": None}, directory=tmp_path)
    with pytest.raises(TypeError, match="a key must be a str, but 5 is of type int"):
        cortex.run(set={5: 3}, directory=tmp_path)
    with pytest.raises(TypeError, match="a key must be a str, but 5 is of type int"):
        cortex.run({"dataset": {5: 3}}, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_kernel_may_be_named_alone(tmp_path):
    assert cortex.run(kernels="car", set=MAX_PACE, directory=tmp_path).kernels == ["car"]


@pytest.mark.parametrize("path", ["-", Path("-")])
def test_a_dash_is_no_file(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='write: "-" is no file'):
        cortex.write(path, "pink_noise", **SHAPE)
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_takes_arrays_at_odd_addresses():
    data = cortex.generate("pink_noise", **SHAPE)
    odd = np.frombuffer(b"x" + data.tobytes(), np.float32, offset=1).reshape(data.shape)
    assert not odd.flags.aligned
    kernel = cortex.Kernel("car", channels=2, sample_rate_hz=100)
    assert np.array_equal(kernel.process(odd), kernel.process(data))
    assert np.array_equal(kernel.windows(odd), kernel.windows(data))
    assert np.array_equal(kernel.process(data.astype(">f4")), kernel.process(data))


@pytest.mark.parametrize(
    "samples",
    [
        np.ones((4, 2), np.complex64),
        [[1j, 2]],
        np.zeros((4, 2), "datetime64[s]"),
        np.zeros((4, 2), "timedelta64[s]"),
        np.zeros((4, 2), [("a", "f4")]),
        [["1", "2"]],
        [[None, 1]],
    ],
)
def test_samples_are_real_numbers(samples):
    kernel = cortex.Kernel("car", channels=2, sample_rate_hz=100)
    with pytest.raises(ValueError, match="car takes real numbers, but the array's type is"):
        kernel.process(samples)
    pytest.importorskip("mne")
    with pytest.raises(ValueError, match="to_mne takes real numbers, but the array's type is"):
        cortex.to_mne(samples, 100)


def test_masked_samples_are_not_taken_for_samples():
    kernel = cortex.Kernel("car", channels=2, sample_rate_hz=100)
    masked = np.ma.masked_array(np.ones((4, 2)), mask=np.eye(4, 2))
    with pytest.raises(ValueError, match=r"car .* give samples\.filled\(np\.nan\)"):
        kernel.process(masked)
    assert np.isnan(kernel.process(masked.filled(np.nan))).any()
    whole = np.ma.masked_array(np.ones((4, 2)), mask=False)
    assert np.array_equal(kernel.process(whole), np.zeros((4, 2)))


@pytest.mark.parametrize("module", ["mne", "pandas"])
def test_a_module_that_is_not_there_is_said(tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    calls = {
        "mne": lambda: cortex.to_mne(np.zeros((10, 2)), 100),
        "pandas": cortex.run(kernels="car", set=MAX_PACE, directory=tmp_path).to_pandas,
    }
    with pytest.raises(ImportError, match=f"is not installed: pip install {module}$") as raised:
        calls[module]()
    assert raised.value.name == module


def test_sentences_speak_of_arguments(tmp_path):
    asked = {"channels": 1, "sample_rate_hz": 100, "duration_s": 1}
    file = tmp_path / "data.float32"
    cortex.write(file, "pink_noise", **asked)
    with pytest.raises(ValueError, match="or replace=True to replace it"):
        cortex.write(file, "pink_noise", **asked)
    with pytest.raises(ValueError, match='^there is no kernel "nope" in this configuration'):
        cortex.run(kernels="nope", directory=tmp_path)


def test_a_kernel_is_not_copied():
    import copy

    kernel = cortex.Kernel("car", channels=2, sample_rate_hz=160)
    for copied in [copy.copy, copy.deepcopy]:
        with pytest.raises(TypeError, match="make another kernel"):
            copied(kernel)
