"""A run's folder read back: both forms of telemetry give the same, and what was changed or is not
whole is refused by one sentence with the file's path."""

import copy
import json
import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor

import cortex
import numpy as np
import pytest

CONFIG = {
    "dataset": {
        "path": "primitives/datasets/v3/synthetic",
        "params": {"signal_type": "eeg", "paradigm": "p300", "duration_s": 5},
        "channels": 4,
        "sample_rate_hz": 250.5,
    },
    "kernels": [{"name": "car", "label": "007"}, {"name": "welch_psd", "label": "1e5"}],
    "execution": {"pace": "max"},
    "output": {"include_raw_data": True},
}


def run(folder, form):
    config = {**CONFIG, "output": {"include_raw_data": True, "format": form}}
    return cortex.run(config, directory=folder / form, name="001")


@pytest.fixture(params=["ndjson", "csv"])
def results(request, tmp_path):
    return run(tmp_path, request.param)


def telemetry_file(results):
    (path,) = results.folder.glob("kernel-data/007/telemetry.*")
    return path


def test_both_forms_of_telemetry_are_the_same(tmp_path):
    both = [run(tmp_path, form) for form in ("ndjson", "csv")]
    for kernel in both[0].kernels:
        lines, table = (results.telemetry(kernel) for results in both)
        assert list(lines) == list(table)
        assert {name: a.dtype.kind for name, a in lines.items()} == {
            name: a.dtype.kind for name, a in table.items()
        }
        for name in ("run_id", "plugin", "window_index", "Fs", "adapter_name", "label"):
            assert lines[name].tolist() == table[name].tolist(), name
        assert set(table["run_id"]) == {"001"}
        assert set(table["plugin"]) == {kernel}
        assert set(table["Fs"]) == {250.5}


def refused(path, call):
    """Whether a call is refused by one sentence that begins with the path."""
    pattern = rf"^{re.escape(str(path))}: this is no [^\n]*; the file was changed or is not whole$"
    with pytest.raises(ValueError, match=pattern) as raised:
        call()
    assert type(raised.value) is ValueError


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "{}", "[]", "null", '{"kernels": 3}', '{"kernels": [{}]}', '{"kernels": [3]}',
        '{"kernels": [{"name": 3}]}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_summary_is_refused(tmp_path, text):
    (tmp_path / "summary.json").write_text(text)
    refused(tmp_path / "summary.json", lambda: cortex.Results(tmp_path))


def test_a_summary_of_no_text_is_refused(tmp_path):
    (tmp_path / "summary.json").write_bytes(b"\xff\x00")
    refused(tmp_path / "summary.json", lambda: cortex.Results(tmp_path))


def test_a_file_is_no_run(tmp_path):
    file = tmp_path / "a_file"
    file.write_text("")
    for path in (file, tmp_path / "nothing", tmp_path):
        sentence = f"{path.name} is no run: it has no summary.json"
        with pytest.raises(FileNotFoundError, match=sentence):
            cortex.Results(path)


def test_damaged_telemetry_is_refused(results):
    path = telemetry_file(results)
    whole = path.read_text()
    row = whole.splitlines()[-1]
    damages = {
        "cut": whole[: -len(row) // 2],
        "cut at a value": whole[: whole.rindex("error_code" if "{" in row else ",0,")],
        "no text": whole.replace("007", "\udcff"),
        "no number": whole.replace("250.5", '"x"'),
        "a null": whole.replace("250.5", "null"),
        "another column": whole + row.replace('"W"', '"V"').replace("001,", "001,1,") + "\n",
        "an empty row": whole + "\n",
        "another value": whole + "3\n",
        "only braces": "{}\n" if "{" in row else whole.replace("\n", "\n\n", 1),
        "a column less": whole.replace("warmup", "warmed"),
    }
    for damage, text in damages.items():
        assert text != whole, damage
        path.write_text(text, errors="surrogateescape")
        refused(path, lambda: results.telemetry("007"))
        refused(path, lambda: results.latencies_us("007"))


def test_the_line_of_a_damage_is_said(results):
    path = telemetry_file(results)
    lines = path.read_text().splitlines(keepends=True)
    lines[3] = lines[3][:40] + "\n"
    path.write_text("".join(lines))
    with pytest.raises(ValueError, match=r"this is no telemetry \(line 4: "):
        results.telemetry("007")


def test_a_killed_run_keeps_its_whole_windows(results):
    path = telemetry_file(results)
    count = len(results.telemetry("007")["W"])
    text = path.read_text()
    path.write_text(text[:-1])
    summary = results.folder / "summary.json"
    summary.write_text(json.dumps({**results.summary, "status": "running"}))
    killed = cortex.Results(results.folder)
    assert len(killed.telemetry("007")["W"]) == count - 1
    path.write_text(text[: -len(text.splitlines()[-1]) // 2])
    assert len(killed.telemetry("007")["W"]) == count - 1


def test_no_windows_are_said(results):
    path = telemetry_file(results)
    path.write_text("")
    assert results.telemetry("007") == {}
    with pytest.raises(ValueError, match="007 has no windows to take latencies of"):
        results.latencies_us("007")
    path.unlink()
    sentence = r"has neither telemetry\.ndjson nor telemetry\.csv"
    for call in (results.telemetry, results.latencies_us):
        with pytest.raises(FileNotFoundError, match=sentence):
            call("007")


def test_damaged_outputs_are_refused(results):
    path = results.folder / "kernel-data/007/outputs.npy"
    whole = path.read_bytes()
    archive = whole.replace(b"\x93NUMPY", b"PK\x03\x04ab")
    header = whole.replace(b"'shape'", b"shape")
    for damaged in (b"", whole[:7], whole[:50], whole[:-1], archive, header):
        assert damaged != whole
        path.write_bytes(damaged)
        refused(path, lambda: results.outputs("007"))


def test_outputs_that_were_not_kept_are_said(tmp_path):
    results = cortex.run(kernels="car", set={"execution.pace": "max"}, directory=tmp_path)
    with pytest.raises(FileNotFoundError) as raised:
        results.outputs("car")
    folder = results.folder / "kernel-data" / "car"
    assert str(raised.value) == (
        f"{folder} has no outputs.npy: the run has not kept its raw outputs; "
        'run it again with set={"output.include_raw_data": True}'
    )


def test_a_run_without_kernels_has_an_empty_frame(tmp_path):
    pytest.importorskip("pandas")
    (tmp_path / "summary.json").write_text('{"kernels": []}')
    results = cortex.Results(tmp_path)
    assert results.to_pandas().empty
    with pytest.raises(ValueError, match=r"it has none$"):
        results.telemetry("car")


def fail(folder):
    raise cortex.RunError("it broke off", cortex.Results(folder))


def test_a_run_error_crosses_processes(results):
    error = cortex.RunError("it broke off", results)
    error.note = "mine"
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is cortex.RunError
        assert (str(other), other.note) == ("it broke off", "mine")
        assert other.results.folder == results.folder
        assert other.results.summary == results.summary
    assert str(pickle.loads(pickle.dumps(cortex.RunError("x", None)))) == "x"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(cortex.RunError, match="it broke off") as raised:
            pool.submit(fail, results.folder).result(timeout=60)
    assert raised.value.results.folder == results.folder
    assert np.array_equal(raised.value.results.outputs("007"), results.outputs("007"))
