//! The table of known spikes, `OUT.spikes.npy`: a one-dimensional structured NumPy array.

use std::io::{self, BufReader, Read};

use super::npy::table_header;

/// One spike of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpikeTruth {
    /// The sample nearest to its trough.
    pub sample: u64,
    /// Number of the unit.
    pub unit: u32,
    /// The recorded electrode, from 0, at which it is largest.
    pub electrode: u32,
    /// Its peak there in microvolts, without noise.
    pub amplitude_uv: f32,
}

/// Bytes of a spike in a file.
const SPIKE_BYTES: usize = 20;

/// NumPy's description of [`SpikeTruth`].
pub const SPIKE_TYPE: &str =
    "[('sample', '<u8'), ('unit', '<u4'), ('electrode', '<u4'), ('amplitude_uv', '<f4')]";

impl SpikeTruth {
    /// Its row.
    #[must_use]
    pub fn to_bytes(self) -> [u8; SPIKE_BYTES] {
        let mut row = [0; SPIKE_BYTES];
        let [unit, electrode] = [self.unit, self.electrode].map(u32::to_le_bytes);
        let parts: [&[u8]; 4] =
            [&self.sample.to_le_bytes(), &unit, &electrode, &self.amplitude_uv.to_le_bytes()];
        for (slot, byte) in row.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
        }
        row
    }

    fn of_bytes(row: [u8; SPIKE_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = row;
        Self {
            sample: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            unit: u32::from_le_bytes([i, j, k, l]),
            electrode: u32::from_le_bytes([m, n, o, p]),
            amplitude_uv: f32::from_le_bytes([q, r, s, t]),
        }
    }
}

/// The spikes of a table in its order.
#[derive(Debug)]
pub struct Spikes<R> {
    reader: BufReader<R>,
    left: u64,
}

/// The spikes in the `bytes` bytes that `source` has; none when they are no table that `generate`
/// wrote.
///
/// # Errors
/// As `source`.
pub fn spikes<R: Read>(source: R, bytes: u64) -> io::Result<Option<Spikes<R>>> {
    let head_bytes = table_header(SPIKE_TYPE, 0).len();
    let Some(rows) = bytes.checked_sub(head_bytes as u64) else { return Ok(None) };
    let rows_bytes = SPIKE_BYTES as u64;
    let left = rows / rows_bytes;
    let mut reader = BufReader::new(source);
    let mut head = vec![0; head_bytes];
    reader.read_exact(&mut head)?;
    let is_table = rows.is_multiple_of(rows_bytes) && head == table_header(SPIKE_TYPE, left);
    Ok(is_table.then_some(Spikes { reader, left }))
}

impl<R: Read> Iterator for Spikes<R> {
    type Item = io::Result<SpikeTruth>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut row = [0; SPIKE_BYTES];
        Some(self.reader.read_exact(&mut row).map(|()| SpikeTruth::of_bytes(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_what_is_no_table_does_not() {
        let spike = |sample| SpikeTruth { sample, unit: 8, electrode: 1, amplitude_uv: 102.25 };
        let mut bytes = table_header(SPIKE_TYPE, 2);
        for sample in [3_000, u64::MAX] {
            bytes.extend_from_slice(&spike(sample).to_bytes());
        }
        let all = |bytes: &[u8]| -> Option<Vec<SpikeTruth>> {
            let found = spikes(bytes, bytes.len() as u64).expect("memory can be read")?;
            Some(found.map(|spike| spike.expect("memory can be read")).collect())
        };
        assert_eq!(all(&bytes), Some(vec![spike(3_000), spike(u64::MAX)]));
        assert_eq!(all(&table_header(SPIKE_TYPE, 0)), Some(Vec::new()));
        assert_eq!(all(b"\x93NUMPY"), None);
        assert_eq!(all(&bytes[..bytes.len() - 1]), None);
        assert_eq!(all(&table_header("[('sample', '<u8')]", 0)), None);
    }
}
