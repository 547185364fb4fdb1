//! One reader for every [`Layout`]. Rows come out interleaved, in microvolts, in constant memory:
//! small records are read many at a time, a large one in slices of each channel's run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::layout::{Element, Layout, Plane, SampleScale};
use super::{DatasetError, Unit};

/// Bytes of the file held at a time. A record of more channels than this has bytes cannot
/// be; one sample of every channel must fit.
const WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// Reads rows (one sample of every channel) from a file in order.
#[derive(Debug)]
pub struct PlaneReader {
    file: File,
    path: PathBuf,
    layout: Layout,
    /// Rows handed out so far.
    row: u64,
    window: Window,
    outside: Vec<u64>,
    overflowed: Vec<u64>,
}

/// The part of the file in memory.
#[derive(Debug, Default)]
struct Window {
    bytes: Vec<u8>,
    /// Rows in it, and how many of them are handed out.
    rows: usize,
    taken: usize,
    /// Shape of the bytes: as in [`Layout`], within `bytes`.
    record_bytes: usize,
    record_samples: usize,
    offsets: Vec<usize>,
}

impl PlaneReader {
    /// A reader at the first row of `file`, which was opened from `path`.
    #[must_use]
    pub fn new(file: File, path: &Path, layout: Layout) -> Self {
        let none = vec![0; layout.planes.len()];
        Self {
            file,
            path: path.to_owned(),
            layout,
            row: 0,
            window: Window::default(),
            outside: none.clone(),
            overflowed: none,
        }
    }

    /// Back to the first row, nothing counted.
    pub(super) fn rewind(&mut self) {
        self.row = 0;
        self.window = Window::default();
        self.outside.fill(0);
        self.overflowed.fill(0);
    }

    /// Rows in the file.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.layout.records.saturating_mul(self.layout.record_samples)
    }

    /// Whether the file is nothing but interleaved float32 in microvolts.
    pub(super) fn is_plain_float32(&self) -> bool {
        let layout = &self.layout;
        let plain = |(index, plane): (usize, &Plane)| {
            plane.scale == SampleScale::Stored
                && plane.unit == Unit::Microvolt
                && plane.offset == 4 * index as u64
        };
        layout.start == 0
            && layout.element == Element::F32
            && layout.record_samples == 1
            && layout.record_bytes == 4 * layout.planes.len() as u64
            && layout.planes.iter().enumerate().all(plain)
    }

    /// How many stored numbers read so far lay outside their channel's declared digital
    /// range, per channel.
    #[must_use]
    pub fn outside_range(&self) -> &[u64] {
        &self.outside
    }

    /// How many finite stored numbers read so far became infinite, per channel.
    #[must_use]
    pub fn overflowed(&self) -> &[u64] {
        &self.overflowed
    }

    /// Fills `out` with as many whole rows as fit and are left, in microvolts. Returns the
    /// number of rows; 0 at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read or has become shorter.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize, DatasetError> {
        let channels = self.layout.planes.len();
        if channels == 0 {
            return Ok(0);
        }
        let mut done = 0;
        for_rows(out, channels, |space| {
            if self.window.taken == self.window.rows && !self.load()? {
                return Ok(0);
            }
            let rows = (self.window.rows - self.window.taken).min(space.len() / channels);
            let space = space.get_mut(..rows * channels).unwrap_or_default();
            match self.layout.element {
                Element::F32 => self.spread(space, |b: [u8; 4]| f64::from(f32::from_le_bytes(b))),
                Element::F64 => self.spread(space, f64::from_le_bytes),
                Element::I16 => self.spread(space, |b: [u8; 2]| f64::from(i16::from_le_bytes(b))),
                Element::I24 => self.spread(space, |[low, middle, high]: [u8; 3]| {
                    f64::from(i32::from_le_bytes([0, low, middle, high]) >> 8)
                }),
                Element::I32 => self.spread(space, |b: [u8; 4]| f64::from(i32::from_le_bytes(b))),
            }
            self.window.taken += rows;
            self.row += rows as u64;
            done += rows;
            Ok(rows)
        })?;
        Ok(done)
    }

    /// Brings the next part of the file into memory; false at the end.
    fn load(&mut self) -> Result<bool, DatasetError> {
        let layout = &self.layout;
        if self.row >= self.rows() {
            return Ok(false);
        }
        let record = self.row / layout.record_samples;
        let window = &mut self.window;
        if layout.record_bytes <= WINDOW_BYTES as u64 {
            // Whole records; they fit, so these casts lose nothing.
            let record_bytes = layout.record_bytes as usize;
            let fitting = (WINDOW_BYTES / record_bytes.max(1)) as u64;
            let records = fitting.min(layout.records - record) as usize;
            window.bytes.resize(records * record_bytes, 0);
            window.record_bytes = record_bytes;
            window.record_samples = layout.record_samples as usize;
            window.offsets.clear();
            window.offsets.extend(layout.planes.iter().map(|plane| plane.offset as usize));
            window.rows = records * window.record_samples;
            let at = layout.start + record * layout.record_bytes;
            read_at(&mut self.file, at, &mut window.bytes).map_err(unread(&self.path))?;
        } else {
            // A slice of each channel's run.
            let size = layout.element.bytes();
            let first = self.row % layout.record_samples;
            let fitting = (WINDOW_BYTES / (size * layout.planes.len())).max(1) as u64;
            let count = fitting.min(layout.record_samples - first) as usize;
            window.bytes.resize(count * size * layout.planes.len(), 0);
            window.record_bytes = 0;
            window.record_samples = count;
            window.offsets = (0..layout.planes.len()).map(|index| index * count * size).collect();
            window.rows = count;
            let runs = window.bytes.chunks_exact_mut(count * size);
            for (plane, run) in layout.planes.iter().zip(runs) {
                let at = layout.start
                    + record * layout.record_bytes
                    + plane.offset
                    + first * size as u64;
                read_at(&mut self.file, at, run).map_err(unread(&self.path))?;
            }
        }
        window.taken = 0;
        Ok(true)
    }

    /// Decodes `out.len() / channels` rows from the window.
    fn spread<const N: usize>(&mut self, out: &mut [f32], decode: impl Fn([u8; N]) -> f64) {
        let channels = self.layout.planes.len();
        let window = &self.window;
        let mut row = window.taken;
        let mut rest = out;
        while !rest.is_empty() {
            let (record, sample) = (row / window.record_samples, row % window.record_samples);
            let rows = (window.record_samples - sample).min(rest.len() / channels);
            let (piece, after) = rest.split_at_mut(rows * channels);
            for (index, plane) in self.layout.planes.iter().enumerate() {
                let offset = window.offsets.get(index).copied().unwrap_or_default();
                let start = record * window.record_bytes + offset + sample * N;
                let run = window.bytes.get(start..start + rows * N).unwrap_or_default();
                let (numbers, _) = run.as_chunks::<N>();
                let targets = piece.iter_mut().skip(index).step_by(channels);
                let (mut outside, mut overflowed) = (0, 0);
                for (target, number) in targets.zip(numbers) {
                    let stored = decode(*number);
                    if let Some((least, greatest)) = plane.digital_range {
                        outside += u64::from(stored < least || stored > greatest);
                    }
                    *target = microvolts(stored, plane);
                    overflowed += u64::from(target.is_infinite() && stored.is_finite());
                }
                if let Some(count) = self.outside.get_mut(index) {
                    *count += outside;
                }
                if let Some(count) = self.overflowed.get_mut(index) {
                    *count += overflowed;
                }
            }
            row += rows;
            rest = after;
        }
    }
}

/// Why bytes that were there when the file was opened cannot be read.
fn unread(path: &Path) -> impl FnOnce(io::Error) -> DatasetError {
    let path = path.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::UnexpectedEof => DatasetError::format(
            &path,
            "it has become shorter while it was read; leave the file alone and try again",
        ),
        _ => DatasetError::io("read", &path)(error),
    }
}

/// The documented scaling, evaluated in doubles and rounded once to `f32`; every NaN becomes
/// the one canonical NaN.
#[inline]
fn microvolts(stored: f64, plane: &Plane) -> f32 {
    let physical = match plane.scale {
        SampleScale::Stored => stored,
        SampleScale::Gain(gain) => stored * gain,
        SampleScale::Code { missing, .. } if stored == missing => f64::NAN,
        SampleScale::Code { step, offset, .. } => stored * step + offset,
        SampleScale::OffsetGain { offset, gain } => (stored + offset) * gain,
    };
    let value = plane.unit.to_microvolts(physical) as f32;
    if value.is_nan() { f32::NAN } else { value }
}

/// Offers the unfilled rest of `out` to `fill` until it is full or `fill` says 0 rows.
fn for_rows(
    out: &mut [f32],
    channels: usize,
    mut fill: impl FnMut(&mut [f32]) -> Result<usize, DatasetError>,
) -> Result<(), DatasetError> {
    let mut rest = out;
    while rest.len() >= channels {
        let rows = fill(&mut *rest)?;
        if rows == 0 {
            break;
        }
        rest = rest.get_mut(rows * channels..).unwrap_or_default();
    }
    Ok(())
}

/// Reads exactly `bytes.len()` bytes at `offset`.
pub fn read_at(file: &mut File, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn plane(offset: u64) -> Plane {
        Plane { offset, scale: SampleScale::Stored, unit: Unit::Microvolt, digital_range: None }
    }

    fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn read_all(layout: Layout, file: &tempfile::NamedTempFile, rows_at_once: usize) -> Vec<f32> {
        let channels = layout.planes.len();
        let mut reader = PlaneReader::new(file.reopen().unwrap(), file.path(), layout);
        let mut all = Vec::new();
        let mut rows = vec![0.0; rows_at_once * channels];
        loop {
            let count = reader.read(&mut rows).unwrap();
            if count == 0 {
                return all;
            }
            all.extend_from_slice(&rows[..count * channels]);
        }
    }

    #[test]
    fn negative_24_bit_numbers_keep_their_sign() {
        let file = file_of(&[0xff, 0xff, 0xff, 0x00, 0x00, 0x80, 0xff, 0xff, 0x7f]);
        let layout = Layout {
            start: 0,
            record_bytes: 3,
            records: 3,
            record_samples: 1,
            element: Element::I24,
            planes: vec![plane(0)],
        };
        assert_eq!(read_all(layout, &file, 2), [-1.0, -8_388_608.0, 8_388_607.0]);
    }

    #[test]
    fn a_planar_record_larger_than_the_window_equals_the_interleaved_file() {
        // Three channels, so many samples that one record exceeds the window.
        let samples = WINDOW_BYTES / 4 + 1000;
        let value = |sample: usize, channel: usize| (sample % 30_000) as i16 - channel as i16;
        let mut planar = Vec::new();
        for channel in 0..3 {
            for sample in 0..samples {
                planar.extend_from_slice(&value(sample, channel).to_le_bytes());
            }
        }
        let file = file_of(&planar);
        let run = samples as u64 * 2;
        let layout = Layout {
            start: 0,
            record_bytes: run * 3,
            records: 1,
            record_samples: samples as u64,
            element: Element::I16,
            planes: vec![plane(2 * run), plane(0)],
        };
        assert!(layout.record_bytes > WINDOW_BYTES as u64);
        let rows = read_all(layout, &file, 777);
        assert_eq!(rows.len(), samples * 2);
        for (sample, row) in rows.chunks_exact(2).enumerate() {
            assert_eq!(row, [f32::from(value(sample, 2)), f32::from(value(sample, 0))]);
        }
    }
}
