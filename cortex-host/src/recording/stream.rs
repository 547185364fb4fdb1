//! A recording: any supported file opened as one stream of microvolt rows.

use std::path::{Path, PathBuf};

use cortex_core::kernel::MAX_CHANNELS;

use super::events::Event;
use super::layout::PlaneReader;
use super::{DatasetError, Unit};

/// One format of recordings, as its own file declares it.
pub struct Format {
    /// Its name, for people.
    pub name: &'static str,
    /// Extensions of its files in lower case, the usual one first.
    pub extensions: &'static [&'static str],
    /// How its files begin; empty when anything may come first.
    pub magic: &'static [u8],
    /// Opens a file of it.
    pub(super) open: fn(&Path, &OpenOptions) -> Result<Recording, DatasetError>,
}

/// What the file itself may not say, or what to take of it.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Take only these channels, in this order (names as in the file or cleaned).
    pub channels: Option<Vec<String>>,
    /// Number of channels of a bare float32 file.
    pub channel_count: Option<usize>,
    /// Sample rate in Hz of a file that does not say, finite and positive.
    pub sample_rate_hz: Option<f64>,
    /// Unit of samples whose unit the file does not say or is unknown.
    pub unit: Option<Unit>,
    /// The first axis of a `.npy` array is channels, not samples.
    pub channels_first: bool,
    /// Take the whole records of a file shorter or longer than its header promises.
    pub accept_truncated: bool,
}

/// An opened recording.
#[derive(Debug)]
pub struct Recording {
    /// The file it was opened from.
    pub path: PathBuf,
    /// The file that holds the samples: the same, or the one a header points at.
    pub data_path: PathBuf,
    /// Name of its format.
    pub format: &'static str,
    /// One distinct name per channel.
    pub channel_names: Vec<String>,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel.
    pub samples: u64,
    /// When the first sample was taken, as `YYYYMMDDhhmmssuuuuuu`, if known.
    pub start: Option<String>,
    /// Events in order of their onset.
    pub events: Vec<Event>,
    /// Whether the format has a place for events, even when there are none.
    pub keeps_events: bool,
    /// What the user should know about how the file was taken: one sentence each.
    pub notes: Vec<String>,
    pub(super) reader: PlaneReader,
}

impl Recording {
    /// Number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channel_names.len()
    }

    /// Fills `rows` with as many whole rows (one sample of every channel, in µV) as fit and
    /// are left. Returns their number, 0 at the end.
    ///
    /// # Errors
    /// The file cannot be read or has become shorter.
    pub fn read(&mut self, rows: &mut [f32]) -> Result<usize, DatasetError> {
        self.reader.read(rows)
    }

    /// How many stored numbers read so far lay outside the range their header declares, per
    /// channel.
    #[must_use]
    pub fn outside_range(&self) -> &[u64] {
        self.reader.outside_range()
    }
}

/// Refuses more channels than anything here works on: a bound on memory for what a header says.
pub(super) fn check_channels(path: &Path, channels: u64) -> Result<(), DatasetError> {
    if channels <= MAX_CHANNELS as u64 {
        return Ok(());
    }
    Err(DatasetError::format(
        path,
        format!("{channels} channels; a dataset has at most {MAX_CHANNELS}"),
    ))
}
