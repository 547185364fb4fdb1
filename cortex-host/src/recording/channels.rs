//! Choosing channels by name.
//!
//! A name is, in this order: one that `convert` writes, a label exactly as the file spells it, or
//! another spelling of a written name (`FP1` for `Fp1`). A name that fits several channels in the
//! same way is refused, and so is a channel that is named twice: a dataset's names are distinct.

use std::collections::HashSet;
use std::path::Path;

use super::{DatasetError, labels};
use crate::base::{nearest, printable};

/// Most names listed in a message.
const SHOWN: usize = 12;

/// The names of a file's channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// Labels as the file spells them.
    pub labels: &'a [String],
    /// The distinct names that `convert` writes, in the same order.
    pub written: &'a [String],
}

impl Names<'_> {
    /// The channels that `wanted` names, in its order. Each element is one name or several with
    /// commas between them; a name that holds a comma itself may be quoted, have it escaped
    /// (`A1\,A2`), or be written as it is when its parts are no names.
    ///
    /// # Errors
    /// An element names no channel, several, or one for the second time.
    pub fn select(&self, wanted: &[String], path: &Path) -> Result<Vec<usize>, DatasetError> {
        let mut chosen = Vec::new();
        for element in wanted {
            let names = split(element);
            let found: Vec<Result<usize, DatasetError>> =
                names.iter().map(|name| self.find(name, path)).collect();
            if found.iter().any(Result::is_err) && names.len() > 1 {
                self.select_joined(&names, path, &mut chosen)?;
            } else {
                for index in found {
                    chosen.push(index?);
                }
            }
        }
        let mut seen = HashSet::new();
        for index in &chosen {
            if !seen.insert(*index) {
                let name = self.written.get(*index).map_or("", String::as_str);
                return Err(DatasetError::Request(format!(
                    "{}: channel '{name}' is named twice; name it once",
                    path.display()
                )));
            }
        }
        Ok(chosen)
    }

    /// As `select`, for `parts` that are not all names: neighbours may be one name with commas.
    fn select_joined(
        &self,
        parts: &[String],
        path: &Path,
        chosen: &mut Vec<usize>,
    ) -> Result<(), DatasetError> {
        let mut rest = parts;
        while let Some(first) = rest.first() {
            let alone = self.find(first, path);
            let joined = (2..=rest.len()).rev().find_map(|count| {
                let (name, after) = rest.split_at_checked(count)?;
                let found = [",", ", "].iter().find_map(|c| self.find(&name.join(c), path).ok());
                Some((found?, after))
            });
            let (index, after) = match (alone, joined) {
                (Ok(index), _) => (index, rest.get(1..).unwrap_or_default()),
                (Err(_), Some(joined)) => joined,
                (Err(error), None) => return Err(error),
            };
            chosen.push(index);
            rest = after;
        }
        Ok(())
    }

    /// The one channel called `name`.
    fn find(&self, name: &str, path: &Path) -> Result<usize, DatasetError> {
        if let Some(index) = self.written.iter().position(|written| written == name) {
            return Ok(index);
        }
        let cleaned = labels::clean_label(name);
        let spelt = |test: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..self.written.len()).filter(|index| test(*index)).collect()
        };
        let label = |index: usize| self.labels.get(index).map_or("", String::as_str);
        let exact = spelt(&|index| label(index) == name);
        let found = if exact.is_empty() {
            spelt(&|i| labels::clean_label(label(i)) == cleaned)
        } else {
            exact
        };
        match found.as_slice() {
            [index] => Ok(*index),
            [] => Err(self.absent(name, path)),
            several => Err(DatasetError::Request(format!(
                "{}: '{name}' may be any of {}; name one of them",
                path.display(),
                list(several.iter().filter_map(|index| self.written.get(*index)))
            ))),
        }
    }

    fn absent(&self, name: &str, path: &Path) -> DatasetError {
        // A short list is plainer than a guess.
        let known = self.written.iter().map(String::as_str);
        let advice = match nearest(name, known).filter(|_| self.written.len() > SHOWN) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => format!("it has {}", list(self.written.iter())),
        };
        DatasetError::Request(format!("{} has no channel '{name}'; {advice}", path.display()))
    }
}

/// Names from a file joined by commas: at most a dozen of them, each fit to print and cut where no
/// header of a recorder goes on.
pub(super) fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    const LONGEST: usize = 60;
    let names: Vec<_> = names.collect();
    let shown = names.iter().take(SHOWN).map(|name| {
        let name = printable(name.as_ref());
        if name.chars().nth(LONGEST).is_none() {
            return name;
        }
        name.chars().take(LONGEST - 1).chain(['…']).collect()
    });
    let shown: Vec<String> = shown.collect();
    match names.len() {
        0..=SHOWN => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), more - SHOWN),
    }
}

/// `a, "b,c" , d\,e` → `a`, `b,c`, `d,e`. A quote counts where a name begins.
fn split(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let begin = rest.trim_start();
        let quote = begin.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quoted = quote.and_then(|quote| {
            let (name, after) = begin.get(1..)?.split_once(quote)?;
            let after = after.trim_start();
            (after.is_empty() || after.starts_with(',')).then(|| (name.to_owned(), after.get(1..)))
        });
        let (name, after) = quoted.unwrap_or_else(|| {
            let escaped = |at: usize| begin.get(..at).is_some_and(|before| before.ends_with('\\'));
            let comma = begin.match_indices(',').map(|(at, _)| at).find(|at| !escaped(*at));
            let name = comma.and_then(|at| begin.get(..at)).unwrap_or(begin);
            (name.trim().replace("\\,", ","), comma.and_then(|at| begin.get(at + 1..)))
        });
        names.push(name);
        match after {
            Some(after) => rest = after,
            None => return names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(labels: &[&str], wanted: &[&str]) -> Result<Vec<usize>, String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let written = labels::written(&labels);
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let names = Names { labels: &labels, written: &written };
        names.select(&wanted, Path::new("a.edf")).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_with_blanks_quotes_and_escapes() {
        assert_eq!(split("C3, C4"), ["C3", "C4"]);
        assert_eq!(split("A1\\,A2,Cz"), ["A1,A2", "Cz"]);
        assert_eq!(split("\"A1,A2\" , 'B,C'"), ["A1,A2", "B,C"]);
        assert_eq!(split("it's,b"), ["it's", "b"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn written_names_then_labels_then_other_spellings() {
        // All three would be C3 when cleaned; the one spelt so is meant.
        assert_eq!(select(&["EEG C3", "C3", "C3."], &["C3"]), Ok(vec![1]));
        assert_eq!(select(&["EEG C3", "C3", "C3."], &["EEG C3,C3."]), Ok(vec![0, 2]));
        assert_eq!(select(&["T8-P8", "T8-P8", "Cz"], &["T8-P8-2"]), Ok(vec![1]));
        assert_eq!(select(&["Fc5.", "EEG FP1"], &["fp1", "FC5"]), Ok(vec![1, 0]));
        assert_eq!(select(&["Fc5.", "EEG FP1"], &["EEG FP1", "Fc5."]), Ok(vec![1, 0]));
        let error = select(&["EEG C3", "C3."], &["C3"]).unwrap_err();
        assert!(error.contains("'C3' may be any of EEG C3, C3."), "{error}");
        let error = select(&["Cz", "Pz"], &["Cz,Cz"]).unwrap_err();
        assert!(error.contains("named twice"), "{error}");
        let error = select(&["Cz", "Pz"], &["Cy"]).unwrap_err();
        assert!(error.contains("has no channel 'Cy'; it has Cz, Pz"), "{error}");
    }

    #[test]
    fn names_may_hold_commas() {
        let labels = ["EEG A1,A2", "C4"];
        for wanted in ["A1,A2", "A1\\,A2", "'A1,A2'", "\"A1,A2\"", "EEG A1,A2"] {
            assert_eq!(select(&labels, &[wanted]), Ok(vec![0]), "{wanted}");
        }
        assert_eq!(select(&labels, &["C4,A1,A2"]), Ok(vec![1, 0]));
        // Where the parts are names too, they are meant.
        assert_eq!(select(&["A1,A2", "A1", "A2"], &["A1,A2"]), Ok(vec![1, 2]));
    }
}
