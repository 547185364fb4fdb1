//! Recordings and datasets: reading, writing, converting, generating and downloading them, on good
//! days and bad ones.

mod as_found;
mod bids;
mod convert_oracle;
mod described;
mod disk_faults;
mod disturbed;
mod download_faults;
mod edf_reader;
mod edf_writer;
mod front_end;
mod generate_bytes;
mod generate_cli;
mod generate_formats;
mod generate_normalize;
mod generate_shards;
mod hostile_recordings;
mod inspect_files;
mod killed;
mod mutated;
mod primitives;
mod replaced;
#[cfg(target_os = "linux")]
mod stream;
mod truth;
mod verify_recordings;
