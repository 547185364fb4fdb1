//! `cortex-host man`: the manual pages, made from the same definitions as `--help`.

use std::io;
use std::path::PathBuf;

use super::{Console, arguments, output};
use crate::base::atomic_file::{place_text, refuse_taken};
use crate::base::{ExitCode, Failure};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host man | man -l -
  cortex-host man --dir ~/.local/share/man/man1 --force
  man cortex-host-generate")]
pub struct Args {
    /// Write the page of every subcommand into this folder instead of one page to stdout.
    #[arg(long, value_name = "DIR", value_parser = arguments::path())]
    pub dir: Option<PathBuf>,
    /// Replace the pages that are in the folder.
    #[arg(long, requires = "dir")]
    pub force: bool,
}

/// Prints or writes the pages of `command`, the whole program.
///
/// # Errors
/// [`Failure`] when stdout or the folder cannot be written.
pub fn execute(
    args: &Args,
    mut command: clap::Command,
    console: &Console,
) -> Result<ExitCode, Failure> {
    let unwritable = |error: io::Error| {
        let place = args.dir.as_deref().unwrap_or(std::path::Path::new("the manual page"));
        Failure::io("write", place, &error)
    };
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(unwritable)?;
            command.build();
            let pages = pages(&command, "").map_err(unwritable)?;
            let pages = pages.into_iter().map(|(name, page)| (dir.join(name + ".1"), page));
            let pages: Vec<(PathBuf, String)> = pages.collect();
            refuse_taken(pages.iter().map(|(path, _)| path.as_path()), args.force)?;
            for (path, page) in &pages {
                place_text(path, page)?;
            }
            console.say(&format!("Manual pages: {}", dir.display()));
        }
        None => {
            output::print(page("cortex-host", command).map_err(unwritable)?.trim_end())?;
        }
    }
    Ok(ExitCode::Success)
}

/// The pages of `command` and all its subcommands, by name.
fn pages(command: &clap::Command, above: &str) -> io::Result<Vec<(String, String)>> {
    let name = format!("{above}{}", command.get_name());
    let mut all = vec![(name.clone(), page(&name, command.clone())?)];
    let offered = |sub: &&clap::Command| sub.get_name() != "help" && !sub.is_hide_set();
    for sub in command.get_subcommands().filter(offered) {
        all.extend(pages(sub, &format!("{name}-"))?);
    }
    Ok(all)
}

/// One page. What `--help` says at its end is set as it is there: commands must neither be
/// broken nor hyphenated.
fn page(name: &str, command: clap::Command) -> io::Result<String> {
    let mut text = Vec::new();
    let source = concat!("cortex-host ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).title(name).source(source).render(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let Some((page, rest)) = text.split_once(".SH EXTRA\n") else { return Ok(text) };
    let (notes, rest) = match rest.find("\n.SH ") {
        Some(end) => rest.split_at(end),
        None => (rest.trim_end(), "\n"),
    };
    Ok(format!("{page}.SH NOTES\n.nf\n{notes}\n.fi{rest}"))
}
