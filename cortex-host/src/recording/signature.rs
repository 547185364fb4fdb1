//! The first bytes of a file, and those of formats that are not read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::DatasetError;

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
pub(super) const EXPORT: &str = "export it as EDF, BDF, BrainVision or .npy first";

/// What is read of a file to judge it: every magic number lies within, and enough of a text or of
/// samples to tell one from the other.
const HEAD_BYTES: u64 = 4096;

/// The first bytes of the file `path`, enough to judge it.
///
/// # Errors
/// It cannot be read.
pub(super) fn head(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(DatasetError::io("read", path))?;
    Ok(head)
}

/// What a file that begins with `head` is, and what to do, when it is none of the formats read.
pub(super) fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let magic = FOREIGN
        .iter()
        .find(|(at, bytes, _, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    match magic {
        Some((_, _, name, advice)) => Some((name, advice)),
        None if is_matlab_4(head) => Some(("a MATLAB 4 file", EXPORT)),
        None => None,
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
