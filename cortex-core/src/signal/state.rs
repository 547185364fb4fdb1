//! What v3's signals keep beside a generator's lanes and scratch memory.
//!
//! With an operating system it lies on the heap, so that lanes stay small for signals without it;
//! without, it is there, bounded.

use super::eeg::state::{EegLanes, Sources};
use super::spikes::state::SpikeLanes;

/// A value on the heap where there is one.
#[derive(Clone, Debug)]
#[cfg(feature = "std")]
pub(crate) struct Held<T>(std::boxed::Box<T>);

/// A value where it stands.
#[derive(Clone, Debug)]
#[cfg(not(feature = "std"))]
pub(crate) struct Held<T>(T);

impl<T> Held<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Self {
        #[cfg(feature = "std")]
        return Self(std::boxed::Box::new(value));
        #[cfg(not(feature = "std"))]
        return Self(value);
    }
}

impl<T> core::ops::Deref for Held<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> core::ops::DerefMut for Held<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// What a signal keeps for N channels.
#[derive(Clone, Debug)]
pub(crate) enum OwnState<const N: usize> {
    /// Nothing.
    None,
    /// Spikes under way, and the units.
    Spikes(Held<SpikeLanes<N>>),
    /// Weights of what channels share, and each one's artefacts.
    Eeg(Held<EegLanes<N>>),
}

/// What all channels of an EEG share, as far as it has been computed; nothing for other signals.
#[derive(Clone, Debug)]
pub struct SharedState(pub(super) Option<Held<Sources>>);

impl SharedState {
    /// Nothing yet.
    pub const EMPTY: Self = Self(None);
}

impl Default for SharedState {
    fn default() -> Self {
        Self::EMPTY
    }
}
