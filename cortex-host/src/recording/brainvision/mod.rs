//! BrainVision headers: how MNE, EEGLAB, FieldTrip and Analyzer learn what a file of bare
//! samples holds.
//!
//! Source: "BrainVision Core Data Format 1.0" (Brain Products). A text header (`.vhdr`)
//! gives names, units and rate and points at the data file; a marker file (`.vmrk`) lists
//! events. The samples stay an untouched `.float32` file.

mod markers;
mod read;
mod sections;
mod write;

pub use read::{Description, FORMAT, open};
pub use write::{Header, Marker, header_paths, remove_header, stage_header, write_header};
