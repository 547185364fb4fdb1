//! `cortex-host serve`: this machine as a device behind a TCP port.

use super::Console;
use crate::base::{ExitCode, Failure, Progress, quoted};
use crate::device::{ServeError, Server, has_host_and_port};

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host serve
  cortex-host serve tcp://0.0.0.0:9000 --name rpi5

On the other machine, with the address of this one:
  cortex-host run --device tcp://raspberrypi.local:9000

One session at a time; whoever can reach the port can run the built-in kernels and nothing else.
There is no password: beyond this machine, open the port in a network that you trust. Ctrl-C ends
it.")]
pub struct Args {
    /// Where to listen.
    #[arg(default_value = "tcp://127.0.0.1:9000", value_name = "tcp://HOST:PORT")]
    pub address: String,
    /// What the device calls itself, at most 24 bytes. Default: linux-x86_64 and the like.
    #[arg(long)]
    pub name: Option<String>,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: a wrong address (exit code 2), a port that cannot be had (4).
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let address = args.address.strip_prefix("tcp://").unwrap_or(&args.address);
    if !has_host_and_port(address) {
        return Err(Failure::usage(format!(
            "{} is no host and port; write tcp://HOST:PORT, such as tcp://127.0.0.1:9000",
            quoted(&args.address)
        )));
    }
    let native = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let name = args.name.as_deref().unwrap_or(&native);
    if name.is_empty() || name.len() > 24 {
        return Err(Failure::usage("--name takes 1 to 24 bytes"));
    }
    let progress = Progress::cancelled_by_signals()?;
    let server = Server::listen(address, name, progress.clone()).map_err(|error| match error {
        ServeError::Listen { .. } => Failure::new(ExitCode::Device, error.to_string()),
        ServeError::Device(error) => error.into(),
    })?;
    let bound = server.address().map_or_else(|_| address.to_owned(), |bound| bound.to_string());
    console.say(&format!("{name} serves hosts on tcp://{bound}; Ctrl-C ends it"));
    server.run(&|line| console.say(line));
    Ok(ExitCode::Success)
}
