//! Parts of a dataset: which channels each has, and what their files are called.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The most shards of a dataset.
pub const MAX_SHARDS: u32 = 9999;

/// Shards begin at multiples of this many channels when there are enough of them: whole vectors.
const ALIGNED_CHANNELS: u32 = 32;

/// One part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, `1..=count`.
    pub index: u32,
    /// Of how many, `1..=`[`MAX_SHARDS`].
    pub count: u32,
}

/// Where shards write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardLayout {
    /// Each its columns of one file.
    Shared,
    /// Each a file of its own.
    Separate,
}

impl Shard {
    /// The channels of this shard of `channels`.
    ///
    /// # Errors
    /// A sentence when there are fewer channels than shards.
    pub fn channels(self, channels: u32) -> Result<Range<u32>, String> {
        if self.count > channels {
            return Err(format!(
                "{channels} channels cannot be split into {} shards; use at most {channels}",
                self.count
            ));
        }
        let groups = channels.div_ceil(ALIGNED_CHANNELS);
        let edge = |k: u32| {
            let of = |n: u32| (u64::from(k) * u64::from(n) / u64::from(self.count)) as u32;
            if groups >= self.count {
                (of(groups) * ALIGNED_CHANNELS).min(channels)
            } else {
                of(channels)
            }
        };
        Ok(edge(self.index - 1)..edge(self.index))
    }

    /// The file of this part of `target` when each has its own; also what its manifest is named by.
    #[must_use]
    pub fn file(self, target: &Path) -> PathBuf {
        with_suffix(target, &format!(".shard-{}-of-{}", self.index, self.count))
    }
}

/// The file that shards of `target` write together.
#[must_use]
pub fn shared_file(target: &Path) -> PathBuf {
    with_suffix(target, ".shards")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl ShardLayout {
    /// The spelling in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ShardLayout::Shared => "shared",
            ShardLayout::Separate => "separate",
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)))
            .and_then(|(index, count)| Self::new(index, count))
            .ok_or_else(|| {
                format!("give K/N, shard K of N with K from 1 to N and N at most {MAX_SHARDS}")
            })
    }
}

impl Shard {
    /// Shard `index` of `count`; none unless `1 <= index <= count <= `[`MAX_SHARDS`].
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (1 <= index && index <= count && count <= MAX_SHARDS).then_some(Self { index, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_every_channel_once() {
        for channels in [1, 2, 31, 33, 64, 1000, 4096] {
            for count in [1, 2, 3, 7, 31] {
                if count > channels {
                    assert!(Shard { index: 1, count }.channels(channels).is_err());
                    continue;
                }
                let mut next = 0;
                for index in 1..=count {
                    let range = Shard { index, count }.channels(channels).unwrap();
                    assert_eq!(range.start, next);
                    assert!(range.end > range.start, "shard {index}/{count} of {channels}");
                    next = range.end;
                }
                assert_eq!(next, channels);
            }
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, count: 4 }));
        for wrong in ["0/4", "5/4", "1", "1/0", "a/b", "1/2/3", "-1/2", "1/10000"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("K/N"), "{wrong}");
        }
    }
}
