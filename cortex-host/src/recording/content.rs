//! What a file is by its bytes, whatever its name says.
//!
//! Every sequence of bytes is some float32, so nothing would stop a wrong guess later: raw samples
//! are what neither begins like another format, nor is a text in any encoding, nor makes numbers
//! that no amplifier gives.

use std::path::Path;

use super::encoding::{starts_with_text, without_mark};
use super::signature::{foreign, head};
use super::{DatasetError, FORMATS, Format};

/// Fewer printable bytes than this may be samples by chance.
const LEAST_TEXT_BYTES: usize = 8;
/// The same where other bytes follow, or where most bytes mean some letter.
const LEAST_LIKELY_TEXT_BYTES: usize = 64;

/// What a file's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content {
    /// A format that is read.
    Known(&'static Format),
    /// A format that is not: what it is, what to do.
    Foreign(&'static str, &'static str),
    /// A text, whatever it says.
    Text,
    /// Nothing that is recognised: samples, perhaps.
    Bytes,
}

/// What the file `path` is by its first bytes.
///
/// # Errors
/// It cannot be read.
pub(super) fn of(path: &Path) -> Result<Content, DatasetError> {
    Ok(content(&head(path)?))
}

fn content(head: &[u8]) -> Content {
    let marker_file = |name| starts_with_text(head, &format!("{name} Data Exchange Marker"));
    if ["Brain Vision", "BrainVision"].into_iter().any(marker_file) {
        return Content::Foreign("a BrainVision marker file", "give the .vhdr");
    }
    if let Some(known) = FORMATS.into_iter().find(|format| (format.begins)(head)) {
        return Content::Known(known);
    }
    match foreign(head) {
        Some((name, advice)) => Content::Foreign(name, advice),
        None if is_text(head) => Content::Text,
        None => Content::Bytes,
    }
}

/// Whether `head` is the beginning of a text: UTF-8, UTF-16, UTF-32 or an eight-bit encoding,
/// perhaps with zeros behind it.
fn is_text(head: &[u8]) -> bool {
    let head = without_mark(head);
    let end = head.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let (text, padded) = (head.get(..end).unwrap_or_default(), end < head.len());
    let least = if padded { LEAST_LIKELY_TEXT_BYTES } else { LEAST_TEXT_BYTES };
    (text.len() >= least && is_utf8(text)) || is_wide(head) || is_eight_bit(text)
}

fn is_utf8(text: &[u8]) -> bool {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        // The head may end within a character.
        Err(error) if text.len() - error.valid_up_to() < 4 => {
            let whole = text.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.len() >= LEAST_TEXT_BYTES && text.chars().all(printable)
}

fn printable(c: char) -> bool {
    // The last two: the end of a text in DOS, and colours of a terminal.
    !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1a}' | '\u{1b}')
}

/// Two or four bytes a character, either byte order: with the mark at the start any text,
/// without it one of ASCII.
fn is_wide(head: &[u8]) -> bool {
    let unit = |little: bool, pair: &[u8]| match pair {
        [a, b] if little => u16::from_le_bytes([*a, *b]),
        [a, b] => u16::from_be_bytes([*a, *b]),
        _ => 0,
    };
    let utf16 = |text: &[u8], little: bool| {
        let units = text.chunks_exact(2).map(|pair| unit(little, pair));
        // The head may end within a character.
        let whole = (text.len() / 2).saturating_sub(1);
        text.len() >= 2 * LEAST_TEXT_BYTES
            && char::decode_utf16(units).take(whole).all(|c| c.is_ok_and(printable))
    };
    let ascii = |bytes: usize, at: usize| {
        head.len() >= bytes * LEAST_TEXT_BYTES
            && head.chunks_exact(bytes).all(|unit| {
                unit.iter().enumerate().all(|(index, byte)| match index == at {
                    true => byte.is_ascii() && printable(char::from(*byte)),
                    false => *byte == 0,
                })
            })
    };
    match head {
        [0xff, 0xfe, 0, 0, text @ ..] | [0, 0, 0xfe, 0xff, text @ ..] => {
            text.len() >= 4 * LEAST_TEXT_BYTES
        }
        [0xff, 0xfe, text @ ..] => utf16(text, true),
        [0xfe, 0xff, text @ ..] => utf16(text, false),
        _ => ascii(2, 0) || ascii(2, 1) || ascii(4, 0) || ascii(4, 3),
    }
}

/// Lines of an eight-bit or mixed encoding (Latin-1, Shift JIS, GBK): samples have bytes that
/// are control characters, 11 of 100 if they are noise.
fn is_eight_bit(text: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !printable(char::from(*byte));
    let ascii = text.iter().filter(|byte| byte.is_ascii()).count();
    text.len() >= LEAST_LIKELY_TEXT_BYTES
        && !text.iter().any(control)
        && text.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
        && (5 * ascii >= 3 * text.len() || text.len() >= 256)
}

#[cfg(test)]
mod tests {
    use cortex_core::math;

    use super::super::plausible::Implausible;
    use super::super::signature::EXPORT;
    use super::*;

    fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
        values.into_iter().flat_map(f32::to_le_bytes).collect()
    }

    /// Values of a linear congruential generator, from 0 to 2^32.
    fn noise(count: usize) -> impl Iterator<Item = u32> + Clone {
        let mut state = 1_u64;
        (0..count).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 32) as u32
        })
    }

    fn judged(bytes: &[u8]) -> Implausible {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, bytes).unwrap();
        Implausible::of(&path).unwrap()
    }

    #[test]
    fn texts_in_every_encoding() {
        let csv = "Zeit;Kanal µV\r\n0,5;-12,25\r\n".repeat(20);
        let ascii = "1.5,2.5\n-3.5,4.5\n".repeat(8);
        let wide = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        let utf32: Vec<u8> = ascii.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        let latin1: Vec<u8> = csv.chars().map(|c| c as u32 as u8).collect();
        let mut padded = ascii.clone().into_bytes();
        padded.extend([0; 400]);
        for (name, bytes) in [
            ("utf-8", csv.clone().into_bytes()),
            ("utf-8 cut", csv.as_bytes()[..14].to_vec()),
            ("utf-16 little", [&[0xff, 0xfe][..], &wide(&csv, false)].concat()),
            ("utf-16 big", [&[0xfe, 0xff][..], &wide(&csv, true)].concat()),
            ("utf-16 without a mark", wide(&ascii, false)),
            ("utf-16 big without a mark", wide(&ascii, true)),
            ("utf-32", utf32),
            ("latin-1", latin1),
            ("zeros behind", padded),
            ("colours", b"\x1b[31m1.5,2.5\n".repeat(9)),
            ("json", b"{\"x\": [1.5]}".to_vec()),
        ] {
            assert_eq!(content(&bytes), Content::Text, "{name}");
        }
    }

    #[test]
    fn a_mark_of_utf_16_and_nothing_behind_it_is_no_text() {
        for bytes in [&[0xff, 0xfe][..], &[0xfe, 0xff], &[0xff, 0xfe, 0x41]] {
            assert_eq!(content(bytes), Content::Bytes, "{bytes:?}");
        }
    }

    #[test]
    fn samples_are_no_text_and_no_other_format() {
        let noise: Vec<f32> = noise(2000).map(|bits| (bits as f32 / 2e7) - 100.0).collect();
        for (name, values) in [
            ("noise", noise),
            ("zeros", vec![0.0; 512]),
            // Its bytes are "33\u{c8}B".
            ("constant", vec![100.1; 512]),
            ("missing", vec![f32::NAN; 512]),
            ("saturated", vec![f32::INFINITY; 512]),
            (
                "impulse response",
                (0..1024).map(|n| math::exp(-0.1 * f64::from(n)) as f32).collect(),
            ),
            ("volts", (0..512).map(|n| 1e-5 * (n % 20) as f32).collect()),
            ("counts", (0..512).map(|n| (n * 37 % 4096) as f32).collect()),
        ] {
            let bytes = floats(values);
            assert_eq!(content(&bytes), Content::Bytes, "{name}");
            assert!(!judged(&bytes).is_no_recording(), "{name}: {:?}", judged(&bytes));
        }
    }

    #[test]
    fn numbers_of_another_type_are_no_recording() {
        let eeg = |bits: u32| (f64::from(bits) / f64::from(u32::MAX) - 0.5) * 400.0;
        let integers = noise(2048).map(eeg);
        let mut gray: Vec<u8> = floats(noise(1024).map(|bits| eeg(bits) as f32));
        gray.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        for (name, bytes) in [
            ("int16", integers.clone().flat_map(|x| (x as i16).to_le_bytes()).collect::<Vec<u8>>()),
            ("int32", integers.clone().flat_map(|x| (x as i32).to_le_bytes()).collect()),
            ("uint16", integers.map(|x| (x + 2048.0) as u16).flat_map(u16::to_le_bytes).collect()),
            ("big-endian float32", gray),
            ("compressed", noise(1024).flat_map(u32::to_le_bytes).collect()),
        ] {
            let judged = judged(&bytes);
            assert!(judged.is_no_recording() && judged.told().is_some(), "{name}: {judged:?}");
        }
        let doubles: Vec<u8> = noise(512).map(eeg).flat_map(f64::to_le_bytes).collect();
        assert!(judged(&doubles).told().is_some(), "{:?}", judged(&doubles));
        let whole = noise(512).map(|bits| eeg(bits).round()).flat_map(f64::to_le_bytes);
        let headed = [144_u32, 2].map(u32::to_le_bytes).concat().into_iter();
        let headed = headed.chain(floats(noise(512).map(|bits| eeg(bits) as f32)));
        for (bytes, part) in [
            (whole.collect::<Vec<u8>>(), "every second number is 0"),
            (headed.collect(), "below 1e-30 among its first"),
        ] {
            let told = judged(&bytes).told().unwrap();
            assert!(told.contains(part) && !judged(&bytes).is_no_recording(), "{told}");
        }
    }

    #[test]
    fn a_matrix_of_matlab_4() {
        let header = |kind: u32, name: &[u8]| {
            let numbers = [kind, 500, 4, 0, name.len() as u32];
            let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            bytes.extend(name);
            bytes.resize(400, 1);
            content(&bytes)
        };
        assert_eq!(header(10, b"x\0"), Content::Foreign("a MATLAB 4 file", EXPORT));
        assert_eq!(header(10, b"\x01\x02"), Content::Bytes);
    }
}
