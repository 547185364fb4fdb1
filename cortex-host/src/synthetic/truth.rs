//! What is known about a generated dataset beside its samples: which files hold it.

use std::path::{Path, PathBuf};

use cortex_core::signal::Signal;
use serde::{Deserialize, Serialize};

use super::GeneratedDataset;

/// A kind of truth, each a file beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthKind {
    /// Every spike of a unit.
    Spikes,
    /// Trials, artefacts and spikes as BIDS events.
    Events,
    /// Names and status of the channels, as BIDS has them.
    Channels,
    /// Every packet of the front end.
    Packets,
}

impl TruthKind {
    /// All of them, in the order of manifests.
    pub const ALL: [TruthKind; 4] =
        [TruthKind::Spikes, TruthKind::Events, TruthKind::Channels, TruthKind::Packets];

    /// The word for it in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TruthKind::Spikes => "spikes",
            TruthKind::Events => "events",
            TruthKind::Channels => "channels",
            TruthKind::Packets => "packets",
        }
    }

    /// The kind that manifests call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Where it lies beside `data`: `OUT.spikes.npy`, `OUT_events.tsv`, `OUT_channels.tsv`,
    /// `OUT.packets.npy`.
    #[must_use]
    pub fn path(self, data: &Path) -> PathBuf {
        let table = |what: &str| {
            let stem = data.file_stem().unwrap_or_default().to_string_lossy();
            // In BIDS the suffix takes the place of the recording's.
            let bids = stem.strip_suffix("_eeg").filter(|stem| stem.starts_with("sub-"));
            let stem = bids.unwrap_or(&stem);
            data.with_file_name(format!("{stem}_{what}.tsv"))
        };
        match self {
            TruthKind::Spikes => data.with_extension("spikes.npy"),
            TruthKind::Events => table("events"),
            TruthKind::Channels => table("channels"),
            TruthKind::Packets => data.with_extension("packets.npy"),
        }
    }

    /// The kinds that `dataset` has; none before v3.
    pub fn of(dataset: &GeneratedDataset) -> impl Iterator<Item = TruthKind> {
        let signal = dataset.spec.signal;
        let (spikes, eeg) =
            (matches!(signal, Signal::SpikeParams(_)), matches!(signal, Signal::EegParams(_)));
        let front_end = signal.front_end_params().is_some();
        Self::ALL.into_iter().filter(move |kind| match kind {
            TruthKind::Spikes => spikes,
            TruthKind::Events | TruthKind::Channels => spikes || eeg,
            TruthKind::Packets => front_end,
        })
    }
}

/// The digest of one file of truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthDigest {
    /// Which.
    pub kind: TruthKind,
    /// SHA-256 of its bytes in lower-case hexadecimal.
    pub sha256: String,
}
