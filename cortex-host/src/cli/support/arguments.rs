//! Command lines that cannot be used, said as a configuration's mistakes are: one sentence with
//! what is wrong, where, and what to do.

use std::path::PathBuf;

use clap::Command;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::base::{Failure, expand_home, listed, nearest, quoted};

/// Value parser of file names: `~` is the home folder, which no shell puts in place behind a `=`
/// or in quotes. A name that is no UTF-8 is taken as it is.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|name| match name.to_str() {
        Some("") => Err("give a file name".to_owned()),
        Some(text) => expand_home(text),
        None => Ok(PathBuf::from(name)),
    })
}

/// Value parser of a word that may be a file name, too: as [`path()`] has them.
///
/// # Errors
/// It names another user's home folder.
pub fn text_or_path(text: &str) -> Result<String, String> {
    Ok(expand_home(text)?.to_string_lossy().into_owned())
}

/// `command` in which `-1` is a value and no option, so that an option that refuses it says what it
/// must be.
pub fn with_negative_numbers(command: Command) -> Command {
    command
        .mut_args(|argument| match argument.get_action().takes_values() {
            true => argument.allow_negative_numbers(true),
            false => argument,
        })
        .mut_subcommands(with_negative_numbers)
}

/// The failure that clap's `error` about the command line `arguments` of `program` is.
pub fn failure(error: &clap::Error, program: Command, arguments: &[String]) -> Failure {
    let (command, path) = command_of(program, arguments);
    let argument = text_of(error, ContextKind::InvalidArg);
    let name = argument
        .split([' ', '='])
        .next()
        .unwrap_or_default()
        .trim_matches(['<', '>', '[', ']', '.']);
    let value = text_of(error, ContextKind::InvalidValue);
    let see = format!("see {path} --help");
    let message = match error.kind() {
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            match expectation(&cause.unwrap_or_default()) {
                Ok(expected) => format!("{name} must be {expected}, but it is {}", quoted(&value)),
                Err(cause) => format!("{name} {}: {cause}", quoted(&value)),
            }
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{name} has no value; {see}"),
        ErrorKind::InvalidValue => {
            let known = texts_of(error, ContextKind::ValidValue);
            format!(
                "{name} must be one of {}, but it is {}{}",
                listed(known.iter().map(String::as_str)),
                quoted(&value),
                meant(&value, known.iter().map(String::as_str))
            )
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let options: Vec<String> = command
                .get_arguments()
                .filter_map(|known| known.get_long().map(|long| format!("--{long}")))
                .chain(["--quiet".to_owned(), "--help".to_owned()])
                .collect();
            let meant = meant(name, options.iter().map(String::as_str));
            format!(
                "{path} has no option {name}{meant}{}",
                if meant.is_empty() { format!("; {see}") } else { String::new() }
            )
        }
        ErrorKind::UnknownArgument => {
            format!("{path} has no place for {}; {see}", quoted(&argument))
        }
        ErrorKind::InvalidSubcommand => {
            let word = text_of(error, ContextKind::InvalidSubcommand);
            let known = command.get_subcommands().map(Command::get_name);
            let meant = meant(&word, known);
            format!(
                "there is no command {}{meant}{}",
                quoted(&word),
                if meant.is_empty() { format!("; {see}") } else { String::new() }
            )
        }
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<String> = texts_of(error, ContextKind::InvalidArg)
                .iter()
                .map(|argument| argument.split(' ').next().unwrap_or_default())
                .map(|name| name.trim_matches(['<', '>', '.']).to_owned())
                .collect();
            let is = if missing.len() == 1 { "is" } else { "are" };
            format!("{} {is} missing; {see}", listed(missing.iter().map(String::as_str)))
        }
        ErrorKind::ArgumentConflict => {
            let others = texts_of(error, ContextKind::PriorArg);
            let others: Vec<&str> = others
                .iter()
                .filter_map(|other| other.split(' ').next())
                .map(|other| other.trim_matches(['<', '>', '[', ']', '.']))
                .collect();
            // Of a group clap names all that are in it.
            let given = |other: &&str| !other.starts_with('-') || is_given(arguments, other);
            let present: Vec<&str> = others.iter().copied().filter(given).collect();
            let shown = if present.is_empty() { &others } else { &present };
            format!(
                "{name} does not go together with {}; leave out one or the other",
                listed(shown.iter().copied())
            )
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            format!("{}; {see}", first.trim_start_matches("error: "))
        }
    };
    Failure::usage(message)
}

/// What a value must be, from the parser's words for why it is not; else those words.
fn expectation(cause: &str) -> Result<String, &str> {
    match cause {
        "invalid float literal" | "cannot parse float from empty string" => {
            Ok("a number".to_owned())
        }
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            Ok("a whole number, 0 or above".to_owned())
        }
        "number too large to fit in target type" => Ok("a smaller whole number".to_owned()),
        // Of a range: `7 is not in 1..=5`.
        _ => match cause.split_once(" is not in ").and_then(|(_, range)| range.split_once("..=")) {
            Some((min, max)) => Ok(format!("a whole number from {min} to {max}")),
            None => match cause.strip_prefix("must be ") {
                Some(expected) => Ok(expected.to_owned()),
                None => Err(cause),
            },
        },
    }
}

/// Whether the option is on the command line, with blanks as dashes or underscores.
fn is_given(arguments: &[String], option: &str) -> bool {
    arguments.iter().any(|argument| {
        let name = argument.split('=').next().unwrap_or_default();
        name.starts_with("--") && name.replace('_', "-") == option
    })
}

fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(name) => format!("; did you mean {name}?"),
        None => String::new(),
    }
}

/// The subcommand that `arguments` reach, and how it is called.
fn command_of(mut command: Command, arguments: &[String]) -> (Command, String) {
    let mut path = command.get_name().to_owned();
    for argument in arguments.iter().skip(1) {
        if let Some(sub) = command.find_subcommand(argument) {
            path.push(' ');
            path.push_str(argument);
            command = sub.clone();
        } else if !argument.starts_with('-') {
            break;
        }
    }
    (command, path)
}

fn text_of(error: &clap::Error, kind: ContextKind) -> String {
    texts_of(error, kind).into_iter().next().unwrap_or_default()
}

fn texts_of(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        Some(ContextValue::StyledStrs(texts)) => texts.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn said(line: &str) -> String {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let command = with_negative_numbers(Cli::command());
        let error = command.try_get_matches_from(&arguments).unwrap_err();
        failure(&error, Cli::command(), &arguments).to_string()
    }

    #[test]
    fn mistakes_are_one_sentence_each() {
        let generate = "cortex-host generate pink_noise";
        for (line, expected) in [
            (
                format!("{generate} 8 fast 10 x.float32"),
                "RATE_HZ must be a number, but it is \"fast\"",
            ),
            (
                format!("{generate} 8.5 160 10 x.float32"),
                "CHANNELS must be a whole number, 0 or above, but it is \"8.5\"",
            ),
            (
                format!("{generate} 8 160 10 x.float32 --threads 0"),
                "--threads must be a whole number from 1 to 1024, but it is \"0\"",
            ),
            (format!("{generate} 8 160 10 "), "OUT \"\": give a file name"),
            (
                format!("{generate} 8 160 10 x.float32 --forse"),
                "cortex-host generate has no option --forse; did you mean --force?",
            ),
            (
                format!("{generate} 8 160 10 x.float32 --zzz"),
                "cortex-host generate has no option --zzz; see cortex-host generate --help",
            ),
            (
                "cortex-host convert a.edf".to_owned(),
                "OUTPUT is missing; see cortex-host convert --help",
            ),
            (
                "cortex-host convert a.edf b.float32 c".to_owned(),
                "cortex-host convert has no place for \"c\"; see cortex-host convert --help",
            ),
            (
                "cortex-host convert a.npy b.float32 --rate".to_owned(),
                "--rate has no value; see cortex-host convert --help",
            ),
            (
                "cortex-host run --fail-if-missed -1".to_owned(),
                "--fail-if-missed \"-1\": give a percentage from 0 to 100, such as 5",
            ),
            (
                "cortex-host check r --max-miss-rate 101".to_owned(),
                "--max-miss-rate \"101\": give a percentage from 0 to 100, such as 5",
            ),
            (
                "cortex-host download physionet --retries -1".to_owned(),
                "--retries must be a whole number from 0 to 100, but it is \"-1\"",
            ),
            (
                "cortex-host convert a.npy b.float32 --unit kV".to_owned(),
                "--unit must be one of V, mV, uV, nV, but it is \"kV\"",
            ),
            (
                "cortex-host genrate".to_owned(),
                "there is no command \"genrate\"; did you mean generate?",
            ),
            (
                "cortex-host frobnicate".to_owned(),
                "there is no command \"frobnicate\"; see cortex-host --help",
            ),
            (
                "cortex-host generate --from m.yaml x 8 --seed 3 --dc_offset_uv=2".to_owned(),
                "--from does not go together with CHANNELS, --seed, --dc-offset-uv; leave out one or the other",
            ),
            (
                "cortex-host run my.yaml --config my.yaml".to_owned(),
                "FILE does not go together with --config; leave out one or the other",
            ),
        ] {
            assert_eq!(said(&line), expected, "{line}");
        }
    }
}
