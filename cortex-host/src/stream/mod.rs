//! A dataset played in real time: each sample when it would have been taken.
//!
//! [`Pacer`] knows when that is. [`PacedWriter`] holds a pipe to it, [`play()`] the streams of the Lab
//! Streaming Layer.

mod pace;
mod play;
mod source;

pub use pace::{PacedWriter, Pacer, chunk_samples};
pub use play::{Played, Streaming, play};
pub use source::Source;
