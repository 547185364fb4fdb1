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

/// Fewer printable bytes than this may be samples by chance.
const LEAST_TEXT_BYTES: usize = 8;

/// Whether a file that begins with `head` is a text that begins with `beginning`.
pub(super) fn starts_with_text(head: &[u8], beginning: &str) -> bool {
    text(head).is_some_and(|text| text.starts_with(beginning))
}

/// `head` as text, if it is one: UTF-8 of printable characters and line ends.
pub(super) fn text(head: &[u8]) -> Option<&str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end within a character.
        Err(error) if head.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let printable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    (text.len() >= LEAST_TEXT_BYTES && text.chars().all(printable)).then_some(text)
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
