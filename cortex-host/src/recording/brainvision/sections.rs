//! The text of a `.vhdr` by section and key.

use std::collections::HashMap;

/// `key=value` lines by section, names in lower case.
pub(super) struct Sections<'a>(HashMap<&'static str, HashMap<String, &'a str>>);

impl<'a> Sections<'a> {
    /// The sections that are read; all others are left out.
    const KNOWN: [&'static str; 4] =
        ["common infos", "binary infos", "channel infos", "segmentation infos"];
    /// More keys than that are no header's, and a bound on memory.
    const MOST_KEYS: usize = 100_000;

    /// Reads the text of a header.
    ///
    /// # Errors
    /// There are too many keys, or one stands in a section twice with different values.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let mut map: HashMap<&str, HashMap<String, &str>> = HashMap::new();
        let mut section = None;
        let mut keys = 0;
        for line in text.lines().skip(1) {
            let line = line.trim();
            if line.starts_with(';') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                // Free text from here on.
                if name.eq_ignore_ascii_case("comment") {
                    break;
                }
                section = Self::KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name));
            } else if let (Some(name), Some((key, value))) = (section, line.split_once('=')) {
                keys += 1;
                if keys > Self::MOST_KEYS {
                    return Err(format!("more than {} keys; this is no header", Self::MOST_KEYS));
                }
                let (key, value) = (key.trim(), value.trim());
                let section = map.entry(name).or_default();
                match section.insert(key.to_lowercase(), value) {
                    Some(before) if before != value => {
                        return Err(format!(
                            "{key} stands twice in section [{name}], as \"{before}\" and as \"{value}\""
                        ));
                    }
                    _ => {}
                }
            }
        }
        Ok(Self(map))
    }

    /// The value of a key, its name in any case.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&'a str> {
        self.0.get(section)?.get(&key.to_lowercase()).copied()
    }
}
