//! What a file is by its bytes, whatever its name says.
//!
//! Every sequence of bytes is some float32, so nothing would stop a wrong guess later: raw samples
//! are what neither begins like another format, nor is a text in any encoding, nor makes numbers
//! that no amplifier gives.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::encoding::{starts_with_text, without_mark};
use super::{DatasetError, FORMATS, Format};

/// First bytes of formats that are not read: where they stand, what they are, what to do.
const FOREIGN: [(usize, &[u8], &str, &str); 101] = [
    (0, b"\x1f\x8b\x08", "a gzip archive", UNPACK),
    (0, b"PK\x03\x04", "a zip archive (an .npz file is one too)", UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", UNPACK),
    (0, b"PK\x07\x08", "a part of a zip archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (0, b"LZIP\x01", "an lzip archive", UNPACK),
    (0, b"\x5d\0\0\x80\0", "an LZMA archive", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (0, b"\x04\x22\x4d\x18", "an lz4 archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (0, b"MSCF\0\0\0\0", "a cabinet archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"!<arch>\n", "an ar archive or Debian package", UNPACK),
    (0, b"\xed\xab\xee\xdb", "an RPM package", UNPACK),
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer, not the data",
        "fetch them with: git lfs pull",
    ),
    (0, b"/annex/objects/", "a git-annex pointer, not the data", "fetch them with: git annex get"),
    (0, HDF5, "an HDF5 file (MATLAB 7.3, NWB, SNIRF)", EXPORT),
    (512, HDF5, "an HDF5 file (MATLAB 7.3, NWB, SNIRF)", EXPORT),
    (1024, HDF5, "an HDF5 file (MATLAB 7.3, NWB, SNIRF)", EXPORT),
    (2048, HDF5, "an HDF5 file (MATLAB 7.3, NWB, SNIRF)", EXPORT),
    (0, b"\x0e\x03\x13\x01", "an HDF4 file", EXPORT),
    (0, b"MATLAB 5.0 MAT-file", "a MATLAB file", EXPORT),
    (0, b"MATLAB 7.", "a MATLAB file", EXPORT),
    (0, b"CDF\x01", "a NetCDF file", EXPORT),
    (0, b"CDF\x02", "a NetCDF file", EXPORT),
    (0, b"CDF\x05", "a NetCDF file", EXPORT),
    (0, b"RIFF", "a WAV file", EXPORT),
    (0, b"RF64", "a WAV file", EXPORT),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64 file", EXPORT),
    (0, b"fLaC", "a FLAC file", EXPORT),
    (0, b"OggS", "an Ogg file", EXPORT),
    (0, b"FORM", "an AIFF file", EXPORT),
    (0, b".snd\0\0\0", "an AU file", EXPORT),
    (0, b"caff\0\x01\0\0", "a Core Audio file", EXPORT),
    (0, b"ID3\x03", "an MP3 file", EXPORT),
    (0, b"ID3\x04", "an MP3 file", EXPORT),
    (4, b"ftyp", "an MP4 file", EXPORT),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska file", EXPORT),
    (0, b"\0\0\0\x64\0\0\0\x1f\0\0\0\x14", "a FIF file", EXPORT),
    (0, b"\x64\0\0\0\x1f\0\0\0\x14\0\0\0", "a FIF file", EXPORT),
    (0, b"XDF:", "an XDF file", EXPORT),
    (0, b"GDF ", "a GDF file", EXPORT),
    (0, b"\x0d\xbf\x01\x05", "a Curry file", EXPORT),
    (0, b"EBS\x94\x0a\x13\x1a\x0d", "an EBS file", EXPORT),
    (0, b"Version 3.0", "a Neuroscan CNT file", EXPORT),
    (0, b"EEP V", "an ANT Neuro file", EXPORT),
    (0, b"RIFX", "an ANT Neuro file", EXPORT),
    (0, b"EEG-1100", "a Nihon Kohden file", EXPORT),
    (0, b"EEG-1200", "a Nihon Kohden file", EXPORT),
    (0, b"EEG-2100", "a Nihon Kohden file", EXPORT),
    (0, b"* MICROMED", "a Micromed file", EXPORT),
    (0, b"NEURALEV", "a Blackrock event file", EXPORT),
    (0, b"NEURALSG", "a Blackrock file", EXPORT),
    (0, b"NEURALCD", "a Blackrock file", EXPORT),
    (0, b"BRSMPGRP", "a Blackrock file", EXPORT),
    (0, b"BREVENTS", "a Blackrock event file", EXPORT),
    (0, b"######## Neuralynx", "a Neuralynx file", EXPORT),
    (0, b"header.format", "an Open Ephys file", EXPORT),
    (0, b"\x02\x27\x91\xc6", "an Intan RHD file", EXPORT),
    (0, b"\xac\x27\x91\xd6", "an Intan RHS file", EXPORT),
    (0, b"NEX1", "a NeuroExplorer file", EXPORT),
    (0, b"NEX5", "a NeuroExplorer file", EXPORT),
    (0, b"PLEX", "a Plexon file", EXPORT),
    (0, b"ABF ", "an Axon file", EXPORT),
    (0, b"ABF2", "an Axon file", EXPORT),
    (2, b"(C) CED", "a Spike2 file", EXPORT),
    (2, b"CEDFILE", "a Spike2 file", EXPORT),
    (0, b"TDSm", "a LabVIEW TDMS file", EXPORT),
    (128, b"DICM", "a DICOM file", EXPORT),
    (344, b"n+1\0", "a NIfTI file", EXPORT),
    (344, b"ni1\0", "a NIfTI file", EXPORT),
    (0, b"PAR1", "a Parquet file", EXPORT),
    (0, b"ARROW1", "an Arrow file", EXPORT),
    (0, b"FEA1", "a Feather file", EXPORT),
    (0, b"Obj\x01", "an Avro file", EXPORT),
    (0, b"X\n\0\0\0", "an R file", EXPORT),
    (0, b"RDX2\n", "an R file", EXPORT),
    (0, b"RDX3\n", "an R file", EXPORT),
    (0, b"SQLite format 3\0", "an SQLite database", EXPORT),
    (0, b"GGUF", "a GGUF model", EXPORT),
    (0, b"%PDF-", "a PDF document", EXPORT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", EXPORT),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", EXPORT),
    (0, b"\xff\xd8\xff", "a JPEG image", EXPORT),
    (0, b"GIF87a", "a GIF image", EXPORT),
    (0, b"GIF89a", "a GIF image", EXPORT),
    (0, b"II*\0", "a TIFF image", EXPORT),
    (0, b"MM\0*", "a TIFF image", EXPORT),
    (0, b"\x7fELF", "a program", EXPORT),
    (0, b"\xcf\xfa\xed\xfe", "a program", EXPORT),
    (0, b"MZ\x90\0", "a program", EXPORT),
    (0, b"\0asm\x01\0\0\0", "a WebAssembly program", EXPORT),
    (0, b"\xd4\xc3\xb2\xa1", "a packet capture", EXPORT),
    (0, b"\x80\x02c", "a Python pickle", EXPORT),
    (0, b"\x80\x02}", "a Python pickle", EXPORT),
    (0, b"\x80\x03c", "a Python pickle", EXPORT),
    (0, b"\x80\x03}", "a Python pickle", EXPORT),
    (0, b"\x80\x04\x95", "a Python pickle", EXPORT),
    (0, b"\x80\x05\x95", "a Python pickle", EXPORT),
];

const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
const UNPACK: &str = "unpack it first";
const EXPORT: &str = "export it as EDF, BDF, BrainVision or .npy first";

/// What is read of a file to judge it: every magic number lies within, and enough of a text or of
/// samples to tell one from the other.
const HEAD_BYTES: u64 = 4096;
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
    let mut head = Vec::new();
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(DatasetError::io("read", path))?;
    Ok(content(&head))
}

/// Refuses the data file `path` of a header when it begins like a file of its own: an archive, a
/// pointer to data that was never fetched, another format. Integers may look like a text.
///
/// # Errors
/// It does, or it cannot be read.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), DatasetError> {
    match of(path)? {
        Content::Known(found) => Err(DatasetError::format(
            path,
            format!(
                "it is {} by its first bytes, not the samples that a header describes; open it by itself",
                found.name
            ),
        )),
        Content::Foreign(name, advice) => {
            Err(DatasetError::format(path, format!("it is {name} by its first bytes; {advice}")))
        }
        Content::Text | Content::Bytes => Ok(()),
    }
}

fn content(head: &[u8]) -> Content {
    let marker_file = |name| starts_with_text(head, &format!("{name} Data Exchange Marker"));
    if ["Brain Vision", "BrainVision"].into_iter().any(marker_file) {
        return Content::Foreign("a BrainVision marker file", "give the .vhdr");
    }
    if let Some(known) = FORMATS.into_iter().find(|format| (format.begins)(head)) {
        return Content::Known(known);
    }
    let magic = FOREIGN
        .iter()
        .find(|(at, bytes, _, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    match magic {
        Some((_, _, name, advice)) => Content::Foreign(name, advice),
        None if is_matlab_4(head) => Content::Foreign("a MATLAB 4 file", EXPORT),
        None if is_text(head) => Content::Text,
        None => Content::Bytes,
    }
}

/// A MATLAB 4 matrix: type, rows, columns, whether complex, length of the name as integers of 32
/// bits, then the name and a zero. Source: "MAT-File Format", MathWorks.
fn is_matlab_4(head: &[u8]) -> bool {
    let number = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?))
    };
    let (Some(kind), Some(complex), Some(length)) = (number(0), number(12), number(16)) else {
        return false;
    };
    // M, O, P, T of `MOPT`: little-endian, nothing, number type, full or text or sparse.
    let digits = [kind / 1000, kind / 100 % 10, kind / 10 % 10, kind % 10];
    let known = digits[0] == 0 && digits[1] == 0 && digits[2] <= 5 && digits[3] <= 2;
    let name = length.checked_sub(1).and_then(|length| head.get(20..20 + length as usize + 1));
    known
        && complex <= 1
        && (2..=64).contains(&length)
        && name.and_then(<[u8]>::split_last).is_some_and(|(end, name)| {
            *end == 0 && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        })
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
