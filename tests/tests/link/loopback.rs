//! The host's connection over the in-process device: results equal the kernels run here,
//! seeded equals streamed, faults are survived or named, traces tell what crossed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::link::frame::{FrameDecoder, FrameEvent, FrameWriter};
use cortex_core::link::message::Seeded;
use cortex_core::link::{Encoding, ErrorCode, Failure, Header, HostOptions, Kind};
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, PinkNoise, Scratch, Signal, SineWave, SourceSpec,
};
use cortex_host::base::ExitCode;
use cortex_host::base::Progress;
use cortex_host::device::{
    Connection, Fault, FaultSpec, KernelSettings, Link, LinkError, Loopback, OpenOptions, Trace,
    TraceReader, compare_seeded, open,
};
use cortex_host::harness::LinkDevice;
use cortex_host::harness::{Device, Monotonic, NativeDevice, WindowFault};
use cortex_tests::line_faults::fault_mix;

const SHAPE: KernelShape = KernelShape { channels: 8, window: 160, hop: 80, sample_rate_hz: 160.0 };

fn job(name: KernelName) -> KernelSettings {
    KernelSettings {
        kernel: KernelSpec::with_defaults(name).into(),
        shape: SHAPE,
        input: Encoding::F32,
        output: Encoding::F32,
    }
}

fn connect(link: impl Link + 'static) -> Connection {
    Connection::open(Box::new(link), None, None).expect("the loopback device answers")
}

fn rows(block: u32) -> usize {
    if block == 0 { SHAPE.window } else { SHAPE.hop }
}

fn input(block: u32) -> Vec<f32> {
    let first = if block == 0 { 0 } else { SHAPE.window as u32 + (block - 1) * SHAPE.hop as u32 };
    let mut samples = vec![0.0; rows(block) * SHAPE.channels];
    fill_golden_rows(first, SHAPE.channels, &mut samples);
    samples
}

/// Outputs of the kernel run here over `blocks` blocks of `input`.
fn here(job: &KernelSettings, blocks: u32, input: impl Fn(u32) -> Vec<f32>) -> Vec<Vec<u32>> {
    let kernel =
        job.kernel.built_in().expect("built in").build(job.shape).expect("default parameters");
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    (0..blocks)
        .map(|block| {
            let mut samples = input(block);
            job.input.apply(&mut samples);
            let mut output = vec![0.0; kernel.output_len(rows(block))];
            let count = kernel.process(&mut state, &samples, &mut output).expect("rows");
            output.iter().take(count).map(|value| value.to_bits()).collect()
        })
        .collect()
}

fn there(connection: &mut Connection, job: &KernelSettings, blocks: u32) -> Vec<Vec<u32>> {
    let configured = connection.configure(job).expect("fits");
    let mut output = vec![0.0; configured.output_values as usize];
    (0..blocks)
        .map(|block| {
            let done = connection
                .run_block(block, &input(block), &mut output, || {})
                .expect("the block runs");
            assert!(done.end.input_ticks <= done.end.start_ticks);
            assert!(done.end.start_ticks <= done.end.end_ticks);
            assert!(done.end.end_ticks <= done.end.transmit_ticks);
            assert!(done.end.transmit_ticks <= done.end.sent_ticks);
            output[..done.output_len].iter().map(|value| value.to_bits()).collect()
        })
        .collect()
}

#[test]
fn every_kernel_gives_the_same_bits_over_the_link() {
    let mut connection = connect(Loopback::new().expect("device"));
    for name in KernelName::ALL {
        let job = job(name);
        assert!(there(&mut connection, &job, 6) == here(&job, 6, input), "{name:?}");
    }
    let stats = connection.close().expect("ends");
    assert_eq!((stats.retransmissions, stats.damaged_here), (0, 0));
}

#[test]
fn i16_samples_are_what_the_reference_computes_with() {
    let mut connection = connect(Loopback::new().expect("device"));
    let job =
        KernelSettings { input: Encoding::I16 { scale_uv: 0.1 }, ..job(KernelName::NotchIir) };
    assert!(there(&mut connection, &job, 4) == here(&job, 4, input));
    assert_eq!(connection.stats().saturated, 0);
    // ±32767 steps of 0.001 uV end at ±32.767 uV: the golden input reaches ±46 uV.
    let job = KernelSettings { input: Encoding::I16 { scale_uv: 0.001 }, ..job };
    assert!(there(&mut connection, &job, 4) == here(&job, 4, input));
    let beyond = (0..4).flat_map(input).filter(|x| x.abs() > 32.7675).count() as u64;
    assert!(beyond > 0);
    assert_eq!(connection.stats().saturated, beyond);
}

#[test]
fn digest_only_results_carry_no_samples() {
    let mut connection = connect(Loopback::new().expect("device"));
    let job = KernelSettings { output: Encoding::DigestOnly, ..job(KernelName::Noop) };
    connection.configure(&job).expect("fits");
    let samples = input(0);
    let done = connection.run_block(0, &samples, &mut [], || {}).expect("runs");
    let mut digest = SampleDigest::new();
    digest.update(&samples); // noop puts out its input
    assert_eq!((done.output_len, done.end.output_crc), (0, digest.finish()));
    assert_eq!(connection.stats().sample_bytes_received, 0);
}

#[test]
fn the_harness_sees_a_device_and_its_outputs_are_checked() {
    let mut connection = connect(Loopback::new().expect("device"));
    connection.read_clock().expect("pongs");
    let job = job(KernelName::BandpassFir);
    let kernel = job.kernel.built_in().expect("built in").build(SHAPE).expect("defaults");
    let reference = Box::new(NativeDevice::new(Box::new(kernel), &SHAPE));
    let mut device = LinkDevice::new(&mut connection, job, reference).expect("kernel fits");
    let mut output = vec![0.0; device.max_output_len()];
    for _repeat in 0..2 {
        device.reset().expect("reset");
        for block in 0..5 {
            let done = device
                .run_window(u64::from(block), &input(block), &mut output, &Monotonic)
                .expect("runs");
            assert_eq!(done.output_len, rows(block) * SHAPE.channels);
            assert!(done.timing.start_ns <= done.timing.end_ns);
        }
    }
    assert_eq!(device.adapter_name(), "loopback");
    assert_eq!((device.checks().identical, device.checks().different), (10, 0));
    // A window out of order is refused and named, and the session goes on.
    let wrong = device.run_window(99, &input(1), &mut output, &Monotonic);
    assert_eq!(wrong, Err(WindowFault::Reported(ErrorCode::WrongBlock as i32)));
}

#[test]
fn seeded_equals_streamed_and_the_generator_here() {
    let signals = [
        Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 50.0 }),
        Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 }),
    ];
    let mut connection = connect(Loopback::new().expect("device"));
    for signal in signals {
        let source = SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
        let blocks = 7;
        let data = generated(&source, SHAPE.window + (blocks as usize - 1) * SHAPE.hop);
        let block_of = |block: u32| {
            let first =
                if block == 0 { 0 } else { SHAPE.window + (block as usize - 1) * SHAPE.hop };
            data[first * SHAPE.channels..(first + rows(block)) * SHAPE.channels].to_vec()
        };
        let job = job(KernelName::NotchIir);
        connection.configure(&job).expect("fits");
        for (first, count) in [(0, blocks), (3, 2)] {
            let seeded = Seeded {
                source,
                first,
                count,
                generator_digest: connection.info().generator_v1_digest,
            };
            let result = connection.run_seeded(&seeded).expect("runs");
            let mut inputs = SampleDigest::new();
            let mut outputs = SampleDigest::new();
            let all = here(&job, first + count, block_of);
            for block in first..first + count {
                inputs.update(&block_of(block));
                let values: Vec<f32> =
                    all[block as usize].iter().map(|&bits| f32::from_bits(bits)).collect();
                outputs.update(&values);
            }
            assert_eq!(result.input_crc, inputs.finish(), "{signal:?}");
            assert_eq!(result.output_crc, outputs.finish(), "{signal:?}");
            assert!(result.min_ticks <= result.max_ticks && result.max_ticks <= result.sum_ticks);
        }
        let seeded = Seeded { source, first: 0, count: 1, generator_digest: 1 };
        match connection.run_seeded(&seeded) {
            Err(LinkError::Refused { error, .. }) => {
                assert_eq!(error.code, ErrorCode::GeneratorDiffers);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A loopback device whose user presses Ctrl-C at the moment its seeded result arrives.
struct Impatient {
    device: Loopback,
    frames: FrameDecoder<Vec<u8>>,
    progress: Progress,
}

impl Link for Impatient {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        self.device.send(bytes, patience)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        let count = self.device.recv(buffer, deadline)?;
        for &byte in &buffer[..count] {
            if self.frames.push(byte) == FrameEvent::Frame
                && let Some((header, _)) = self.frames.frame()
                && header.kind == Kind::SeededResult as u8
            {
                self.progress.cancel();
            }
        }
        Ok(count)
    }

    fn describe(&self) -> String {
        "impatient user's device".into()
    }
}

/// The device has answered, and this program computes its own half: that too can be stopped.
#[test]
fn the_hosts_half_of_a_seeded_run_can_be_interrupted() {
    let progress = Progress::new();
    let link = Impatient {
        device: Loopback::new().expect("device"),
        frames: FrameDecoder::new(vec![0; 20_000]),
        progress: progress.clone(),
    };
    let mut connection = Connection::open(Box::new(link), None, Some(progress)).expect("answers");
    let signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 });
    let source = SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    // Some 13 million samples: longer than one look at the interrupt is from the next.
    let compared =
        compare_seeded(&mut connection, &job(KernelName::BandpassFir), &source, 0..20_000);
    assert!(matches!(compared, Err(LinkError::Interrupted)), "{compared:?}");
}

/// Interleaved rows of all channels, straight from the generator.
fn generated(source: &SourceSpec, rows: usize) -> Vec<f32> {
    let generator = Generator::new(source).expect("valid");
    let mut data = vec![0.0; rows.next_multiple_of(BLOCK_SAMPLES) * SHAPE.channels];
    for channel in 0..SHAPE.channels {
        let mut lanes = generator.start::<1>(channel as u32);
        let mut scratch = Scratch::<1>::new();
        let mut block = [[0.0f32; 1]; BLOCK_SAMPLES];
        for rows in data.chunks_exact_mut(BLOCK_SAMPLES * SHAPE.channels) {
            generator.fill(&mut lanes, &mut scratch, &mut block);
            for (row, [sample]) in rows.chunks_exact_mut(SHAPE.channels).zip(&block) {
                row[channel] = *sample;
            }
        }
    }
    data
}

#[test]
fn what_does_not_fit_is_refused_with_the_limit() {
    let mut connection = connect(Loopback::new().expect("device"));
    let shape = KernelShape { channels: 4096, window: 8192, hop: 8192, ..SHAPE };
    let error = connection
        .configure(&KernelSettings { shape, ..job(KernelName::Noop) })
        .expect_err("does not fit");
    let text = error.to_string();
    assert!(text.contains("loopback device refuses the kernel"), "{text}");
    assert!(text.contains("16777216"), "{text}");
    // The session goes on.
    let job = job(KernelName::Car);
    assert!(there(&mut connection, &job, 2) == here(&job, 2, input));
}

#[test]
fn a_faulty_link_gives_the_same_bits_and_its_trace_shows_the_frames() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("link.pcap");
    let spec: FaultSpec = "ber=2e-6,drop=0.01,dup=0.02".parse().expect("valid");
    let link = Fault::new(Loopback::new().expect("device"), spec, 5);
    let link = Trace::new(link, &path).expect("trace");
    let options = HostOptions { poll_least_ns: 3_000_000, ..HostOptions::default() };
    let mut connection =
        Connection::open_with(Box::new(link), options, None).expect("connects despite faults");
    let job = job(KernelName::WelchPsd);
    assert!(there(&mut connection, &job, 12) == here(&job, 12, input));
    drop(connection);
    let records: Vec<_> =
        TraceReader::open(&path).expect("trace").collect::<Result<_, _>>().expect("whole");
    assert!(records.len() > 40, "{}", records.len());
    assert!(records.windows(2).all(|pair| pair[0].time_ns <= pair[1].time_ns));
}

/// One device for many sessions, each of which follows the last without BYE.
#[derive(Clone)]
struct Shared(Arc<Mutex<Loopback>>);

impl Link for Shared {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        self.0.lock().expect("no test panics with the device in its hands").send(bytes, patience)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        self.0.lock().expect("no test panics with the device in its hands").recv(buffer, deadline)
    }

    fn describe(&self) -> String {
        "shared loopback device".into()
    }
}

/// The fault plan through the real connection and the real fault wrapper: 200 seeds, handshake
/// included, give the bits of the kernel run here or end with a named cause.
#[test]
fn two_hundred_seeds_of_faults_on_the_loopback_device() {
    // Frames of a few hundred bytes: at a bit error rate of 1e-4 one in three is damaged.
    let shape = KernelShape { channels: 2, window: 64, hop: 32, ..SHAPE };
    let job = KernelSettings { shape, ..job(KernelName::NotchIir) };
    let input = |block: u32| {
        let (first, rows) = if block == 0 { (0, 64) } else { (32 + block * 32, 32) };
        let mut samples = vec![0.0; rows * shape.channels];
        fill_golden_rows(first, shape.channels, &mut samples);
        samples
    };
    let expected = here(&job, 8, input);
    let device = Shared(Arc::new(Mutex::new(Loopback::new().expect("device"))));
    let (mut complete, mut sent_again, mut damaged, mut causes) = (0, 0, 0, Vec::new());
    for seed in 0..200 {
        let link = Fault::new(device.clone(), fault_mix(seed), seed);
        let options = HostOptions {
            poll_interval_ns: 2_000_000,
            poll_least_ns: 2_000_000,
            busy_interval_ns: 4_000_000,
            interval_limit_ns: 8_000_000,
            hello_interval_ns: 2_000_000,
            ..HostOptions::default()
        };
        let run =
            Connection::open_with(Box::new(link), options, None).and_then(|mut connection| {
                let configured = connection.configure(&job)?;
                let mut output = vec![0.0; configured.output_values as usize];
                for (block, expected) in expected.iter().enumerate() {
                    let block = block as u32;
                    let done = connection.run_block(block, &input(block), &mut output, || {})?;
                    let bits = output[..done.output_len].iter().map(|value| value.to_bits());
                    // The kernel has state: a block that ran twice would show in all that follow.
                    assert!(bits.eq(expected.iter().copied()), "seed {seed}, block {block}");
                }
                Ok(connection.stats())
            });
        match run {
            Ok(stats) => {
                complete += 1;
                sent_again += stats.retransmissions;
                damaged += stats.damaged_here + u64::from(stats.damaged_at_device);
            }
            Err(LinkError::Session { failure, .. }) => causes.push((seed, failure)),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!("{complete} of 200 complete, {damaged} damaged, {sent_again} sent again; {causes:?}");
    // All of these rates can be repaired; that the line was bad is seen in what was sent again.
    assert!(complete >= 195 && sent_again > 200, "{complete} complete, {sent_again} sent again");
}

/// A link whose device says nothing, or the same bytes again and again.
struct Dummy(&'static [u8]);

impl Link for Dummy {
    fn send(&mut self, _bytes: &[u8], _patience: Duration) -> Result<(), LinkError> {
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        std::thread::sleep(
            deadline.saturating_duration_since(Instant::now()).min(Duration::from_millis(5)),
        );
        buffer[..self.0.len()].copy_from_slice(self.0);
        Ok(self.0.len())
    }

    fn describe(&self) -> String {
        "dummy".into()
    }
}

#[test]
fn silence_and_garbage_are_told_apart() {
    let options = HostOptions { hello_limit_ns: 120_000_000, ..HostOptions::default() };
    let failure = |bytes| match Connection::open_with(Box::new(Dummy(bytes)), options, None) {
        Err(LinkError::Session { failure, .. }) => failure,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected to nothing"),
    };
    assert_eq!(failure(b""), Failure::NoAnswer);
    assert!(matches!(failure(b"U-Boot 2024.01\r\n\0"), Failure::Garbage { .. }));
}

/// A device of another age: answers HELLO with wire versions and a schema of its own.
struct Stranger {
    answer: [u8; 3],
    pending: Vec<u8>,
}

impl Link for Stranger {
    fn send(&mut self, bytes: &[u8], _patience: Duration) -> Result<(), LinkError> {
        let mut decoder = FrameDecoder::new(vec![0u8; 256]);
        for &byte in bytes {
            if decoder.push(byte) == FrameEvent::Frame
                && let Some((header, _)) = decoder.frame()
            {
                let mut out = [0u8; 64];
                let header = Header::new(Kind::HelloAck, header.session, 0, 0);
                let mut writer = FrameWriter::new(&mut out, header).expect("room");
                writer.write(&self.answer).expect("room");
                let len = writer.finish().expect("room");
                self.pending.extend_from_slice(&out[..len]);
            }
        }
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8], _deadline: Instant) -> Result<usize, LinkError> {
        let count = self.pending.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.pending[..count]);
        self.pending.drain(..count);
        Ok(count)
    }

    fn describe(&self) -> String {
        "stranger".into()
    }
}

#[test]
fn other_wire_versions_are_named_with_what_to_do() {
    let message = |answer| {
        let stranger = Stranger { answer, pending: Vec::new() };
        match Connection::open(Box::new(stranger), None, None) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("connected"),
        }
    };
    assert_eq!(
        message([0, 0, 7]),
        "stranger: the device speaks wire version 0 to 0, this program 1 to 1: flash the firmware of this release"
    );
    assert_eq!(
        message([2, 5, 7]),
        "stranger: the device speaks wire version 2 to 5, this program 1 to 1: update cortex-host"
    );
    assert!(message([1, 1, 7]).contains("another version of the wire messages"));
}

#[test]
fn a_device_is_opened_by_its_name_with_faults_and_trace_on_request() {
    let folder = tempfile::tempdir().expect("folder");
    let options = OpenOptions {
        fault: Some(("dup=1".parse().expect("valid"), 9)),
        fault_log: Some(folder.path().join("faults.txt")),
        trace: Some(folder.path().join("link.pcap")),
        ..OpenOptions::default()
    };
    let mut connection = open(&"loopback".parse().expect("a device"), &options).expect("opens");
    assert!(
        there(&mut connection, &job(KernelName::Noop), 2) == here(&job(KernelName::Noop), 2, input)
    );
    assert!(connection.clock().is_some());
    let (early, late) =
        (connection.device_to_host_ns(1 << 40), connection.device_to_host_ns(1 << 41));
    assert_eq!(late.expect("mapped") - early.expect("mapped"), 1 << 40); // its ticks are ns
    let stats = connection.close().expect("ends");
    assert_eq!(stats.retransmissions, 0);
    let log = std::fs::read_to_string(folder.path().join("faults.txt")).expect("log");
    assert!(log.starts_with("to device frame 0: sent twice "), "{log}");
    assert!(log.contains("to host frame 0: sent twice "), "{log}");
    assert!(TraceReader::open(&folder.path().join("link.pcap")).expect("trace").count() > 10);

    let nowhere =
        OpenOptions { trace: Some("/nowhere/link.pcap".into()), ..OpenOptions::default() };
    let failure = open(&"loopback".parse().expect("a device"), &nowhere).err().expect("no folder");
    assert_eq!(failure.code(), ExitCode::InputOutput);
    assert!(failure.to_string().starts_with("cannot write /nowhere/link.pcap"), "{failure}");
    let native = open(&"native".parse().expect("a device"), &options).err().expect("no link");
    assert_eq!(native.code(), ExitCode::Usage);
}
