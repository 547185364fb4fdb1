//! `cortex-host`: parse the command line, run it, turn the outcome into an exit code.

fn main() -> std::process::ExitCode {
    cortex_host::command_line().into()
}
