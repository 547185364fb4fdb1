//! A dataset of spikes as SpikeInterface saves one: `spikeinterface.load` reads both folders.
//!
//! ```text
//! FOLDER/recording/recording.float32     the samples; manifest, header and truth beside them
//! FOLDER/recording/{binary,si_folder,probe}.json    a BinaryFolderRecording and its electrodes
//! FOLDER/sorting/                        a NumpyFolderSorting: every spike of the truth
//! ```
//!
//! Sources: SpikeInterface 0.105 (`core/binaryfolder.py`, `core/sortingfolder.py`), which reads
//! folders of 0.99 and later; ProbeInterface's JSON format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cortex_core::signal::Signal;
use cortex_core::signal::spikes::{SpikeParams, Unit};
use serde_json::{Value, json};

use super::{GenerateError, truth};
use crate::base::Progress;
use crate::base::atomic_file::{Staged, stage_text};
use crate::recording::npy::array_header;
use crate::synthetic::GeneratedDataset;

/// The version whose layout the folders have.
const VERSION: &str = "0.105.0";
const PROBEINTERFACE_VERSION: &str = "0.3.0";
/// Name of the samples.
const SAMPLES: &str = "recording.float32";
/// NumPy's description of a spike: sample, place of the unit in `unit_ids`, segment.
const SPIKE_TYPE: &str =
    "[('sample_index', '<i8'), ('unit_index', '<i8'), ('segment_index', '<i8')]";

/// Files below the folder, but the samples and what lies beside them.
const FILES: [&str; 9] = [
    "recording/probe.json",
    "sorting/numpysorting_info.json",
    "sorting/properties/amplitude_uv.npy",
    "sorting/properties/electrode.npy",
    "sorting/properties/gt_unit_locations.npy",
    "sorting/spikes.npy",
    // What makes a folder one of SpikeInterface's comes last.
    "sorting/si_folder.json",
    "recording/binary.json",
    "recording/si_folder.json",
];

/// Where the samples of a dataset in `folder` lie.
pub(super) fn samples(folder: &Path) -> PathBuf {
    folder.join("recording").join(SAMPLES)
}

/// The other files of a dataset in `folder`.
pub(super) fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    FILES.iter().map(|file| folder.join(file))
}

/// Refuses what has no units.
pub(super) fn check(dataset: &GeneratedDataset) -> Result<&SpikeParams, GenerateError> {
    match &dataset.spec.signal {
        Signal::SpikeParams(params) => Ok(params),
        _ => Err(GenerateError::Request(format!(
            "--spikeinterface writes spikes with the units that fired them, but {} has none; \
             generate spikes, or write another format",
            dataset.signal_type
        ))),
    }
}

/// A unit that fires, as the sorting describes it.
struct Sorted {
    unit: Unit,
    /// Its place among those that fire.
    index: u64,
    spikes: u64,
    /// Sum of its spikes' peaks, each where it is largest.
    sum_uv: f64,
    /// Where its first spike is largest.
    electrode: u32,
}

/// Writes all files of a dataset in `folder` but the samples, under no name yet.
///
/// # Errors
/// [`GenerateError`]: another signal than spikes, or a file that cannot be written.
pub(super) fn stage(
    dataset: &GeneratedDataset,
    folder: &Path,
    progress: &Progress,
) -> Result<Vec<Staged>, GenerateError> {
    let params = check(dataset)?;
    let units = fired(dataset, progress)?;
    files(folder)
        .map(|path| {
            let name =
                path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            match name.as_str() {
                "recording/probe.json" => text(&path, &probe(dataset, params)),
                "recording/binary.json" => text(&path, &binary(dataset)),
                "recording/si_folder.json" => {
                    text(&path, &folder_of("binaryfolder.BinaryFolderRecording", &json!({})))
                }
                "sorting/numpysorting_info.json" => text(&path, &info(dataset, &units)),
                "sorting/si_folder.json" => {
                    let mode = json!({ "mmap_mode": null });
                    text(&path, &folder_of("sortingfolder.NumpyFolderSorting", &mode))
                }
                "sorting/spikes.npy" => spikes(dataset, &path, &units, progress),
                "sorting/properties/amplitude_uv.npy" => {
                    property(&path, "'<f8'", &units, |sorted| {
                        (sorted.sum_uv / sorted.spikes as f64).to_le_bytes()
                    })
                }
                "sorting/properties/electrode.npy" => property(&path, "'<i8'", &units, |sorted| {
                    i64::from(sorted.electrode).to_le_bytes()
                }),
                _ => locations(&path, params, &units),
            }
        })
        .collect()
}

/// The units that fire, by number.
fn fired(
    dataset: &GeneratedDataset,
    progress: &Progress,
) -> Result<BTreeMap<u32, Sorted>, GenerateError> {
    let mut known = BTreeMap::new();
    if let Some(spikes) = truth::spikes_of(dataset) {
        spikes.units(0, dataset.channels as u32, |train| {
            known.insert(train.unit().id, *train.unit());
        });
    }
    let mut units: BTreeMap<u32, Sorted> = BTreeMap::new();
    truth::each_spike(dataset, |spikes| {
        for spike in spikes {
            if let Some(unit) = known.remove(&spike.unit) {
                let electrode = spike.electrode;
                units.insert(
                    spike.unit,
                    Sorted { unit, index: 0, spikes: 0, sum_uv: 0.0, electrode },
                );
            }
            if let Some(sorted) = units.get_mut(&spike.unit) {
                sorted.spikes += 1;
                sorted.sum_uv += f64::from(spike.amplitude_uv);
            }
        }
        if progress.is_cancelled() { Err(GenerateError::Interrupted) } else { Ok(()) }
    })?;
    for (index, sorted) in (0..).zip(units.values_mut()) {
        sorted.index = index;
    }
    Ok(units)
}

fn text(path: &Path, value: &Value) -> Result<Staged, GenerateError> {
    Ok(stage_text(path, &format!("{value:#}\n"))?)
}

/// How SpikeInterface describes an object: its class and what it is made from.
fn object(class: &str, kwargs: Value) -> Value {
    json!({
        "class": format!("spikeinterface.core.{class}"),
        "module": "spikeinterface",
        "version": VERSION,
        "relative_paths": true,
        "kwargs": kwargs,
        "annotations": {},
        "properties": {},
    })
}

fn folder_of(class: &str, more: &Value) -> Value {
    let mut kwargs = more.clone();
    kwargs["folder_path"] = ".".into();
    object(class, kwargs)
}

fn binary(dataset: &GeneratedDataset) -> Value {
    object(
        "binaryrecordingextractor.BinaryRecordingExtractor",
        json!({
            "file_paths": [SAMPLES],
            "sampling_frequency": dataset.spec.sample_rate_hz,
            "num_channels": dataset.channels,
            "dtype": "<f4",
            "t_starts": null,
            "channel_ids": truth::channel_names(dataset),
            "time_axis": 0,
            "file_offset": 0,
            "gain_to_uV": 1.0,
            "offset_to_uV": 0.0,
            "is_filtered": false,
        }),
    )
}

/// The electrodes in their grid: row by row, `columns` in each.
fn probe(dataset: &GeneratedDataset, params: &SpikeParams) -> Value {
    let electrodes = 0..dataset.channels;
    let all = |value: Value| vec![value; dataset.channels];
    let place = |electrode: usize| {
        [electrode % params.columns, electrode / params.columns]
            .map(|pitches| pitches as f64 * params.pitch_um)
    };
    json!({
        "specification": "probeinterface",
        "version": PROBEINTERFACE_VERSION,
        "probes": [{
            "ndim": 2,
            "si_units": "um",
            "annotations": { "name": "cortex" },
            "contact_annotations": {},
            "contact_positions": electrodes.clone().map(place).collect::<Vec<_>>(),
            "contact_plane_axes": all(json!([[1.0, 0.0], [0.0, 1.0]])),
            "contact_shapes": all("circle".into()),
            "contact_shape_params": all(json!({ "radius": params.pitch_um / 5.0 })),
            "contact_ids": truth::channel_names(dataset),
            "shank_ids": all("".into()),
            "device_channel_indices": electrodes.collect::<Vec<_>>(),
        }],
    })
}

fn info(dataset: &GeneratedDataset, units: &BTreeMap<u32, Sorted>) -> Value {
    json!({
        "sampling_frequency": dataset.spec.sample_rate_hz,
        "unit_ids": units.keys().collect::<Vec<_>>(),
        "num_segments": 1,
    })
}

/// One value of each unit.
fn property<const N: usize>(
    path: &Path,
    kind: &str,
    units: &BTreeMap<u32, Sorted>,
    value: impl Fn(&Sorted) -> [u8; N],
) -> Result<Staged, GenerateError> {
    let mut staged = Staged::create(path)?;
    staged.put(&array_header(kind, &[units.len() as u64]))?;
    for unit in units.values() {
        staged.put(&value(unit))?;
    }
    Ok(staged)
}

/// Where each unit lies without drift, in µm of the electrodes' plane.
fn locations(
    path: &Path,
    params: &SpikeParams,
    units: &BTreeMap<u32, Sorted>,
) -> Result<Staged, GenerateError> {
    let mut staged = Staged::create(path)?;
    staged.put(&array_header("'<f8'", &[units.len() as u64, 3]))?;
    for Sorted { unit, .. } in units.values() {
        let home = unit.home() as usize;
        let [x, y] = unit.place.map(f64::from);
        let column = (home % params.columns) as f64 + x;
        let row = (home / params.columns) as f64 + y;
        for place in [column * params.pitch_um, row * params.pitch_um, 0.0] {
            staged.put(&place.to_le_bytes())?;
        }
    }
    Ok(staged)
}

fn spikes(
    dataset: &GeneratedDataset,
    path: &Path,
    units: &BTreeMap<u32, Sorted>,
    progress: &Progress,
) -> Result<Staged, GenerateError> {
    let mut staged = Staged::create(path)?;
    let count = units.values().map(|sorted| sorted.spikes).sum();
    staged.put(&array_header(SPIKE_TYPE, &[count]))?;
    truth::each_spike(dataset, |spikes| {
        for spike in spikes {
            let index = units.get(&spike.unit).map_or(0, |sorted| sorted.index);
            for value in [spike.sample, index, 0] {
                staged.put(&value.to_le_bytes())?;
            }
        }
        if progress.is_cancelled() { Err(GenerateError::Interrupted) } else { Ok(()) }
    })?;
    Ok(staged)
}
