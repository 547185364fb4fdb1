//! A device behind a TCP port: equal results, one session at a time, strangers, a killed server.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::link::Encoding;
use cortex_host::base::Progress;
use cortex_host::device::{
    Connection, DeviceAddress, KernelSettings, LinkError, OpenOptions, Server, TcpLink, open,
};
use cortex_tests::cortex_host;

const SHAPE: KernelShape = KernelShape { channels: 8, window: 160, hop: 80, sample_rate_hz: 160.0 };

fn noop() -> KernelSpec {
    KernelSpec::with_defaults(KernelName::Noop)
}

/// A server in this process, stopped at the end.
struct Serving {
    address: SocketAddr,
    progress: Progress,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Serving {
    fn start() -> Self {
        let progress = Progress::new();
        let server = Server::listen("127.0.0.1:0", "here", progress.clone()).expect("a free port");
        let address = server.address().expect("bound");
        let thread = Some(std::thread::spawn(move || server.run(&|_| {})));
        Self { address, progress, thread }
    }

    fn open(&self) -> Result<Connection, cortex_host::base::Failure> {
        let device: DeviceAddress = format!("tcp://{}", self.address).parse().expect("a device");
        open(&device, &OpenOptions::default())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.progress.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn job(kernel: KernelSpec) -> KernelSettings {
    KernelSettings {
        kernel: kernel.into(),
        shape: SHAPE,
        input: Encoding::F32,
        output: Encoding::F32,
    }
}

/// Runs three blocks and compares them with the kernel run here.
fn works(connection: &mut Connection, kernel: KernelSpec) {
    let job = job(kernel);
    let here = job.kernel.built_in().expect("built in").build(SHAPE).expect("default parameters");
    let mut state = vec![0.0; here.state_len()];
    here.reset(&mut state);
    let configured = connection.configure(&job).expect("fits");
    let mut there = vec![0.0; configured.output_values as usize];
    let mut first = 0;
    for block in 0..3 {
        let rows = if block == 0 { SHAPE.window } else { SHAPE.hop };
        let mut samples = vec![0.0; rows * SHAPE.channels];
        fill_golden_rows(first, SHAPE.channels, &mut samples);
        first += rows as u32;
        let done = connection.run_block(block, &samples, &mut there, || {}).expect("runs");
        let mut output = vec![0.0; here.output_len(rows)];
        let count = here.process(&mut state, &samples, &mut output).expect("rows");
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&there[..done.output_len]), bits(&output[..count]));
    }
}

#[test]
fn a_served_machine_gives_the_same_bits() {
    let serving = Serving::start();
    let mut connection = serving.open().expect("the server answers");
    assert_eq!(connection.info().board, "here");
    for name in KernelName::ALL {
        works(&mut connection, KernelSpec::with_defaults(name));
    }
    connection.close().expect("the session ends");
    // The next session finds a device that has just started.
    works(&mut serving.open().expect("the server answers again"), noop());
}

#[test]
fn a_second_host_is_turned_away_and_the_first_goes_on() {
    let serving = Serving::start();
    let mut first = serving.open().expect("the server answers");
    let begun = Instant::now();
    let refusal = serving.open().map(|_| ()).expect_err("another has the device").to_string();
    assert!(refusal.contains("serves another host at the moment"), "{refusal}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    works(&mut first, noop());
}

/// Garbage, silence and connections that go at once, a thousand of them: the server answers
/// after and among them.
#[test]
fn strangers_do_not_stop_the_server() {
    let serving = Serving::start();
    let mut silent = Vec::new();
    for stranger in 0..1_000_u32 {
        let Ok(mut stream) = TcpStream::connect(serving.address) else { continue };
        let mut word = stranger.wrapping_mul(2_654_435_761);
        let garbage: Vec<u8> = (0..stranger % 300)
            .map(|_| {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (word >> 24) as u8
            })
            .collect();
        // It may be closed already.
        let _ = stream.write_all(&garbage);
        if stranger % 50 == 0 {
            silent.push(stream);
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match serving.open() {
            Ok(mut connection) => break works(&mut connection, noop()),
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The program, serving until it is killed.
fn spawned() -> (Child, String) {
    let mut child = cortex_host()
        .args(["serve", "tcp://127.0.0.1:0", "--name", "spawned"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let stderr = child.stderr.as_mut().expect("piped");
    BufReader::new(stderr).read_line(&mut line).expect("it says where it listens");
    let address = line.split("tcp://").nth(1).and_then(|rest| rest.split(';').next());
    (child, address.unwrap_or_else(|| panic!("no address in {line:?}")).to_owned())
}

#[test]
fn a_killed_server_is_told_at_once() {
    let (mut child, address) = spawned();
    let link = TcpLink::connect(&address).expect("it listens");
    let mut connection = Connection::open(Box::new(link), None, None).expect("it answers");
    assert_eq!(connection.info().board, "spawned");
    works(&mut connection, noop());
    child.kill().expect("it runs");
    let killed = Instant::now();
    let _ = child.wait();
    let error = connection.configure(&job(noop())).expect_err("it is gone");
    assert!(matches!(error, LinkError::Closed { .. }), "{error}");
    assert!(killed.elapsed() < Duration::from_secs(2));
}

#[test]
fn nobody_there_says_what_to_start() {
    let address = Serving::start().address;
    let device: DeviceAddress = format!("tcp://{address}").parse().expect("a device");
    let error = open(&device, &OpenOptions::default()).map(|_| ()).expect_err("nobody there");
    assert!(error.to_string().contains("start cortex-host serve there"), "{error}");
}
