//! Any program as a kernel: rows in through its standard input, outputs out through its standard
//! output, timed from outside. For prototypes.
//!
//! The framing (docs/guides/your-own-kernel.md): one line of JSON each way, then for each window
//! a count and that many float32, little-endian, each way; a count of 0 asks for the state before
//! the first sample. Input ends with the run.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::printed::Printed;
use super::{CommandSetup, Launcher};
use crate::base::quoted;
use crate::harness::{Clock, Device, DeviceTiming, WindowDone, WindowFault};
use crate::platform::child::{apart_from_the_terminal, end_with_thread};
use crate::platform::descriptor::set_nonblocking;
use crate::platform::library::{Feed, Refusal};

/// How long a program may take to start: interpreters load a lot.
const START: Duration = Duration::from_secs(30);

/// The longest first line of a program.
const MAX_LINE_BYTES: usize = 4096;

/// The most values of an answer: 1 GiB.
const MAX_OUTPUT_VALUES: usize = 1 << 28;

/// The first line to the program.
#[derive(Serialize)]
struct Hello<'a> {
    protocol: u32,
    name: &'a str,
    channels: usize,
    window: usize,
    hop: usize,
    sample_rate_hz: f64,
    feed: &'a str,
    params: &'a serde_json::Value,
}

/// The program's first line.
#[derive(Deserialize)]
struct Welcome {
    output_values: usize,
}

/// A running program. It is ended when dropped.
pub struct CommandKernel {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    printed: Arc<Mutex<Printed>>,
    window: Vec<f32>,
    feed: Feed,
    bytes: Vec<u8>,
    max_output_len: usize,
    patience: Duration,
    loss: Option<String>,
}

impl CommandKernel {
    /// Starts the program and exchanges the first lines. `deadline` is that of a window, `grace` how
    /// long after it an answer is waited for.
    ///
    /// # Errors
    /// [`Refusal`]: it does not start, or does not answer as a kernel.
    pub fn open(
        setup: &CommandSetup,
        deadline: Duration,
        grace: Duration,
    ) -> Result<Self, Refusal> {
        let [program, arguments @ ..] = &setup.command[..] else {
            return Err(Refusal::new("the command is empty"));
        };
        let failed = |what: &str, error: io::Error| Refusal::new(format!("{what}: {error}"));
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        apart_from_the_terminal(&mut command);
        end_with_thread(&mut command);
        let mut child =
            command.spawn().map_err(|error| failed(&format!("cannot start {program}"), error))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Refusal::new(format!("{program} has no pipes")));
        };
        let nonblocking = set_nonblocking(&input).and_then(|()| set_nonblocking(&output));
        let printed = Printed::of(errors);
        let mut kernel = Self {
            child,
            input: Some(input),
            output,
            printed,
            window: vec![0.0; setup.window * setup.channels],
            feed: setup.feed,
            bytes: Vec::new(),
            max_output_len: 0,
            patience: deadline.saturating_add(grace),
            loss: None,
        };
        nonblocking.map_err(|error| failed("cannot set up the program's pipes", error))?;
        let hello = Hello {
            protocol: 1,
            name: &setup.name,
            channels: setup.channels,
            window: setup.window,
            hop: setup.hop,
            sample_rate_hz: setup.sample_rate_hz,
            feed: setup.feed.name(),
            params: &setup.params,
        };
        let mut line = serde_json::to_string(&hello)
            .map_err(|error| Refusal::new(format!("cannot tell the program its task: {error}")))?;
        line.push('\n');
        let mut answer = Vec::new();
        kernel
            .exchange(line.as_bytes(), START, |bytes| {
                answer.extend_from_slice(bytes);
                answer.len() > MAX_LINE_BYTES || answer.ends_with(b"\n")
            })
            .map_err(|cause| {
                let printed = kernel.end();
                Refusal::new(format!("before its first line, {cause}{printed}"))
            })?;
        let welcome: Welcome = serde_json::from_slice(&answer).map_err(|error| {
            let line = answer.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
            Refusal::new(format!(
                "the first line of its standard output must be JSON such as \
                 {{\"output_values\": 64}}, but it is {} ({error}); print everything else to standard \
                 error",
                quoted(line.trim_end())
            ))
        })?;
        if !(1..=MAX_OUTPUT_VALUES).contains(&welcome.output_values) {
            return Err(Refusal::new(format!(
                "its output_values must be 1 to {MAX_OUTPUT_VALUES}, but it is {}",
                welcome.output_values
            )));
        }
        kernel.max_output_len = welcome.output_values;
        Ok(kernel)
    }

    /// Writes `send` while it reads into `take`, which says when there is enough.
    fn exchange(
        &mut self,
        send: &[u8],
        patience: Duration,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), String> {
        let until = Instant::now() + patience;
        let (mut sent, mut buffer) = (0, [0; 1 << 16]);
        loop {
            match self.output.read(&mut buffer) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => {
                    if take(&buffer[..count]) {
                        return Ok(());
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(format!("it could not be read: {error}")),
            }
            let Some(input) = &mut self.input else { return Err(self.ended()) };
            if sent < send.len() {
                match input.write(&send[sent..]) {
                    Ok(count) => {
                        sent += count;
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return Err(self.ended()),
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let ms = patience.as_millis();
                return Err(format!("it did not answer within {ms} ms and was ended"));
            }
            let timeout = rustix::event::Timespec {
                tv_sec: left.as_secs() as _,
                tv_nsec: left.subsec_nanos() as _,
            };
            let mut ready = vec![PollFd::new(&self.output, PollFlags::IN)];
            if sent < send.len() {
                ready.push(PollFd::new(input, PollFlags::OUT));
            }
            match poll(&mut ready, Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(format!("it could not be waited for: {error}")),
            }
        }
    }

    /// Why the program ended, which closed its output.
    fn ended(&mut self) -> String {
        let until = Instant::now() + Duration::from_millis(200);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!("it ended ({status})"),
                Ok(None) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                _ => return "it closed its output".to_owned(),
            }
        }
    }

    /// Sends values and reads an answer of at most `output`; its number of values.
    fn call(
        &mut self,
        values: &[f32],
        output: &mut [f32],
        patience: Duration,
    ) -> Result<usize, String> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.extend_from_slice(&(values.len() as u32).to_le_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let room = output.len();
        let mut answer: Vec<u8> = Vec::with_capacity(4 + 4 * room);
        let mut announced = None;
        let result = self.exchange(&bytes, patience, |read| {
            answer.extend_from_slice(read);
            if let Some(count) = answer.first_chunk::<4>() {
                announced = Some(u32::from_le_bytes(*count) as usize);
            }
            announced.is_some_and(|count| count > room || answer.len() >= 4 + 4 * count)
        });
        self.bytes = bytes;
        result?;
        let count = announced.unwrap_or_default();
        if count > room {
            let text = answer[..answer.len().min(40)].split(|&byte| byte == b'\n').next();
            let printed = text.filter(|text| {
                text.len() >= 4 && text.iter().all(|byte| matches!(byte, b' '..=b'~'))
            });
            return Err(match (printed, values) {
                (Some(text), _) => format!(
                    "its answer begins with the text {} in place of a count; print to standard error",
                    quoted(&String::from_utf8_lossy(text))
                ),
                (None, []) => format!(
                    "it answered the reset, a count of 0, with {count} values in place of a count of 0"
                ),
                (None, _) => {
                    format!("it answered {count} values and had announced {room} (output_values)")
                }
            });
        }
        if answer.len() > 4 + 4 * count {
            return Err(format!("it answered more than the {count} values that its count says"));
        }
        for (value, bytes) in output.iter_mut().zip(answer[4..].as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(count)
    }

    /// Ends the program; what it printed last, as a sentence's end.
    fn end(&mut self) -> String {
        let _ = self.child.kill();
        Printed::sentence(&self.printed)
    }

    fn lost(&mut self, cause: &str) -> WindowFault {
        let printed = self.end();
        self.loss = Some(format!("{cause}{printed}"));
        WindowFault::KernelLost
    }
}

impl Drop for CommandKernel {
    fn drop(&mut self) {
        // The end of its input asks it to end; one that does not listen is ended.
        self.input = None;
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until && !matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Device for CommandKernel {
    fn adapter_name(&self) -> &str {
        "command"
    }

    fn max_output_len(&self) -> usize {
        self.max_output_len
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        self.window.fill(0.0);
        match self.call(&[], &mut [], Launcher::START) {
            Ok(_) => Ok(()),
            Err(cause) => Err(self.lost(&format!("at the reset before it, {cause}"))),
        }
    }

    fn run_window(
        &mut self,
        _index: u64,
        input: &[f32],
        output: &mut [f32],
        clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        let mut window = std::mem::take(&mut self.window);
        let values = match self.feed {
            Feed::Hops => input,
            Feed::Windows => {
                window.copy_within(input.len().., 0);
                let kept = window.len() - input.len();
                window[kept..].copy_from_slice(input);
                &window
            }
        };
        let start_ns = clock.now_ns();
        let answered = self.call(values, &mut output[..self.max_output_len], self.patience);
        let end_ns = clock.now_ns();
        self.window = window;
        let output_len = answered.map_err(|cause| self.lost(&cause))?;
        Ok(WindowDone { output_len, timing: DeviceTiming::of_kernel(start_ns, end_ns) })
    }

    fn loss(&self) -> Option<String> {
        self.loss.clone()
    }
}
