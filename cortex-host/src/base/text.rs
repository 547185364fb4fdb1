//! Text for messages and files: "did you mean", lists, quotes, paths, instants.

use std::path::PathBuf;

/// The candidate that `word` most likely stands for, if any is near enough: at most a third of
/// the shorter one's letters (and at most three) wrong, swapped, missing or added, case and `-`/`_` aside; or
/// the only candidate that begins with `word`.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let mut best: Option<(usize, &str)> = None;
    let mut begins = Vec::new();
    for candidate in candidates {
        let distance = strsim::damerau_levenshtein(&folded, &fold(candidate));
        let allowed = (candidate.len().min(folded.len()) / 3).min(3);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
        if folded.len() >= 3 && fold(candidate).starts_with(&folded) {
            begins.push(candidate);
        }
    }
    match (best, begins.as_slice()) {
        (Some((_, candidate)), _) => Some(candidate),
        (None, [only]) => Some(only),
        _ => None,
    }
}

/// `a, b, c`: the known names, for a message.
#[must_use]
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The text in quotes, cut to 40 characters, control characters escaped: a hostile name never
/// fills or repaints a terminal.
#[must_use]
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// Whether a character of a text from elsewhere would move a terminal's cursor, end the line, or
/// show what follows in another order than it is (U+202A to 202E, U+2066 to 2069, Unicode's
/// bidirectional controls).
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from a file without what would move a terminal's cursor or end the line.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// The same with blanks in place, for a text that is written into files.
#[must_use]
pub fn without_controls(text: &str) -> String {
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// Architecture and operating system that this program was built for, such as `x86_64-linux`.
#[must_use]
pub fn built_for() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// `1 window`, `2 windows`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `text` as one word of a POSIX shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path in quotes, control characters escaped: whole, so that it can be copied, unless it is
/// longer than any path can be.
#[must_use]
pub fn quoted_path(path: &str) -> String {
    const LONGEST: usize = 4096;
    if path.len() > LONGEST { quoted(path) } else { format!("\"{}\"", path.escape_debug()) }
}

/// `~` and `~/...` as the home folder, anything else as it is.
///
/// # Errors
/// There is no home folder, or another user's is asked for.
pub fn expand_home(path: &str) -> Result<PathBuf, String> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(PathBuf::from(path)) };
    match rest.strip_prefix('/') {
        None if rest.is_empty() => home(path),
        // A file whose name begins so.
        None if !rest.contains('/') => Ok(PathBuf::from(path)),
        None => Err(format!(
            "{} names another user's home folder, which is not looked up; write it out",
            quoted_path(path)
        )),
        Some(below) => Ok(home(path)?.join(below)),
    }
}

fn home(path: &str) -> Result<PathBuf, String> {
    std::env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
        format!("~ in {} is the home folder, but HOME names none; write it out", quoted_path(path))
    })
}

/// An instant in UTC to the second, as RFC 3339 has it.
#[must_use]
pub fn rfc3339(instant: jiff::Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn fold(word: &str) -> String {
    // A name longer than any key is nobody's misspelling, and the distance is quadratic.
    word.chars().take(64).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn misspellings_find_their_name_and_strangers_do_not() {
        let known = ["sample_rate_hz", "seed", "signal_type", "duration_s", "path"];
        for (word, meant) in [
            ("sampel_rate_hz", Some("sample_rate_hz")),
            ("sample-rate-hz", Some("sample_rate_hz")),
            ("Seed", Some("seed")),
            ("duration", Some("duration_s")),
            ("signal", Some("signal_type")),
            ("bandwidth", None),
            ("s", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn short_names_are_not_near_to_others() {
        for word in ["C5", "x", "-v", "zz"] {
            assert_eq!(nearest(word, ["C3", "uV", "-q", "fft"]), None, "{word}");
        }
    }

    #[test]
    fn paths_are_whole_and_begin_at_home() {
        let long = "a/".repeat(200);
        assert_eq!(quoted_path(&long), format!("\"{long}\""));
        assert!(quoted_path(&"x".repeat(5000)).len() < 50);
        let home = std::env::home_dir().unwrap();
        assert_eq!(expand_home("~").unwrap(), home);
        assert_eq!(expand_home("~/a b").unwrap(), home.join("a b"));
        assert_eq!(expand_home("~backup.float32").unwrap(), Path::new("~backup.float32"));
        assert_eq!(expand_home("a/~/b").unwrap(), Path::new("a/~/b"));
        assert!(expand_home("~someone/data").is_err());
    }

    #[test]
    fn printable_text_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{2028}"), "a\u{fffd}[2Jb\u{fffd}");
    }

    #[test]
    fn quoted_text_is_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "\"a\\u{1b}[31m\\n\"");
        assert!(quoted(&"x".repeat(100_000)).chars().count() <= 43);
    }

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        assert_eq!(shell_word("results/run-1/config.yaml"), "results/run-1/config.yaml");
        assert_eq!(shell_word("mes données/a"), "'mes données/a'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
