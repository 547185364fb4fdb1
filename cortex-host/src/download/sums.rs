//! `SHA256SUMS.txt`: lines of a SHA-256 and a path, as `sha256sum` prints them.

use std::collections::HashMap;

/// SHA-256 sums by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checksums(HashMap<String, String>);

impl Checksums {
    /// Reads a list. `None` when no line of `text` is one, or a sum contradicts another.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut sums = HashMap::new();
        for line in text.lines() {
            let Some((sum, path)) = line.trim().split_once(char::is_whitespace) else { continue };
            if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                continue;
            }
            // A star marks a file read in binary mode.
            let path = path.trim_start().trim_start_matches('*').trim_start_matches("./");
            let sum = sum.to_ascii_lowercase();
            if let Some(other) = sums.insert(path.to_owned(), sum.clone())
                && other != sum
            {
                return None;
            }
        }
        (!sums.is_empty()).then_some(Self(sums))
    }

    /// The sum of the file at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_sha256sum_prints_them() {
        let (a, b) = ("a".repeat(64), "B".repeat(64));
        let sums = Checksums::parse(&format!("{a}  S001/x.edf\n{b} *./y z.edf\n# talk\n")).unwrap();
        assert_eq!(sums.get("S001/x.edf"), Some(a.as_str()));
        assert_eq!(sums.get("y z.edf"), Some("b".repeat(64).as_str()));
        assert_eq!(sums.get("z"), None);
        assert_eq!(Checksums::parse("<html>not found</html>"), None);
        assert_eq!(Checksums::parse(&format!("{a}  x\n{b}  x\n")), None);
    }
}
