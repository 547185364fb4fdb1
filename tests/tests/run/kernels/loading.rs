//! Libraries are loaded, described and run, in this process and in one of their own, with the same
//! outputs.

use std::path::Path;
use std::time::Duration;

use cortex_host::foreign::{
    Dtype, Feed, InProcess, Interface, KernelProcess, KernelSetup, Launcher, ParameterKind,
    Parameters, describe, train,
};
use cortex_host::harness::{
    Device, Monotonic, RealtimeSettings, Scheduler, WindowFault, apply_realtime,
};
use cortex_tests::libraries::{compiled, launcher, setup};

/// Samples that no symmetry makes alike.
fn samples(values: usize) -> Vec<f32> {
    (0..values).map(|n| ((n * 7919 + 13) % 1000) as f32 / 8.0 - 40.0).collect()
}

/// Runs `windows` windows and returns what each gave.
fn outputs(device: &mut dyn Device, setup: &KernelSetup, windows: u64) -> Vec<Vec<f32>> {
    let channels = setup.channels as usize;
    let (window, hop) = (setup.window as usize * channels, setup.hop as usize * channels);
    let data = samples(window + windows as usize * hop);
    let mut output = vec![f32::NAN; device.max_output_len()];
    device.reset().unwrap();
    (0..windows)
        .map(|index| {
            let input = match index {
                0 => &data[..window],
                _ => &data[window + (index as usize - 1) * hop..][..hop],
            };
            let done = device.run_window(index, input, &mut output, &Monotonic).unwrap();
            assert!(done.timing.end_ns >= done.timing.start_ns);
            output[..done.output_len].to_vec()
        })
        .collect()
}

/// The outputs of a kernel, which must be the same both ways and after a reset.
fn both_ways(setup: &KernelSetup, windows: u64) -> Vec<Vec<f32>> {
    let mut here = InProcess::open(setup).unwrap();
    let first = outputs(&mut here, setup, windows);
    assert_eq!(first, outputs(&mut here, setup, windows), "after a reset");
    let mut there = KernelProcess::open(setup, Duration::from_secs(10), &launcher()).unwrap();
    assert_eq!(first, outputs(&mut there, setup, windows), "in a process");
    assert_eq!(first, outputs(&mut there, setup, windows), "in a process, after a reset");
    assert_eq!(here.missing_samples(), there.missing_samples());
    assert_eq!(here.saturated_samples(), there.saturated_samples());
    first
}

#[test]
fn a_library_says_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let library = describe(&compiled("own", folder.path()), &launcher()).unwrap();
    assert_eq!(library.interface, Interface::CortexKernel);
    let names: Vec<&str> = library.kernels.iter().map(|kernel| kernel.name.as_str()).collect();
    assert_eq!(names, ["gain", "mean", "picky"]);
    let [gain, mean, picky] = &library.kernels[..] else { panic!("three kernels") };
    assert_eq!(gain.feeds, [Feed::Hops, Feed::Windows]);
    assert_eq!(gain.dtypes, Dtype::ALL);
    assert!(gain.bit_exact && !picky.bit_exact && mean.trainable && !gain.trainable);
    assert_eq!(picky.output_names, ["first", "last"]);
    let parameters = gain.parameters.as_ref().unwrap();
    let number = ParameterKind::Number { min: Some(-1000.0), max: Some(1000.0) };
    assert_eq!((&parameters[0].kind, parameters[0].default), (&number, Some(2.0)));
    assert_eq!(parameters[1].kind, ParameterKind::Count { min: 0.0, max: 4.0 });
    assert_eq!(parameters[2].kind, ParameterKind::Choice(vec!["plus".into(), "minus".into()]));

    let plugin = describe(&compiled("plugin3", folder.path()), &launcher()).unwrap();
    assert_eq!(plugin.interface, Interface::Plugin3);
    assert_eq!((plugin.kernels[0].name.as_str(), plugin.kernels.len()), ("plugin3", 1));
    assert!(plugin.kernels[0].parameters.is_none() && plugin.kernels[0].trainable);
}

#[test]
fn a_streaming_kernel_gets_every_new_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&compiled("own", folder.path()), "gain", &[3.0, 2.0, 1.0]);
    let outputs = both_ways(&setup, 4);
    let expected: Vec<f32> = samples(8 * 4 + 4 * 16).iter().map(|x| -9.0 * x).collect();
    assert_eq!(outputs[0], expected[..32]);
    assert_eq!(outputs[3], expected[64..80]);
}

#[test]
fn a_windowed_kernel_gets_whole_windows_when_it_is_fed_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(&compiled("own", folder.path()), "picky", &[]);
    setup.feed = Feed::Windows;
    let outputs_of = |setup: &KernelSetup| {
        let mut device = InProcess::open(setup).unwrap();
        device.reset().unwrap();
        let mut output = [0.0; 2];
        let ramp: Vec<f32> = (0..64).map(|n| n as f32).collect();
        device.run_window(0, &ramp[..32], &mut output, &Monotonic).unwrap();
        let first = output;
        device.run_window(1, &ramp[32..48], &mut output, &Monotonic).unwrap();
        [first, output]
    };
    // Window 1 is rows 4 to 11: samples 16 to 47.
    assert_eq!(outputs_of(&setup), [[0.0, 31.0], [16.0, 47.0]]);
}

#[test]
fn one_result_a_window_comes_from_the_kernels_own_ring() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&compiled("own", folder.path()), "mean", &[]);
    let data = samples(8 * 4 + 16);
    let mean = |first: usize, channel: usize| {
        (0..8).map(|t| data[(first + t) * 4 + channel]).sum::<f32>() / 8.0
    };
    let outputs = both_ways(&setup, 2);
    // Sums of eight multiples of 1/8 below 2^17: exact in any order.
    for channel in 0..4 {
        assert_eq!(outputs[0][channel], mean(0, channel));
        assert_eq!(outputs[1][channel], mean(4, channel));
    }
}

#[test]
fn fixed_point_takes_the_scale_given_and_counts_what_saturates() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(&compiled("own", folder.path()), "gain", &[2.0, 1.0, 0.0]);
    for (dtype, scale_uv) in [(Dtype::Q15, 0.125), (Dtype::Q31, 0.125)] {
        (setup.dtype, setup.scale_uv) = (dtype, scale_uv);
        let expected: Vec<f32> = samples(32).iter().map(|x| 2.0 * x).collect();
        assert_eq!(both_ways(&setup, 2)[0], expected, "{dtype:?}");
    }
    (setup.dtype, setup.scale_uv) = (Dtype::Q15, 1e-3);
    let mut device = InProcess::open(&setup).unwrap();
    let _ = outputs(&mut device, &setup, 1);
    let beyond = samples(32).iter().filter(|x| **x > 32.767 || **x < -32.768).count() as u64;
    assert!(beyond > 5);
    assert_eq!(device.saturated_samples(), beyond);
}

#[test]
fn missing_samples_are_told_by_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&compiled("own", folder.path()), "gain", &[2.0, 1.0, 0.0]);
    let mut device = KernelProcess::open(&setup, Duration::from_secs(10), &launcher()).unwrap();
    device.reset().unwrap();
    let mut input = samples(32);
    input[3] = f32::NAN;
    input[17] = f32::NAN;
    device.run_window(0, &input, &mut [0.0; 32], &Monotonic).unwrap();
    assert_eq!(device.missing_samples(), Some(2));
}

#[test]
fn a_status_fails_its_window_and_the_next_one_follows() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(&compiled("own", folder.path()), "picky", &[]);
    setup.feed = Feed::Windows;
    let process = KernelProcess::open(&setup, Duration::from_secs(10), &launcher()).unwrap();
    let devices: [Box<dyn Device>; 2] =
        [Box::new(InProcess::open(&setup).unwrap()), Box::new(process)];
    for mut device in devices {
        device.reset().unwrap();
        let mut run = |index, samples: &[f32]| {
            device.run_window(index, samples, &mut [0.0; 2], &Monotonic).map(|done| done.output_len)
        };
        assert_eq!(run(0, &[-1.0; 32]), Err(WindowFault::Status(7)));
        // The first 16 samples of window 1 are the last of window 0.
        assert_eq!(run(1, &[2.0; 16]), Err(WindowFault::Status(7)));
        assert_eq!(run(2, &[2.0; 16]), Ok(2));
        assert_eq!(run(3, &[2.0; 16]), Ok(2));
        assert_eq!(device.loss().as_deref(), Some("the first sample is negative"));
    }
}

#[test]
fn a_refusal_names_the_parameter_and_quotes_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let library = compiled("own", folder.path());
    let setup = setup(&library, "gain", &[13.0, 1.0, 0.0]);
    let refusal = KernelProcess::open(&setup, Duration::from_secs(1), &launcher()).err().unwrap();
    assert_eq!(refusal.parameter, Some(0));
    assert_eq!(refusal.message, "a gain of 13 brings bad luck");
    let unknown = KernelSetup { kernel: "fain".into(), ..setup };
    assert!(InProcess::open(&unknown).err().unwrap().message.contains("has no kernel fain"));
}

#[test]
fn what_is_no_library_of_kernels_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| describe(path, &launcher()).unwrap_err().message;
    let missing = folder.path().join("missing.so");
    assert!(refused(&missing).contains("No such file"), "{}", refused(&missing));

    let whole = std::fs::read(compiled("own", folder.path())).unwrap();
    // In the header of ELF: its class at byte 4, its type at 16, its processor at 18.
    let changed = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    };
    let cases: [(Vec<u8>, &str); 8] = [
        (b"no library\n".repeat(10), "it is no shared library (an ELF file); build one with cc"),
        (vec![], "the file is empty"),
        (whole[..3000].to_vec(), "the file was cut off"),
        (whole[..whole.len() - 1].to_vec(), "the file was cut off"),
        (changed(4, 1), "with 32 bits, and this computer is"),
        (changed(18, 40), "it is for ARM with 64 bits, and this computer is"),
        (changed(16, 1), "it is an object file; link it with cc -shared"),
        (changed(16, 2), "it is a program; build a library with cc -shared -fPIC"),
    ];
    let file = folder.path().join("libfile.so");
    for (bytes, said) in cases {
        std::fs::write(&file, bytes).unwrap();
        assert!(refused(&file).contains(said), "{said}: {}", refused(&file));
    }

    let build = |source: &str| {
        let from = folder.path().join("source.c");
        std::fs::write(&from, source).unwrap();
        let mut command = std::process::Command::new("cc");
        command.args(["-shared", "-fPIC", "-o"]).args([&file, &from]);
        assert!(command.status().unwrap().success());
        refused(&file)
    };
    assert!(build("").contains("exports neither"), "{}", build(""));
    let absent = build("int nowhere(void); int here(void) { return nowhere(); }");
    assert!(absent.contains("undefined symbol: nowhere"), "{absent}");
    let trapped = build("__attribute__((constructor)) static void f(void) { __builtin_trap(); }");
    assert!(trapped.contains("while it was being loaded, it was ended by SIG"), "{trapped}");
    let other = "#include <stdint.h>\nstruct { uint32_t abi, size, count, reserved; const void *list; } \
        cortex_kernels = { 7, 24, 1, 0, 0 };";
    assert!(
        build(other).contains("it is built for version 7 of the interface"),
        "{}",
        build(other)
    );
}

#[test]
fn a_trained_state_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.float32");
    let values = samples(3 * 32);
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(&data, bytes).unwrap();
    let state = folder.path().join("mean.state");
    let mut setup = setup(&compiled("own", folder.path()), "mean", &[]);
    let untrained = both_ways(&setup, 1);
    let bytes = train(&setup, &data, Some(vec![1, 0, 0]), &state, &launcher()).unwrap();
    assert_eq!(bytes, 16);
    setup.state = Some(state);
    let trained = both_ways(&setup, 1);
    for channel in 0..4 {
        let learnt: f64 = (0..8).map(|t| f64::from(values[t * 4 + channel])).sum::<f64>() / 24.0;
        assert_eq!(trained[0][channel], untrained[0][channel] - learnt as f32);
    }
}

#[test]
fn libraries_of_the_original_run_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(&compiled("plugin2", folder.path()), "plugin2", &[]);
    setup.feed = Feed::Windows;
    setup.parameters = Parameters::Text("factor: 4\n".into());
    let outputs = both_ways(&setup, 3);
    let data = samples(8 * 4 + 3 * 16);
    let expected = |window: usize| -> Vec<f32> {
        let rows = (0..8).map(|t| &data[(window * 4 + t) * 4..][..4]);
        rows.flat_map(|row| (0..3).map(move |c| 4.0 * (row[c + 1] - row[c]))).collect()
    };
    for (window, output) in outputs.iter().enumerate() {
        assert_eq!(*output, expected(window));
    }
    (setup.dtype, setup.scale_uv) = (Dtype::Q15, 0.125);
    let expected: Vec<f32> = expected(0).iter().map(|y| y / 4.0).collect();
    assert_eq!(both_ways(&setup, 1)[0], expected);

    setup.channels = 1;
    let refusal = KernelProcess::open(&setup, Duration::from_secs(1), &launcher()).err().unwrap();
    let printed = "it printed: [plugin2] refused: 1 channels";
    assert!(refusal.message.contains(printed), "{}", refusal.message);
}

#[test]
fn a_calibration_of_the_original_is_written_and_read_as_its_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.float32");
    let values = samples(2 * 32);
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(&data, bytes).unwrap();
    let state = folder.path().join("plugin3.cortex_state");
    let mut setup = setup(&compiled("plugin3", folder.path()), "plugin3", &[]);
    setup.feed = Feed::Windows;
    setup.parameters = Parameters::Text(String::new());
    let refusal = InProcess::open(&setup).err().unwrap();
    assert!(refusal.message.contains("no handle"), "{refusal}");

    train(&setup, &data, None, &state, &launcher()).unwrap();
    let file = std::fs::read(&state).unwrap();
    // "CORT" read big-endian but written little-endian, ABI 3, version 1, four floats.
    assert_eq!(file[..16], [0x54, 0x52, 0x4F, 0x43, 3, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0]);
    setup.state = Some(state.clone());
    let output = both_ways(&setup, 1);
    for channel in 0..4 {
        let learnt = (0..16).map(|t| f64::from(values[t * 4 + channel])).sum::<f64>() / 16.0;
        assert_eq!(output[0][channel], samples(32)[28 + channel] - learnt as f32);
    }
    std::fs::write(&state, &file[..20]).unwrap();
    let refusal = InProcess::open(&setup).err().unwrap();
    assert!(refusal.message.contains("announces 16 bytes and 4 follow"), "{refusal}");
}

/// The kernel's thread in its process is bound and scheduled as the thread that waits for it.
#[test]
fn a_kernel_process_is_scheduled_as_the_run_is() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&compiled("own", folder.path()), "gain", &[2.0, 1.0, 0.0]);
    let here = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |status: &str, name: &str| -> String {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let cores = field(&here, "Cpus_allowed_list:");
    let core: usize = cores.split(['-', ',']).next().unwrap().parse().unwrap();
    let realtime = RealtimeSettings {
        scheduler: Scheduler::Fifo,
        priority: Some(3),
        cpu_affinity: vec![core],
    };
    // Whether this machine allows it is found out on a thread that then ends.
    let wish = realtime.clone();
    let applied = std::thread::spawn(move || apply_realtime(&wish)).join().unwrap();
    let launcher = Launcher { realtime, ..launcher() };
    let _kernel = KernelProcess::open(&setup, Duration::from_secs(1), &launcher).unwrap();
    // Other tests of this binary have kernel processes, too: none of them is bound to one core.
    let own = std::process::id().to_string();
    let bound = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        if !status.contains("cortex-host") || field(&status, "PPid:") != own {
            return false;
        }
        let Ok(threads) = std::fs::read_dir(entry.path().join("task")) else { return false };
        threads.flatten().any(|thread| {
            let read = |name: &str| std::fs::read_to_string(thread.path().join(name));
            let (Ok(status), Ok(stat)) = (read("status"), read("stat")) else { return false };
            let after_name = stat.rsplit(')').next().unwrap_or_default();
            // proc(5): rt_priority and policy are fields 40 and 41; the state is field 3.
            let fields: Vec<&str> = after_name.split_whitespace().collect();
            let policy = match applied.scheduler.as_str() {
                "fifo" => ["3", "2"], // SCHED_RR, which takes turns
                _ => ["0", "0"],
            };
            field(&status, "Name:") == "kernel"
                && field(&status, "Cpus_allowed_list:") == core.to_string()
                && fields[37..39] == policy
        })
    });
    println!("scheduler of this machine: {applied}");
    assert!(bound);
}
