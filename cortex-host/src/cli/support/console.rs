//! What a command says on stderr: `[cortex] ...` lines, warnings, errors and progress.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::{Level, Observer, Progress, one_line};
use crate::device::Notice;

/// What a command says on stderr.
///
/// A closed stderr is not an error: the messages are lost and the work goes on.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    quiet: bool,
    terminal: bool,
    color: bool,
}

impl Console {
    /// As `--quiet` asks; colour and progress bars only on a terminal, colour
    /// also only without `NO_COLOR` in the environment.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { quiet, terminal, color }
    }

    /// `[cortex] MESSAGE`, unless quiet.
    pub fn say(&self, message: &str) {
        if !self.quiet {
            self.line(&format!("[cortex] {}", one_line(message.to_owned())));
        }
    }

    /// `warning: MESSAGE`, unless quiet.
    pub fn warn(&self, message: &str) {
        if !self.quiet {
            self.line(&self.paint("33", "warning:", &one_line(message.to_owned())));
        }
    }

    /// Warnings of a device that does not move on.
    #[must_use]
    pub fn notice(&self) -> Notice {
        let console = *self;
        Notice::new(move |sentence| console.warn(sentence))
    }

    /// `error: MESSAGE`, always.
    pub fn error(&self, message: &str) {
        self.line(&self.paint("1;31", "error:", message));
    }

    /// `TEXT` as it is, always: data that has no place on stdout.
    pub fn data(&self, text: &str) {
        self.line(text);
    }

    /// Whether only errors are wanted.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether stderr is a terminal, where progress is a bar that redraws itself.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    fn bar(&self, total: u64, label: &str) -> ProgressBar {
        if self.quiet || !self.terminal {
            return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("[cortex] {msg} {bar:32} {percent:>3}% {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(total).with_style(style).with_message(label.to_owned())
    }

    fn paint(&self, code: &str, word: &str, message: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{word}\x1b[0m {message}")
        } else {
            format!("{word} {message}")
        }
    }

    fn line(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

impl Observer for Console {
    fn message(&self, level: Level, text: &str) {
        match level {
            Level::Info => self.say(text),
            Level::Warning => self.warn(text),
        }
    }

    /// A progress bar: drawn on a terminal, hidden elsewhere and when quiet, cleared at the end.
    fn step(&self, progress: &Progress, label: &str, total: u64) -> Progress {
        let bar = Cleared(self.bar(total, label));
        progress.reporting(move |units| bar.0.inc(units))
    }
}

/// A bar that leaves the terminal as it was.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
