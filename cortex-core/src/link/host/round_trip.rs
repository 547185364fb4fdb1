//! How long an answer takes: smoothed round trip and its variation.
//!
//! Source: RFC 6298, section 2, with alpha 1/8, beta 1/4 and K 4. Every ping and poll carries its
//! own number, so that an answer is never taken for that to another one.

/// The estimate so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrip {
    /// Smoothed round trip and mean deviation in nanoseconds.
    known: Option<(u64, u64)>,
}

impl RoundTrip {
    /// An answer took `ns`.
    pub(super) fn measured(&mut self, ns: u64) {
        self.known = Some(match self.known {
            None => (ns, ns / 2),
            Some((smoothed, variation)) => {
                let variation = variation - variation / 4 + smoothed.abs_diff(ns) / 4;
                (smoothed - smoothed / 8 + ns / 8, variation)
            }
        });
    }

    /// How long to wait for an answer before asking again, at least `least_ns` more than the round
    /// trip; none before the first.
    pub(super) fn patience_ns(&self, least_ns: u64) -> Option<u64> {
        self.known.map(|(smoothed, variation)| {
            smoothed.saturating_add(variation.saturating_mul(4).max(least_ns))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::host::options::MS;

    #[test]
    fn patience_follows_round_trip_and_jitter() {
        let mut steady = RoundTrip::default();
        assert_eq!(steady.patience_ns(20 * MS), None);
        steady.measured(800 * MS);
        assert_eq!(steady.patience_ns(20 * MS), Some(2_400 * MS));
        for _ in 0..40 {
            steady.measured(800 * MS);
        }
        let patience = steady.patience_ns(20 * MS).expect("measured");
        assert!((800 * MS..=825 * MS).contains(&patience), "{patience}");
        // A round trip of 20 ms that is 320 ms every other time: a deviation of 150 ms.
        let mut jittery = RoundTrip::default();
        for turn in 0..80 {
            jittery.measured(if turn % 2 == 0 { 20 * MS } else { 320 * MS });
        }
        let patience = jittery.patience_ns(20 * MS).expect("measured");
        assert!(patience > 600 * MS, "{patience}");
    }
}
