//! What the fixed-point kernels share about rows: missing samples, the ring of a window, counters.

use core::marker::PhantomData;

use super::word::Word;

/// What a call counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    /// Samples that were missing.
    pub missing: u32,
    /// Outputs that were set to the end of the range.
    pub saturated: u32,
}

/// A windowed kernel's memory: the last `window` rows with missing samples replaced, one channel
/// after the other, and beside them scratch and tables.
///
/// State: `channels * window` samples, scratch, tables, head. `head` is the index of the oldest row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring<W> {
    pub channels: usize,
    pub window: usize,
    pub scratch: usize,
    pub tables: usize,
    pub word: PhantomData<W>,
}

/// A windowed kernel's state during one call.
pub(super) struct Parts<'s> {
    pub scratch: &'s mut [i32],
    pub tables: &'s [i32],
    samples: &'s [i32],
    head: usize,
    window: usize,
}

/// The window of one channel.
#[derive(Clone, Copy)]
pub(super) struct Line<'s> {
    samples: &'s [i32],
    head: usize,
}

impl<W: Word> Ring<W> {
    pub fn state_len(&self) -> u64 {
        let samples = self.channels as u64 * self.window as u64;
        samples + self.scratch as u64 + self.tables as u64 + 1
    }

    /// The place of the tables.
    pub fn tables<'s>(&self, state: &'s mut [i32]) -> &'s mut [i32] {
        &mut state[self.channels * self.window + self.scratch..][..self.tables]
    }

    /// Takes the rows and splits the state.
    pub fn take<'s>(
        &self,
        state: &'s mut [i32],
        input: &[i32],
        counters: &mut Counters,
    ) -> Option<Parts<'s>> {
        let Self { channels, window, .. } = *self;
        let (samples, rest) = state.split_at_mut_checked(channels * window)?;
        let (scratch, rest) = rest.split_at_mut_checked(self.scratch)?;
        let (tables, rest) = rest.split_at_mut_checked(self.tables)?;
        let place = rest.first_mut()?;
        let mut head = *place as usize;
        for row in input.chunks_exact(channels) {
            let newest = if head == 0 { window - 1 } else { head - 1 };
            for (line, &x) in samples.chunks_exact_mut(window).zip(row) {
                line[head] = if W::is_valid(x) {
                    x
                } else {
                    counters.missing += 1;
                    line[newest]
                };
            }
            head = if head + 1 == window { 0 } else { head + 1 };
        }
        *place = head as i32;
        Some(Parts { scratch, tables, samples, head, window })
    }
}

impl<'s> Parts<'s> {
    /// The windows of all channels.
    pub fn lines(&self) -> impl Iterator<Item = Line<'s>> + use<'s> {
        let head = self.head;
        self.samples.chunks_exact(self.window).map(move |samples| Line { samples, head })
    }
}

impl<'s> Line<'s> {
    /// The sample that is `age` rows younger than the oldest.
    #[inline(always)]
    pub fn sample(&self, age: usize) -> i32 {
        let at = self.head + age;
        self.samples[if at >= self.samples.len() { at - self.samples.len() } else { at }]
    }

    /// All samples from the oldest on, in two pieces.
    pub fn pieces(&self) -> [&'s [i32]; 2] {
        let (newer, older) = self.samples.split_at(self.head);
        [older, newer]
    }
}
