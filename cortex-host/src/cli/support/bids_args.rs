//! Which recording of a BIDS data set is written, as the commands that write one take it.

use std::path::PathBuf;

use super::arguments;
use crate::recording::bids::Entities;

/// A place in a BIDS data set.
#[derive(Clone, Debug, clap::Args)]
pub struct BidsArgs {
    /// Write into the BIDS data set in this folder, under the names that BIDS has.
    #[arg(
        long,
        value_name = "ROOT",
        value_parser = arguments::path(),
        requires = "subject",
        requires = "task",
        conflicts_with = "npy"
    )]
    pub bids: Option<PathBuf>,
    /// With --bids: the subject, letters and digits.
    #[arg(long, value_name = "LABEL", requires = "bids")]
    pub subject: Option<String>,
    /// With --bids: the session, letters and digits.
    #[arg(long, value_name = "LABEL", requires = "bids")]
    pub session: Option<String>,
    /// With --bids: the task, letters and digits.
    #[arg(long, value_name = "LABEL", requires = "bids")]
    pub task: Option<String>,
    /// With --bids: the run's number.
    #[arg(long, value_name = "N", requires = "bids")]
    pub run: Option<u32>,
}

impl BidsArgs {
    /// The recording, if one of a BIDS data set is asked for.
    #[must_use]
    pub fn entities(&self) -> Option<Entities> {
        Some(Entities {
            root: self.bids.clone()?,
            subject: self.subject.clone()?,
            session: self.session.clone(),
            task: self.task.clone()?,
            run: self.run,
        })
    }
}
