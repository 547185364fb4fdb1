//! Text for messages and files: "did you mean", lists, quotes, instants.

/// The candidate that `word` most likely stands for, if any is near enough: at most a third of
/// its letters (and at most three) wrong, swapped, missing or added, case and `-`/`_` aside; or
/// the only candidate that begins with `word`.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let mut best: Option<(usize, &str)> = None;
    let mut begins = Vec::new();
    for candidate in candidates {
        let distance = strsim::damerau_levenshtein(&folded, &fold(candidate));
        let allowed = (candidate.len() / 3).clamp(1, 3);
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
    fn quoted_text_is_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "\"a\\u{1b}[31m\\n\"");
        assert!(quoted(&"x".repeat(100_000)).chars().count() <= 43);
    }
}
