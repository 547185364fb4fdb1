//! Images as UF2, the format of boards that show up as a drive to be flashed.
//!
//! Source: the UF2 specification (github.com/microsoft/uf2). A file is a row of blocks of 512
//! bytes, each with 256 bytes for one address.

use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::{Endianness, elf};

/// What every block begins with, "UF2\n" and a number; and what it ends with.
const MAGIC: [u32; 2] = [0x0A32_4655, 0x9E5D_5157];
const MAGIC_END: u32 = 0x0AB1_6F30;
/// The flag that says that the word after the counts is a family.
const HAS_FAMILY: u32 = 0x2000;
const PAYLOAD_BYTES: usize = 256;
/// An RP2040 must be given whole sectors: of one that is only partly written, the rest may keep
/// what was there (RP2040 Datasheet, RP2040-E14).
const SECTOR_BYTES: u64 = 4_096;
/// More than this from the first to the last byte is no microcontroller's flash.
const MAX_IMAGE_BYTES: u64 = 64 << 20;

/// Why an image has no form as UF2.
#[derive(Debug, thiserror::Error)]
pub enum Uf2Error {
    /// It is no ELF file of 32 bits.
    #[error("this is no ELF image of a microcontroller ({0})")]
    NotElf(object::read::Error),
    /// It holds nothing, or bytes that lie too far apart.
    #[error("its loadable parts span {0} bytes, from 1 to {MAX_IMAGE_BYTES} are possible")]
    Span(u64),
}

/// The loadable bytes of the ELF image `bytes` as UF2 for the family of chips `family`.
///
/// # Errors
/// [`Uf2Error`].
pub fn uf2_of_elf(bytes: &[u8], family: u32) -> Result<Vec<u8>, Uf2Error> {
    let header = elf::FileHeader32::<Endianness>::parse(bytes).map_err(Uf2Error::NotElf)?;
    let endian = header.endian().map_err(Uf2Error::NotElf)?;
    let headers = header.program_headers(endian, bytes).map_err(Uf2Error::NotElf)?;
    let mut parts = Vec::new();
    for part in headers.iter().filter(|part| part.p_type(endian) == elf::PT_LOAD) {
        let data = part.data(endian, bytes).map_err(|()| {
            // The crate does not say more: a part that reaches beyond the file.
            Uf2Error::Span(u64::from(part.p_filesz(endian)))
        })?;
        if !data.is_empty() {
            parts.push((u64::from(part.p_paddr(endian)), data));
        }
    }
    let first = parts.iter().map(|(at, _)| *at).min().unwrap_or(0) / SECTOR_BYTES * SECTOR_BYTES;
    let end = parts.iter().map(|(at, data)| at + data.len() as u64).max().unwrap_or(0);
    let span = end.next_multiple_of(SECTOR_BYTES) - first;
    if span == 0 || span > MAX_IMAGE_BYTES {
        return Err(Uf2Error::Span(span));
    }
    let mut image = vec![0; span as usize];
    for (at, data) in parts {
        let offset = (at - first) as usize;
        image[offset..offset + data.len()].copy_from_slice(data);
    }
    Ok(blocks(first as u32, &image, family))
}

/// `image`, whole payloads, from `address` on.
fn blocks(address: u32, image: &[u8], family: u32) -> Vec<u8> {
    let count = image.len().div_ceil(PAYLOAD_BYTES);
    let mut file = Vec::with_capacity(count * 512);
    for (number, payload) in image.chunks(PAYLOAD_BYTES).enumerate() {
        let words = [
            MAGIC[0],
            MAGIC[1],
            HAS_FAMILY,
            address + (number * PAYLOAD_BYTES) as u32,
            PAYLOAD_BYTES as u32,
            number as u32,
            count as u32,
            family,
        ];
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        file.extend_from_slice(payload);
        file.resize(number * 512 + 508, 0);
        file.extend_from_slice(&MAGIC_END.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file for Arm with one loadable part.
    fn elf_of(address: u32, data: &[u8]) -> Vec<u8> {
        let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let half = |file: &mut Vec<u8>, value: u16| file.extend_from_slice(&value.to_le_bytes());
        let word = |file: &mut Vec<u8>, value: u32| file.extend_from_slice(&value.to_le_bytes());
        half(&mut file, 2); // an executable
        half(&mut file, 40); // for Arm
        for value in [1, address, 52, 0, 0] {
            word(&mut file, value); // version, entry, program headers, section headers, flags
        }
        for value in [52, 32, 1, 40, 0, 0] {
            half(&mut file, value);
        }
        let size = data.len() as u32;
        for value in [1, 84, 0, address, size, size, 5, 4] {
            word(&mut file, value); // PT_LOAD, offset, virtual and physical address, sizes, flags
        }
        file.extend_from_slice(data);
        file
    }

    #[test]
    fn blocks_carry_addresses_family_and_whole_sectors() {
        let data: Vec<u8> = (0..600).map(|n| (n % 251) as u8).collect();
        let file = uf2_of_elf(&elf_of(0x1000_0100, &data), 0xE48B_FF56).expect("an image");
        // From 0x10000000, a sector of 4,096 bytes: 16 blocks.
        assert_eq!(file.len(), 16 * 512);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four"));
        for block in 0..16 {
            let at = block * 512;
            assert_eq!(&file[at..at + 4], b"UF2\n");
            assert_eq!(word(at + 4), 0x9E5D_5157);
            assert_eq!(word(at + 8), 0x0000_2000);
            assert_eq!(word(at + 12), 0x1000_0000 + block as u32 * 256);
            assert_eq!((word(at + 16), word(at + 20), word(at + 24)), (256, block as u32, 16));
            assert_eq!(word(at + 28), 0xE48B_FF56);
            assert_eq!(word(at + 508), 0x0AB1_6F30);
        }
        let flash: Vec<u8> =
            file.chunks(512).flat_map(|block| block[32..32 + 256].to_vec()).collect();
        assert_eq!(flash[256..256 + 600], data);
        assert!(flash[..256].iter().chain(&flash[856..]).all(|&byte| byte == 0));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(matches!(uf2_of_elf(b"UF2\n", 1), Err(Uf2Error::NotElf(_))));
        assert!(matches!(uf2_of_elf(&elf_of(0, &[]), 1), Err(Uf2Error::Span(0))));
        let mut torn = elf_of(0, &[1; 100]);
        torn.truncate(100);
        assert!(uf2_of_elf(&torn, 1).is_err());
    }
}
