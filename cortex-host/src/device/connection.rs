//! A session over a [`Link`]: waits with deadlines, turns events into results and errors.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cortex_core::kernel::KernelShape;
use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::message::{Configure, Configured, DeviceInfo, Seeded};
use cortex_core::link::{
    ClockSample, Encoding, ErrorInfo, Failure, HostAction, HostEvent, HostOptions, HostSession,
    HostStats, ResultEnd, SeededResult,
};

use super::{DeviceClock, DeviceKernel, Link, LinkError};
use crate::base::Progress;

/// Longest frame of our own, above the longest fragment a u16 can name.
const FRAME_BYTES: usize = 65_536 + 64;
/// Longest write without progress.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// Longest single wait, so that an interrupt is seen.
const SLICE: Duration = Duration::from_millis(50);
/// Pings of one clock reading.
const PINGS: usize = 8;
/// On a line so slow that they take longer than this, fewer do.
const PINGS_ENOUGH: Duration = Duration::from_secs(2);
/// A block that takes this many times as long as here may: a soft-float microcontroller of 16 MHz
/// needs some thousand times the time of one core of a desktop, and an emulated one as long.
const SLOWEST_DEVICE: u32 = 20_000;
/// Longest time of one block without a sign of life that is ever waited for.
const LONGEST_BUSY: Duration = Duration::from_secs(60);
/// A device that has not moved on for this long is told of, and again each time it passes.
const NOTICE: Duration = Duration::from_secs(3);

/// An open session with a device.
pub struct Connection {
    pump: Pump,
    info: DeviceInfo,
    clock: Option<ClockSample>,
    shape: Option<KernelShape>,
    /// Shortest time of a block of the kernel that is configured, here.
    block_time: Option<Duration>,
}

/// Link and session, and the loop between them.
struct Pump {
    link: Box<dyn Link>,
    session: HostSession<Vec<f32>, Vec<u8>>,
    device: String,
    started: Instant,
    progress: Option<Progress>,
    notice: Option<Notice>,
    /// Notices given in the present wait.
    noticed: u32,
    received: Vec<u8>,
    /// Why the session is over, should anything more be asked of it.
    failure: Option<Failure>,
}

/// Is told, in one sentence, that a device has not moved on for a while.
#[derive(Clone)]
pub struct Notice(Arc<dyn Fn(&str) + Send + Sync>);

impl Notice {
    /// Gives each sentence to `tell`.
    #[must_use]
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Says `sentence`.
    pub(super) fn tell(&self, sentence: &str) {
        (self.0)(sentence);
    }
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notice")
    }
}

/// A block's result: how many values it has, stamps and digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockDone {
    /// Values written to the output.
    pub output_len: usize,
    /// Stamps in the device's ticks, digests.
    pub end: ResultEnd,
}

/// What a kernel is configured with.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelSettings {
    /// The kernel and its parameters.
    pub kernel: DeviceKernel,
    /// Channels, window, hop and sample rate.
    pub shape: KernelShape,
    /// How samples go to the device.
    pub input: Encoding,
    /// How results come back.
    pub output: Encoding,
}

impl Connection {
    /// Opens a session. `baud` tells how long bytes take (`None`: no line in between).
    ///
    /// # Errors
    /// [`LinkError::Session`] when the device is silent, answers garbage or speaks another
    /// version; what the link reports otherwise.
    pub fn open(
        link: Box<dyn Link>,
        baud: Option<u32>,
        progress: Option<Progress>,
    ) -> Result<Self, LinkError> {
        let options = HostOptions {
            byte_ns: baud.map_or(0, |baud| 10_000_000_000 / u64::from(baud.max(1))),
            ..HostOptions::default()
        };
        Self::open_with(link, options, progress)
    }

    /// The same with timers and limits of one's own.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub fn open_with(
        link: Box<dyn Link>,
        options: HostOptions,
        progress: Option<Progress>,
    ) -> Result<Self, LinkError> {
        let device = link.describe();
        let session = HostSession::new(
            random_session(),
            options,
            vec![0; FRAME_BYTES],
            vec![0; transmit_buffer_bytes(FRAME_BYTES)],
            Vec::new(),
            Vec::new(),
        );
        let started = Instant::now();
        let received = vec![0; 65_536];
        let mut pump = Pump {
            link,
            session,
            device,
            started,
            progress,
            notice: None,
            noticed: 0,
            received,
            failure: None,
        };
        loop {
            if pump.next_event()? == HostEvent::Connected
                && let Some(info) = pump.session.info()
            {
                let info = info.clone();
                return Ok(Self { pump, info, clock: None, shape: None, block_time: None });
            }
        }
    }

    /// What the device says about itself.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// What the link is, for messages.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.pump.device
    }

    /// What ends the waits of this connection, for one that serves the same user.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.pump.progress.clone()
    }

    /// What crossed the line so far.
    #[must_use]
    pub fn stats(&self) -> HostStats {
        self.pump.session.stats()
    }

    /// Is told when the device does not move on for some seconds.
    pub fn set_notice(&mut self, notice: Option<Notice>) {
        self.pump.notice = notice;
    }

    /// Reads the device's clock by eight pings (fewer on a slow line) and keeps the one with the
    /// shortest round trip.
    ///
    /// # Errors
    /// [`LinkError`] when the session fails.
    pub fn read_clock(&mut self) -> Result<ClockSample, LinkError> {
        let mut best: Option<ClockSample> = None;
        let begun = Instant::now();
        for _ in 0..PINGS {
            if best.is_some() && begun.elapsed() > PINGS_ENOUGH {
                break;
            }
            let sample = self.ping()?;
            let shorter = |known: ClockSample| known.round_trip_ns() <= sample.round_trip_ns();
            best = best.filter(|&known| shorter(known)).or(Some(sample));
        }
        let best = best.ok_or_else(|| self.pump.protocol("no answer to any ping"))?;
        self.clock = Some(best);
        Ok(best)
    }

    /// Asks the device what its receiver has lost so far; [`Connection::stats`] has it then.
    ///
    /// # Errors
    /// [`LinkError`] when the session fails.
    pub fn read_losses(&mut self) -> Result<(), LinkError> {
        self.ping().map(|_| ())
    }

    fn ping(&mut self) -> Result<ClockSample, LinkError> {
        let asked = self.pump.session.ping();
        self.pump.made("ping", asked)?;
        loop {
            if let HostEvent::Pong(sample) = self.pump.next_event()? {
                return Ok(sample);
            }
        }
    }

    /// The best clock reading so far.
    #[must_use]
    pub fn clock(&self) -> Option<ClockSample> {
        self.clock
    }

    /// What counts the device's ticks.
    #[must_use]
    pub fn device_clock(&self) -> DeviceClock {
        DeviceClock {
            source: self.info.timer.name().to_owned(),
            hz: self.info.tick_hz,
            bits: self.info.timer_bits,
            instruction_ns: self.pump.link.instruction_ns(),
        }
    }

    /// Takes what has arrived without waiting, to see whether the device is still there.
    ///
    /// # Errors
    /// [`LinkError`] when it is not.
    pub fn look(&mut self) -> Result<(), LinkError> {
        while self.pump.step(Duration::ZERO)?.is_some() {}
        Ok(())
    }

    /// When something happened on the device, in nanoseconds since this session was opened, by
    /// the best clock reading: its middle is taken to be the same moment at both ends, so the
    /// error is at most half its round trip, and what the two clocks drift apart since.
    #[must_use]
    pub fn device_to_host_ns(&self, ticks: u64) -> Option<u64> {
        let clock = self.clock?;
        let middle = |a: u64, b: u64| i128::from(a / 2 + b / 2);
        let ticks_since =
            i128::from(ticks) - middle(clock.device_received_ticks, clock.device_sent_ticks);
        let ns_since = ticks_since * 1_000_000_000 / i128::from(self.info.tick_hz.max(1));
        u64::try_from(middle(clock.sent_ns, clock.received_ns) + ns_since).ok()
    }

    /// Puts a kernel on the device, its state at the start; the next block is block 0.
    ///
    /// # Errors
    /// [`LinkError::Refused`] when the device cannot hold or does not have it.
    pub fn configure(&mut self, job: &KernelSettings) -> Result<Configured, LinkError> {
        let kernel = job.kernel.wire_bytes();
        let kernel = kernel
            .ok_or_else(|| self.pump.protocol("the kernel's parameters cannot be encoded"))?;
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let configure = Configure {
            channels: narrow(job.shape.channels),
            window: narrow(job.shape.window),
            hop: narrow(job.kernel.rows_per_block(&job.shape)),
            sample_rate_hz: job.shape.sample_rate_hz,
            input: job.input,
            output: job.output,
            kernel: &kernel,
        };
        let asked = self.pump.session.configure(&configure);
        self.pump.made("the kernel", asked)?;
        let configured = loop {
            match self.pump.next_event()? {
                HostEvent::Configured(configured) => break configured,
                HostEvent::Refused { error, .. } => {
                    return Err(self.pump.refused("the kernel", error));
                }
                _ => {}
            }
        };
        // Before any memory is taken: what the device announces is no more than a claim.
        let expected = job.kernel.max_output_values(&job.shape);
        if configured.output_values as usize != expected {
            return Err(self.pump.protocol("it announces results of another length"));
        }
        let values = job.shape.channels.saturating_mul(job.shape.window);
        let input = vec![0.0; values];
        let output = vec![0.0; expected];
        let set = self.pump.session.set_buffers(input, output);
        self.pump.made("buffers", set)?;
        self.shape = Some(job.shape);
        self.block_time = None;
        Ok(configured)
    }

    /// Runs block `block` and writes what the kernel put out to the front of `output`.
    /// `meanwhile` is called once, when the block is on its way: for work that need not wait. It
    /// runs the same kernel here: the device is waited for in proportion to its shortest time, 10 s
    /// at least and a minute at most.
    ///
    /// # Errors
    /// [`LinkError::Refused`] when the kernel refuses the block; the session goes on then.
    pub fn run_block(
        &mut self,
        block: u32,
        samples: &[f32],
        output: &mut [f32],
        meanwhile: impl FnOnce(),
    ) -> Result<BlockDone, LinkError> {
        let asked = self.pump.session.send_block(block, samples);
        self.pump.made("a block", asked)?;
        let mut meanwhile = Some(meanwhile);
        loop {
            let event = match self.pump.step(Duration::ZERO)? {
                Some(event) => event,
                None => {
                    if let Some(meanwhile) = meanwhile.take() {
                        let begun = Instant::now();
                        meanwhile();
                        self.block_took(begun.elapsed());
                    }
                    self.pump.next_event()?
                }
            };
            match event {
                HostEvent::Result { block: done, end } if done == block => {
                    // The result may be there before the first wait.
                    if let Some(meanwhile) = meanwhile.take() {
                        meanwhile();
                    }
                    let values = self.pump.session.output();
                    let room =
                        output.get_mut(..values.len()).ok_or_else(|| LinkError::Session {
                            device: self.pump.device.clone(),
                            failure: Failure::Protocol("a result longer than announced"),
                        })?;
                    room.copy_from_slice(values);
                    return Ok(BlockDone { output_len: values.len(), end });
                }
                HostEvent::Refused { error, .. } => {
                    return Err(self.pump.refused("a block", error));
                }
                _ => {}
            }
        }
    }

    fn block_took(&mut self, here: Duration) {
        // The shortest: what interrupted the others is no measure of the kernel.
        let here = self.block_time.map_or(here, |known| known.min(here));
        self.block_time = Some(here);
        let least = Duration::from_nanos(HostOptions::default().busy_limit_ns);
        let limit = (here * SLOWEST_DEVICE).clamp(least, LONGEST_BUSY);
        self.pump.session.set_busy_limit(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Lets the device generate its own input and run blocks 0..first + count on it.
    ///
    /// # Errors
    /// [`LinkError::Refused`] when the device cannot.
    pub fn run_seeded(&mut self, seeded: &Seeded) -> Result<SeededResult, LinkError> {
        let asked = self.pump.session.run_seeded(seeded);
        self.pump.made("a seeded run", asked)?;
        loop {
            match self.pump.next_event()? {
                HostEvent::Seeded(result) => return Ok(result),
                HostEvent::Refused { error, .. } => {
                    return Err(self.pump.refused("a seeded run", error));
                }
                _ => {}
            }
        }
    }

    /// Ends the session: the device may forget it.
    ///
    /// # Errors
    /// [`LinkError`] when the link fails before that.
    pub fn close(mut self) -> Result<HostStats, LinkError> {
        self.pump.session.bye();
        while self.pump.next_event()? != HostEvent::Ended {}
        Ok(self.stats())
    }
}

impl Pump {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Moves bytes until the session has an event.
    fn next_event(&mut self) -> Result<HostEvent, LinkError> {
        loop {
            if let Some(event) = self.step(SLICE)? {
                return Ok(event);
            }
            self.notice();
            if self.progress.as_ref().is_some_and(Progress::is_cancelled) {
                return Err(LinkError::Interrupted);
            }
        }
    }

    /// Says that the device does not move on, once every [`NOTICE`].
    fn notice(&mut self) {
        let waiting = self.session.waiting(self.now_ns());
        let waited = waiting.map_or(Duration::ZERO, |waiting| Duration::from_nanos(waiting.for_ns));
        let times = u32::try_from(waited.as_secs() / NOTICE.as_secs()).unwrap_or(u32::MAX);
        if let (Some(waiting), Some(notice)) = (waiting, &self.notice)
            && times > self.noticed
        {
            let what = if waiting.busy { "has been computing" } else { "has sent nothing new" };
            notice.tell(&format!("{} {what} for {} s", self.device, waited.as_secs()));
        }
        self.noticed = times;
    }

    /// Sends what is due; without an event, waits for bytes for at most `longest`.
    fn step(&mut self, longest: Duration) -> Result<Option<HostEvent>, LinkError> {
        loop {
            let now_ns = self.now_ns();
            let until_ns = match self.session.poll(now_ns) {
                HostAction::Event(HostEvent::Failed(failure)) => {
                    self.failure = Some(failure.clone());
                    return Err(LinkError::Session { device: self.device.clone(), failure });
                }
                HostAction::Event(event) => return Ok(Some(event)),
                HostAction::Transmit(bytes) => {
                    self.link.send(bytes, WRITE_PATIENCE)?;
                    continue;
                }
                HostAction::Wait(until_ns) => until_ns.unwrap_or(u64::MAX),
            };
            let wait = Duration::from_nanos(until_ns.saturating_sub(now_ns)).min(longest);
            let count = self.link.recv(&mut self.received, Instant::now() + wait)?;
            if count == 0 {
                return Ok(None);
            }
            let now_ns = self.now_ns();
            self.session.on_bytes(self.received.get(..count).unwrap_or(&[]), now_ns);
        }
    }

    fn made<E>(&self, what: &'static str, asked: Result<(), E>) -> Result<(), LinkError>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        asked.map_err(|error| match &self.failure {
            Some(failure) => {
                LinkError::Session { device: self.device.clone(), failure: failure.clone() }
            }
            None => LinkError::Io {
                device: format!("{} ({what})", self.device),
                error: std::io::Error::other(error),
            },
        })
    }

    fn refused(&self, what: &'static str, error: ErrorInfo) -> LinkError {
        LinkError::Refused { device: self.device.clone(), what, error }
    }

    fn protocol(&self, what: &'static str) -> LinkError {
        LinkError::Session { device: self.device.clone(), failure: Failure::Protocol(what) }
    }
}

/// A random number that is not 0: the keys of the standard library's hash maps come from the
/// operating system's random numbers.
fn random_session() -> u32 {
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    let random = hasher.finish();
    ((random ^ (random >> 32)) as u32).max(1)
}
