//! How long fragments should be: as long as the line leaves whole.
//!
//! With e damages a byte, a frame of L sample bytes and H others comes through with probability
//! exp(-e (L + H)); of what is sent, L / (L + H) of that are samples. For small e (L + H) that is
//! greatest at L = sqrt(H / e) (the derivative of its logarithm, H / (L (L + H)) - e, is 0 there,
//! but for H beside L).

/// Bytes of a fragment's frame beside the samples: header, CRC, stuffing, end.
const OVERHEAD_BYTES: u64 = 18;
/// Fragments of a line that is not known yet.
const FIRST_BYTES: u64 = 512;
/// Bytes without damage after which a line counts as clean.
const KNOWN_BYTES: u64 = 4_096;
/// Shortest fragment that is ever chosen.
const LEAST_BYTES: u64 = 64;
/// Bytes after which what was seen before them counts half.
const MEMORY_BYTES: u64 = 1 << 18;

/// What was seen of the line lately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineQuality {
    bytes: u64,
    damaged: u64,
}

impl LineQuality {
    /// Bytes that crossed the line, in either direction.
    pub(super) fn crossed(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes >= MEMORY_BYTES {
            self.bytes /= 2;
            self.damaged /= 2;
        }
    }

    /// Frames that were damaged, at either end.
    pub(super) fn damaged(&mut self, frames: u64) {
        self.damaged += frames;
    }

    /// The best fragment length, a multiple of 4 that is at most `most`.
    pub(super) fn fragment_bytes(&self, most: u16) -> u16 {
        let best = match self.damaged {
            0 if self.bytes >= KNOWN_BYTES => u64::MAX,
            0 => FIRST_BYTES,
            damaged => (OVERHEAD_BYTES * self.bytes / damaged).isqrt().max(LEAST_BYTES),
        };
        u16::try_from(best).unwrap_or(u16::MAX).min(most) & !3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_as_long_as_the_line_leaves_whole() {
        let mut line = LineQuality::default();
        assert_eq!(line.fragment_bytes(4096), 512, "not known yet");
        line.crossed(5_000);
        assert_eq!(line.fragment_bytes(4096), 4096, "clean");
        assert_eq!(line.fragment_bytes(1022), 1020, "a multiple of 4");
        // A bit error rate of 3e-4 damages 0.46 of frames of 256 + 18 bytes: sqrt(18 / 0.0017).
        let mut noisy = LineQuality::default();
        noisy.crossed(27_400);
        noisy.damaged(46);
        assert_eq!(noisy.fragment_bytes(4096), 100);
        // What was long ago is forgotten by and by: 2^18 bytes halve it.
        for _ in 0..70 {
            noisy.crossed(1 << 16);
        }
        assert_eq!(noisy.fragment_bytes(4096), 4096);
    }
}
