//! What a board remembers over a reset.

/// How often the board has started since it got power, and what ended the last run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Starts since power came, this one included.
    pub count: u32,
    /// The crash that caused this start, if one did.
    pub crash: Option<Crash>,
}

/// Why a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// End of the source file's name, or what kind of fault it was; padded with zeros.
    text: [u8; Self::TEXT_BYTES],
    /// Line in that file, or the address of the instruction.
    pub place: u32,
}

impl Crash {
    /// Longest text in bytes.
    pub const TEXT_BYTES: usize = 32;

    /// A crash at `place` (line or address) of `text`; the end of `text` is what is kept.
    #[must_use]
    pub fn new(text: &str, place: u32) -> Self {
        let bytes = text.as_bytes();
        let kept = bytes.get(bytes.len().saturating_sub(Self::TEXT_BYTES)..).unwrap_or_default();
        let mut padded = [0; Self::TEXT_BYTES];
        for (slot, byte) in padded.iter_mut().zip(kept) {
            *slot = *byte;
        }
        Self { text: padded, place }
    }

    /// The text, ASCII when the RAM has survived.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        let length = self.text.iter().position(|&byte| byte == 0).unwrap_or(Self::TEXT_BYTES);
        self.text.get(..length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        let name = "a/long/path/to/the/folder/of/kernel/mod.rs";
        let crash = Crash::new(name, 12);
        assert_eq!(crash.text().len(), Crash::TEXT_BYTES);
        assert!(name.as_bytes().ends_with(crash.text()));
        assert_eq!(Crash::new("mod.rs", 12).text(), b"mod.rs");
    }
}
