//! Text of headers and annotations: UTF-8, or the Windows code page that older recorders wrote.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// `bytes` as text, and whether they are UTF-8. Anything else is read as Windows-1252, of which
/// Latin-1 is a part: every byte is then a character, so that no letter becomes a replacement
/// character.
pub(super) fn decode(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), true),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), false),
    }
}

/// The text of a whole file, and whether it is Unicode: UTF-8 or, with a byte order mark, UTF-16;
/// anything else as in [`decode`]. Lines end in `\n`, whatever system wrote them.
pub(super) fn decode_file(bytes: &[u8]) -> (String, bool) {
    let (text, unicode) = match bytes {
        [0xff, 0xfe, text @ ..] => (UTF_16LE.decode_without_bom_handling(text).0.into(), true),
        [0xfe, 0xff, text @ ..] => (UTF_16BE.decode_without_bom_handling(text).0.into(), true),
        _ => decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    };
    (text.replace("\r\n", "\n").replace('\r', "\n"), unicode)
}

/// Whether a file that begins with `head` is a text that begins with `beginning`.
pub(super) fn starts_with_text(head: &[u8], beginning: &str) -> bool {
    without_mark(head).starts_with(beginning.as_bytes())
}

/// What follows UTF-8's byte order mark.
pub(super) fn without_mark(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_every_system() {
        let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}µ\r\nb\rc\n".encode_utf16().flat_map(bytes).collect()
        };
        for bytes in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            assert_eq!(decode_file(&bytes), ("µ\nb\nc\n".to_owned(), true));
        }
        assert_eq!(decode_file("\u{feff}µ\r\n".as_bytes()), ("µ\n".to_owned(), true));
        assert_eq!(decode_file(b"\xb5\r"), ("µ\n".to_owned(), false));
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_windows_1252() {
        assert_eq!(decode("caf\u{e9} µV".as_bytes()), ("café µV".to_owned(), true));
        assert_eq!(decode(b"R\xe9veil caf\xe9"), ("Réveil café".to_owned(), false));
        assert_eq!(decode(b"T1 \x96 \x80"), ("T1 – €".to_owned(), false));
        let (all, _) = decode(&(0..=255).collect::<Vec<u8>>());
        assert_eq!(all.chars().count(), 256);
        assert!(!all.contains('\u{fffd}'));
    }
}
