//! Confidence intervals of quantiles of dependent windows: the circular block bootstrap.
//!
//! A window's latency depends on those before it (caches, frequency, a busy neighbour), so a
//! t-test or a bootstrap of single windows promises too much. Here whole blocks of neighbouring
//! windows are drawn with replacement, the series taken as a ring (Politis and Romano 1992,
//! "A circular block-resampling procedure for stationary data"). The block length is Politis and
//! White's automatic one (2004, "Automatic block-length selection for the dependent bootstrap",
//! with the correction of Patton, Politis and White 2009), for the indicator of the quantile: what
//! a quantile's variance depends on is how long windows stay on one side of it.
//!
//! Random numbers are ChaCha8 with a fixed seed: the same runs give the same intervals everywhere.

use cortex_core::math;
use cortex_core::random::StreamKey;
use cortex_core::signal::BLOCK_SAMPLES;

/// Seed of the resampling.
const SEED: u64 = 42;

/// Random words at hand, and where the next come from.
struct Words {
    key: StreamKey,
    stream: u32,
    block: u64,
    words: [[u32; 1]; BLOCK_SAMPLES],
    used: usize,
}

impl Words {
    fn new(stream: u32) -> Self {
        let key = StreamKey::new(SEED, "cortex/compare/v1");
        Self { key, stream, block: 0, words: [[0; 1]; BLOCK_SAMPLES], used: BLOCK_SAMPLES }
    }

    /// A number below `bound` (at least 1): the high half of a product, off by at most
    /// `bound / 2^32` in probability.
    fn below(&mut self, bound: usize) -> usize {
        if self.used == BLOCK_SAMPLES {
            self.key.words(self.stream, self.block, &mut self.words);
            self.block += 1;
            self.used = 0;
        }
        let word = self.words.get(self.used).map_or(0, |[word]| *word);
        self.used += 1;
        ((u64::from(word) * bound as u64) >> 32) as usize
    }
}

/// The `quantile` (0 to 1) of `sorted`: the least value with at least that share at or below it.
/// `None` for an empty slice.
#[must_use]
pub fn quantile(sorted: &[u64], quantile: f64) -> Option<u64> {
    sorted.get(rank(sorted.len(), quantile)?).copied()
}

/// Which of `count` sorted values is the quantile.
fn rank(count: usize, quantile: f64) -> Option<usize> {
    let rank = (quantile * count as f64).ceil() as usize;
    (count > 0).then(|| rank.clamp(1, count) - 1)
}

/// `resamples` bootstrap replicates of each of `quantiles` of `series` (in the order of time),
/// drawn in blocks of `block` values: one list per quantile. `stream` chooses the random
/// numbers; lists of different streams are independent.
#[must_use]
pub fn replicates(
    series: &[u64],
    quantiles: &[f64],
    block: usize,
    resamples: usize,
    stream: u32,
) -> Vec<Vec<u64>> {
    let count = series.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| series.get(*index));
    // Each value's place in the sorted series, twice over: blocks run across the end.
    let mut places = vec![0_u32; count];
    for (place, index) in order.iter().enumerate() {
        if let Some(slot) = places.get_mut(*index) {
            *slot = place as u32;
        }
    }
    places.extend_from_within(..);
    let value = |place: usize| {
        order.get(place).and_then(|index| series.get(*index)).copied().unwrap_or_default()
    };
    let block = block.clamp(1, count.max(1));
    let wanted: Vec<usize> = quantiles.iter().filter_map(|q| rank(count, *q)).collect();
    let mut words = Words::new(stream);
    let mut times = vec![0_u32; count];
    let mut all = vec![Vec::with_capacity(resamples); wanted.len()];
    for _ in 0..resamples {
        times.fill(0);
        let mut drawn = 0;
        while drawn < count {
            let length = block.min(count - drawn);
            let start = words.below(count);
            for place in places.get(start..start + length).unwrap_or_default() {
                if let Some(times) = times.get_mut(*place as usize) {
                    *times += 1;
                }
            }
            drawn += length;
        }
        for (list, wanted) in all.iter_mut().zip(&wanted) {
            let mut passed = 0_usize;
            let place = times.iter().position(|times| {
                passed += *times as usize;
                passed > *wanted
            });
            list.push(value(place.unwrap_or(count.saturating_sub(1))));
        }
    }
    all
}

/// The block length for `quantile` of `series`: 1 for independent values, longer the longer
/// values stay on one side of the quantile; at most 3 √n and a third of the series.
#[must_use]
pub fn block_length(series: &[u64], quantile: f64) -> usize {
    let count = series.len();
    let mut sorted = series.to_vec();
    sorted.sort_unstable();
    let Some(threshold) = self::quantile(&sorted, quantile) else { return 1 };
    let above: Vec<f64> = series.iter().map(|v| f64::from(u8::from(*v > threshold))).collect();
    let mean = above.iter().sum::<f64>() / count as f64;
    let centred: Vec<f64> = above.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| {
        let pairs = centred.iter().zip(centred.iter().skip(lag));
        pairs.map(|(a, b)| a * b).sum::<f64>() / count as f64
    };
    let variance = covariance(0);
    if variance <= 0.0 {
        return 1;
    }
    let n = count as f64;
    // Where the correlogram stays within its noise for K lags running.
    let quiet = 2.0 * math::sqrt(math::log10(n) / n);
    let running = (math::sqrt(math::log10(n)).ceil() as usize).max(5);
    let most_lags = (math::sqrt(n).ceil() as usize + running).min(count.saturating_sub(1));
    let covariances: Vec<f64> = (0..=most_lags).map(covariance).collect();
    let correlated = |lag: usize| {
        covariances.get(lag).is_some_and(|covariance| (covariance / variance).abs() >= quiet)
    };
    let last = (0..most_lags).find(|lag| (lag + 1..=lag + running).all(|later| !correlated(later)));
    let bandwidth = (2 * last.unwrap_or(most_lags).max(1)).min(most_lags) as f64;
    // The flat-top window of Politis and Romano 1995: 1 up to half the bandwidth, then falling.
    let weight = |lag: usize| (2.0 * (1.0 - lag as f64 / bandwidth)).clamp(0.0, 1.0);
    let (mut spread, mut spectrum) = (0.0, variance);
    for (lag, covariance) in covariances.iter().enumerate().skip(1) {
        let weighted = 2.0 * weight(lag) * covariance;
        spread += lag as f64 * weighted;
        spectrum += weighted;
    }
    // b = (2 G² / D)^(1/3) n^(1/3), D = 4/3 g(0)² for the circular bootstrap.
    let density = 4.0 / 3.0 * spectrum * spectrum;
    if density <= 0.0 {
        return 1;
    }
    let wanted = math::pow(2.0 * spread * spread / density * n, 1.0 / 3.0).ceil();
    let most = (3.0 * math::sqrt(n)).min(n / 3.0).ceil().max(1.0);
    wanted.clamp(1.0, most) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_order_statistics() {
        let sorted: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&sorted, 0.5), Some(50));
        assert_eq!(quantile(&sorted, 0.99), Some(99));
        assert_eq!(quantile(&sorted, 0.0), Some(1));
        assert_eq!(quantile(&sorted, 1.0), Some(100));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn constant_windows_have_constant_quantiles() {
        let lists = replicates(&[7; 50], &[0.5, 0.99], 4, 100, 0);
        assert_eq!(lists, vec![vec![7; 100]; 2]);
        assert_eq!(block_length(&[7; 50], 0.5), 1);
    }

    #[test]
    fn blocks_as_long_as_the_series_only_turn_it() {
        let series: Vec<u64> = (0..31).map(|i| i * 17 % 31).collect();
        assert_eq!(replicates(&series, &[0.5], 31, 20, 3), vec![vec![15; 20]]);
    }
}
