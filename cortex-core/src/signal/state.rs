//! What v3's signals keep beside a generator's lanes and scratch memory.
//!
//! With an operating system it lies on the heap: lanes have their own, a scratch memory what all
//! channels share. Without, both lie in a [`SignalMemory`] that the program gives to its
//! [`Scratch`](super::Scratch): bounded, and one lane at a time.

#[cfg(feature = "v3")]
use super::eeg::state::{EegLanes, Sources};
#[cfg(feature = "v3")]
use super::spikes::state::SpikeLanes;

#[cfg(all(feature = "v3", feature = "std"))]
mod own {
    use std::boxed::Box;

    use super::{EegLanes, Sources, SpikeLanes};

    /// What a signal keeps for N channels.
    #[derive(Clone, Debug)]
    pub(crate) enum OwnState<const N: usize> {
        /// Nothing.
        None,
        /// Spikes under way, and the units.
        Spikes(Box<SpikeLanes<N>>),
        /// Weights of what channels share, and each one's artefacts.
        Eeg(Box<EegLanes<N>>),
    }

    /// What all channels of an EEG share, as far as it has been computed; nothing for other signals.
    #[derive(Clone, Debug)]
    pub struct SharedState(Option<Box<Sources>>);

    impl SharedState {
        /// Nothing yet.
        pub const EMPTY: Self = Self(None);

        /// What channels share, of no EEG at first.
        #[inline(always)]
        pub(crate) fn sources(&mut self) -> &mut Sources {
            self.0.get_or_insert_with(|| Box::new(Sources::EMPTY))
        }
    }
}

#[cfg(all(feature = "v3", not(feature = "std")))]
mod own {
    use super::{EegLanes, Kept, SignalMemory, Slot, Sources, SpikeLanes};
    use crate::signal::MEMORY_CHANNELS;

    /// The memory of v3's signals, if the program has given one.
    #[derive(Debug)]
    pub struct SharedState(pub(crate) Option<&'static mut SignalMemory>);

    impl SharedState {
        /// No memory.
        pub const EMPTY: Self = Self(None);

        /// What `channel` keeps of its spikes at the start of block `block`; `start` makes that of
        /// block 0. None without memory, and out of order.
        pub(crate) fn spikes(
            &mut self,
            channel: u32,
            block: u64,
            start: impl FnOnce() -> SpikeLanes<1>,
        ) -> Option<&mut SpikeLanes<1>> {
            let kept = &mut self.0.as_deref_mut()?.kept;
            if !matches!(kept, Kept::Spikes(_)) {
                *kept = Kept::NO_SPIKES;
            }
            let Kept::Spikes(slots) = kept else { return None };
            claim(slots, channel, block, start)
        }

        /// The same of an EEG, and what all its channels share.
        pub(crate) fn eeg(
            &mut self,
            channel: u32,
            block: u64,
            start: impl FnOnce() -> EegLanes<1>,
        ) -> Option<(&mut Sources, &mut EegLanes<1>)> {
            let kept = &mut self.0.as_deref_mut()?.kept;
            if !matches!(kept, Kept::Eeg(..)) {
                *kept = Kept::NO_EEG;
            }
            let Kept::Eeg(sources, slots) = kept else { return None };
            Some((sources, claim(slots, channel, block, start)?))
        }
    }

    fn claim<T>(
        slots: &mut [Slot<T>; MEMORY_CHANNELS],
        channel: u32,
        block: u64,
        start: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let slot = slots.get_mut(channel as usize % MEMORY_CHANNELS)?;
        if block == 0 {
            *slot = Slot::Taken { channel, next_block: 0, own: start() };
        }
        match slot {
            Slot::Taken { channel: its, next_block, own }
                if (*its, *next_block) == (channel, block) =>
            {
                *next_block += 1;
                Some(own)
            }
            _ => None,
        }
    }
}

#[cfg(all(feature = "v3", feature = "std"))]
pub(crate) use own::OwnState;
#[cfg(feature = "v3")]
pub use own::SharedState;

#[cfg(feature = "v3")]
impl Default for SharedState {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Channels that a [`SignalMemory`] holds.
pub const MEMORY_CHANNELS: usize = 16;

/// Memory for v3's signals where there is no heap: what [`MEMORY_CHANNELS`] channels keep from one
/// block to the next, 16 KB. Empty where there is one, and in a build without v3.
#[derive(Debug)]
pub struct SignalMemory {
    #[cfg(all(feature = "v3", not(feature = "std")))]
    kept: Kept,
}

/// With a tag of its own, 0 at first: memory that begins with zeros takes no flash.
#[cfg(all(feature = "v3", not(feature = "std")))]
#[derive(Debug)]
#[repr(u32)]
enum Kept {
    Spikes([Slot<SpikeLanes<1>>; MEMORY_CHANNELS]),
    Eeg(Sources, [Slot<EegLanes<1>>; MEMORY_CHANNELS]),
}

/// Constants, so that they are copied to their place without a copy on the stack: that of spikes is
/// zeros, that of an EEG takes its 16 KB of flash.
#[cfg(all(feature = "v3", not(feature = "std")))]
impl Kept {
    const NO_SPIKES: Self = Self::Spikes([const { Slot::Free }; MEMORY_CHANNELS]);
    const NO_EEG: Self = Self::Eeg(Sources::EMPTY, [const { Slot::Free }; MEMORY_CHANNELS]);
}

/// What one channel keeps at the start of a block.
#[cfg(all(feature = "v3", not(feature = "std")))]
#[derive(Debug)]
#[repr(u32)]
enum Slot<T> {
    Free,
    Taken { channel: u32, next_block: u64, own: T },
}

impl SignalMemory {
    /// Memory of no signal.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            #[cfg(all(feature = "v3", not(feature = "std")))]
            kept: Kept::NO_SPIKES,
        }
    }
}

impl Default for SignalMemory {
    fn default() -> Self {
        Self::new()
    }
}
