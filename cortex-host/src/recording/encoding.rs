//! Text of headers and annotations: UTF-8, or the Windows code page that older recorders wrote.

use encoding_rs::WINDOWS_1252;

/// `bytes` as text, and whether they are UTF-8. Anything else is read as Windows-1252, of which
/// Latin-1 is a part: every byte is then a character, so that no letter becomes a replacement
/// character.
pub(super) fn decode(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), true),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
