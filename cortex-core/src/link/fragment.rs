//! Fragments of blocks and results, and writing frames: the same at both ends.

use super::cobs::Full;
use super::frame::{FrameWriter, Header};
use super::message::{FragmentHead, MAX_MESSAGE_BYTES};
use super::sample::Encoding;

/// Number of fragments of `values` samples: at least one, even when no samples travel.
#[must_use]
pub(super) fn fragments(values: u32, encoding: Encoding, fragment_bytes: u16) -> u16 {
    let size = encoding.sample_bytes().max(1);
    let each = (usize::from(fragment_bytes) / size).max(1);
    // Without samples (a digest alone) there is still one fragment.
    let values = if encoding.sample_bytes() == 0 { 0 } else { values as usize };
    u16::try_from(values.div_ceil(each).max(1)).unwrap_or(u16::MAX)
}

/// Which samples fragment `index` carries.
#[must_use]
pub(super) fn fragment_range(
    head: FragmentHead,
    encoding: Encoding,
    index: u16,
) -> core::ops::Range<usize> {
    let size = encoding.sample_bytes();
    if size == 0 {
        return 0..0;
    }
    let (values, each) = (head.values as usize, usize::from(head.fragment_bytes) / size);
    let start = (usize::from(index) * each).min(values);
    start..(start + each).min(values)
}

/// Writes a frame with one message and raw bytes behind it.
pub(super) fn write_message<M: serde::Serialize>(
    out: &mut [u8],
    header: Header,
    message: &M,
    raw: &[u8],
) -> Result<usize, Full> {
    let mut writer = FrameWriter::new(out, header)?;
    write_postcard(&mut writer, message)?;
    writer.write(raw)?;
    writer.finish()
}

/// Appends a message to a frame.
pub(super) fn write_postcard<M: serde::Serialize>(
    writer: &mut FrameWriter<'_>,
    message: &M,
) -> Result<(), Full> {
    let mut scratch = [0u8; MAX_MESSAGE_BYTES];
    let bytes = postcard::to_slice(message, &mut scratch).map_err(|_| Full)?;
    writer.write(bytes)
}

/// Appends encoded samples and ends the frame.
pub(super) fn write_samples(
    mut writer: FrameWriter<'_>,
    encoding: Encoding,
    samples: &[f32],
) -> Result<usize, Full> {
    match encoding {
        Encoding::F32 => {
            for sample in samples {
                writer.write(&sample.to_le_bytes())?;
            }
        }
        Encoding::I16 { scale_uv } => {
            for &sample in samples {
                writer.write(&Encoding::quantise(scale_uv, sample).0.to_le_bytes())?;
            }
        }
        Encoding::Q15 => {
            for sample in samples {
                writer.write(&(sample.to_bits() as i16).to_le_bytes())?;
            }
        }
        Encoding::DigestOnly => {}
    }
    writer.finish()
}

/// Writes 0x00 and then what `write` writes: whatever was left on the line ends there.
pub(super) fn after_zero(
    out: &mut [u8],
    write: impl FnOnce(&mut [u8]) -> Result<usize, Full>,
) -> Result<usize, Full> {
    let (first, rest) = out.split_first_mut().ok_or(Full)?;
    *first = 0;
    write(rest).map(|len| len + 1)
}
