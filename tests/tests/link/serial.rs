//! The real serialport crate over a real pseudo-terminal, with the device's session in a
//! thread at its other end: a whole conversation, and one clear error for each thing that
//! can be wrong with a port.
#![cfg(unix)]

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::link::Encoding;
use cortex_core::signal::{GeneratorVersion, PinkNoise, Signal, SourceSpec};
use cortex_host::base::{ExitCode, Failure};
use cortex_host::device::{
    Connection, KernelSettings, Link, LinkError, SerialLink, Trace, compare_seeded,
};
use cortex_tests::pty::{Board, Manner, terminal};
use cortex_tests::{cortex_host, stderr_of, stdout_of};

const SHAPE: KernelShape = KernelShape { channels: 8, window: 160, hop: 80, sample_rate_hz: 160.0 };

fn job(name: KernelName) -> KernelSettings {
    KernelSettings {
        kernel: KernelSpec::with_defaults(name).into(),
        shape: SHAPE,
        input: Encoding::F32,
        output: Encoding::F32,
    }
}

#[test]
fn a_whole_conversation_over_a_serial_port_and_its_trace() {
    let (master, path) = terminal();
    let _board = Board::start(master, Manner::Honest);
    let folder = tempfile::tempdir().expect("folder");
    let trace = folder.path().join("link.pcap");
    let link = SerialLink::open(&path, 921_600).expect("opens");
    let link = Trace::new(link, &trace).expect("trace");
    let mut connection = Connection::open(Box::new(link), None, None).expect("answers");
    assert_eq!(connection.info().board, "pty-board");
    let clock = connection.read_clock().expect("pongs");
    assert!(clock.device_received_ticks <= clock.device_sent_ticks);

    for name in [KernelName::NotchIir, KernelName::Fft] {
        let job = job(name);
        let kernel = job.kernel.built_in().expect("built in").build(SHAPE).expect("defaults");
        let mut state = vec![0.0; kernel.state_len()];
        kernel.reset(&mut state);
        let configured = connection.configure(&job).expect("fits");
        let mut output = vec![0.0; configured.output_values as usize];
        let mut expected = output.clone();
        for block in 0..4u32 {
            let rows = if block == 0 { SHAPE.window } else { SHAPE.hop };
            let mut samples = vec![0.0; rows * SHAPE.channels];
            fill_golden_rows(block * 1000, SHAPE.channels, &mut samples);
            let done = connection.run_block(block, &samples, &mut output, || {}).expect("runs");
            let count = kernel.process(&mut state, &samples, &mut expected).expect("rows");
            assert_eq!(done.output_len, count);
            assert!(output[..count] == expected[..count], "{name:?} block {block}");
        }
    }

    let signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 });
    let source = SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    let compared =
        compare_seeded(&mut connection, &job(KernelName::Car), &source, 0..20).expect("runs");
    assert!(compared.identical(), "{compared:?}");
    let stats = connection.close().expect("ends");
    assert_eq!(stats.damaged_here, 0);

    let decode = |arguments: &[&str]| {
        let output = cortex_host().args(["link", "decode"]).args(arguments).output();
        output.expect("cortex-host starts")
    };
    let file = trace.to_str().expect("text");
    let text = stdout_of(&decode(&[file]), 0);
    for word in
        ["HELLO ", "HELLO_ACK", "pty-board", "CONFIGURE ", "RESULT_END", "SEEDED_RESULT", "BYE"]
    {
        assert!(text.contains(word), "{word} is missing");
    }
    assert!(!text.contains("damaged ") && !text.contains("unreadable"));
    let lines: Vec<serde_json::Value> = stdout_of(&decode(&[file, "--json"]), 0)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    // Further lines name the sessions; that of a device which tells of its start is 0.
    let frames = text.lines().filter(|line| !line.starts_with("session "));
    assert_eq!(lines.len(), frames.count());
    assert!(text.starts_with("session "), "{text}");
    let first = lines.iter().find(|line| line["direction"] == "to_device").expect("a frame");
    assert_eq!(first["kind"], "HELLO");

    // A trace cut short is printed as far as it goes and named.
    let bytes = std::fs::read(&trace).expect("trace");
    let cut = folder.path().join("cut.pcap");
    std::fs::write(&cut, &bytes[..bytes.len() - 3]).expect("writes");
    let message = stderr_of(&decode(&[cut.to_str().expect("text")]), 3);
    assert!(message.contains("ends within record"), "{message}");
    let message = stderr_of(&decode(&["/dev/null"]), 3);
    assert!(message.contains("is not a link trace"), "{message}");
    let message = stderr_of(&decode(&["nowhere.pcap"]), 3);
    assert!(message.contains("cannot read the link trace nowhere.pcap"), "{message}");
}

#[test]
fn each_wrong_port_gets_its_own_sentence() {
    let message = |path: &str| match SerialLink::open(path, 921_600) {
        Err(error) => {
            let failure = Failure::from(error);
            assert_eq!(failure.code(), ExitCode::Device);
            failure.to_string()
        }
        Ok(_) => panic!("{path} opened"),
    };
    assert_eq!(
        message("/dev/ttyNOWHERE7"),
        "serial port /dev/ttyNOWHERE7 does not exist: check the path and the cable"
    );
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"text").expect("writes");
    let file = file.to_str().expect("text").to_owned();
    assert_eq!(message(&file), format!("{file} is not a serial port"));

    let (_master, path) = terminal();
    let _first = SerialLink::open(&path, 921_600).expect("opens");
    assert_eq!(
        message(&path),
        format!("serial port {path} is in use by another program: close that and try again")
    );
}

#[test]
fn an_unplugged_port_is_seen_at_once() {
    let (master, path) = terminal();
    let mut board = Board::start(master, Manner::Honest);
    let link = SerialLink::open(&path, 921_600).expect("opens");
    let mut connection = Connection::open(Box::new(link), None, None).expect("answers");
    let configured = connection.configure(&job(KernelName::Noop)).expect("fits");
    let mut output = vec![0.0; configured.output_values as usize];
    let samples = vec![1.0; SHAPE.window * SHAPE.channels];
    connection.run_block(0, &samples, &mut output, || {}).expect("runs");
    board.unplug();
    let error = connection
        .run_block(1, &samples[..SHAPE.hop * SHAPE.channels], &mut output, || {})
        .expect_err("the board is gone");
    assert!(matches!(error, LinkError::Unplugged { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!("serial port {path} was unplugged or stopped (broken pipe)")
    );
}

#[test]
fn a_device_that_takes_no_bytes_does_not_hang_the_host() {
    let (_master, path) = terminal();
    let mut link = SerialLink::open(&path, 921_600).expect("opens");
    // More than any pseudo-terminal buffers; nobody reads.
    let bytes = vec![1u8; 1 << 20];
    let error = link.send(&bytes, Duration::from_millis(100)).expect_err("it cannot all go");
    assert!(matches!(error, LinkError::WriteStalled { .. }), "{error}");
    let mut buffer = [0u8; 16];
    let read = link.recv(&mut buffer, Instant::now() + Duration::from_millis(20));
    assert_eq!(read.expect("nothing came"), 0);
}

/// A device that sends before it reads, as an emulated one does while its own bytes are not taken: both
/// directions are far more than a pseudo-terminal holds, so that one of the two has to read while it
/// writes.
#[test]
fn a_device_that_writes_first_and_a_host_that_writes_do_not_wait_for_each_other() {
    const BYTES: usize = 256 << 10;
    let (mut device, path) = terminal();
    let mut link = SerialLink::open(&path, 921_600).expect("opens");
    let sent: Vec<u8> = (0..BYTES).map(|index| (index * 7) as u8).collect();
    let expected = sent.clone();
    let peer = std::thread::spawn(move || {
        device.write_all(&sent).expect("the host reads");
        let mut got = vec![0; BYTES];
        device.read_exact(&mut got).expect("the host writes");
        got
    });
    let ours: Vec<u8> = (0..BYTES).map(|index| (index * 13 + 1) as u8).collect();
    link.send(&ours, Duration::from_secs(5)).expect("nobody waits forever");
    let (mut got, mut buffer) = (Vec::new(), [0; 3000]);
    while got.len() < BYTES {
        let count = link.recv(&mut buffer, Instant::now() + Duration::from_secs(5)).expect("reads");
        assert!(count > 0, "{} of {BYTES} bytes", got.len());
        got.extend_from_slice(&buffer[..count]);
    }
    assert!(got == expected && peer.join().expect("no panic") == ours);
}
