//! What is played: a recording, or a dataset that is generated meanwhile.

use std::path::Path;

use super::chunk_samples;
use crate::base::Failure;
use crate::generate::{Blocks, Recipe, Settings, truth};
use crate::plan::DatasetPlan;
use crate::recording::Recording;
use crate::recording::events::Event;
use crate::synthetic::GeneratedDataset;

/// Values of a block, about: it is read or generated while another one is played.
const BLOCK_VALUES: usize = 1 << 16;

/// A dataset, from its first sample to its last.
#[derive(Debug)]
pub struct Source {
    /// A name for it: the file's, or the signal's.
    pub name: String,
    /// One distinct name per channel.
    pub channel_names: Vec<String>,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Samples per channel.
    pub samples: u64,
    /// What happens in it, in order of the onset.
    pub events: Vec<Event>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Recorded(Box<Recording>),
    Generated(Box<GeneratedDataset>, Option<Blocks>),
}

impl Source {
    /// A recording.
    #[must_use]
    pub fn recorded(recording: Recording) -> Self {
        Self {
            name: stem(&recording.path),
            channel_names: recording.channel_names.clone(),
            sample_rate_hz: recording.sample_rate_hz,
            samples: recording.samples,
            events: recording.events.clone(),
            rows: Rows::Recorded(Box::new(recording)),
        }
    }

    /// A dataset that is generated as it is played.
    #[must_use]
    pub fn generated(dataset: GeneratedDataset) -> Self {
        Self {
            name: dataset.signal_type.clone(),
            channel_names: truth::channel_names(&dataset),
            sample_rate_hz: dataset.spec.sample_rate_hz,
            samples: dataset.samples,
            events: truth::events(&dataset),
            rows: Rows::Generated(Box::new(dataset), None),
        }
    }

    /// The dataset of a configuration.
    ///
    /// # Errors
    /// Its file cannot be read any more.
    pub fn planned(dataset: &DatasetPlan) -> Result<Self, Failure> {
        Ok(match dataset {
            DatasetPlan::Static(dataset) => {
                Self::recorded(Recording::open(&dataset.path, &dataset.open_options())?)
            }
            DatasetPlan::Generated(dataset) => Self::generated(dataset.clone()),
        })
    }

    /// Number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channel_names.len()
    }

    /// Back to the first sample.
    pub fn rewind(&mut self) {
        match &mut self.rows {
            Rows::Recorded(recording) => recording.rewind(),
            Rows::Generated(_, blocks) => *blocks = None,
        }
    }

    /// The next rows, a whole number of chunks unless they are the last ones; nothing at the end.
    ///
    /// # Errors
    /// They cannot be read or generated.
    pub fn next_rows(&mut self) -> Result<Option<Vec<f32>>, Failure> {
        let channels = self.channels();
        let chunk = chunk_samples(self.sample_rate_hz) * channels;
        let values = chunk * (BLOCK_VALUES / chunk).max(1);
        match &mut self.rows {
            Rows::Recorded(recording) => {
                let mut rows = vec![0.0; values];
                let count = recording.read(&mut rows)?;
                rows.truncate(count * channels);
                Ok((count > 0).then_some(rows))
            }
            Rows::Generated(dataset, blocks) => {
                let settings = Settings { background: true, ..Settings::automatic() };
                let blocks = match blocks {
                    Some(blocks) => blocks,
                    None => blocks.insert(Blocks::start(Recipe::of(dataset), settings, values)?),
                };
                blocks.next().transpose()
            }
        }
    }
}

/// `S001R03` of `folder/S001R03.edf`.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
