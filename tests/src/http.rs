//! A server on loopback that misbehaves as told, and small recordings for it to serve.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cortex_host;

/// What the server does with a request.
#[derive(Clone)]
pub enum Act {
    /// 200 with the whole.
    Serve,
    /// As `Serve`, but only so many bytes of the body arrive.
    Cut(usize),
    /// As `Serve`, but slowly: so many bytes every millisecond.
    Drip(usize),
    /// As `Cut`, but the connection stays open and silent.
    Stall(usize),
    /// A Content-Length this far off, positive or negative.
    Lie(i64),
    /// One byte is another.
    Corrupt,
    /// 302 to this path.
    Redirect(&'static str),
    /// This status line and an empty body.
    Status(&'static str),
}

/// Paths asked for.
pub type Log = Arc<Mutex<Vec<String>>>;

/// A server on loopback that plays `script` (the last act repeats) for files and serves the
/// list of sums honestly. It lives as long as the test process.
///
/// # Panics
/// No port can be listened on.
#[must_use]
pub fn serve(files: Vec<(&'static str, Vec<u8>)>, script: Vec<Act>) -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("a bound listener has an address");
    let address = format!("http://{address}/base");
    let log = Log::default();
    let seen = log.clone();
    let mut acts = script.into_iter();
    std::thread::spawn(move || {
        let mut last = Act::Serve;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let Some(path) = read_request(&stream) else { continue };
            let name = path.trim_start_matches("/base/").to_owned();
            let honest = name == "SHA256SUMS.txt";
            if !honest {
                if let Some(act) = acts.next() {
                    last = act;
                }
                if let Ok(mut seen) = seen.lock() {
                    seen.push(name.clone());
                }
            }
            let act = if honest { Act::Serve } else { last.clone() };
            match files.iter().find(|(have, _)| *have == name) {
                // A client that hung up is part of the game.
                Some((_, body)) => {
                    let _ = answer(&mut stream, &act, body);
                }
                None => {
                    let _ = write!(
                        stream,
                        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    );
                }
            }
        }
    });
    (address, log)
}

fn read_request(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    // All of the request, or closing the connection would reset it.
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    Some(path)
}

fn answer(stream: &mut TcpStream, act: &Act, body: &[u8]) -> std::io::Result<()> {
    let head = |by: i64| {
        let length = body.len() as i64 + by;
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    match act {
        Act::Serve => {
            stream.write_all(head(0).as_bytes())?;
            stream.write_all(body)
        }
        Act::Cut(bytes) => {
            stream.write_all(head(0).as_bytes())?;
            stream.write_all(&body[..(*bytes).min(body.len())])
        }
        Act::Drip(bytes) => {
            stream.write_all(head(0).as_bytes())?;
            for piece in body.chunks(*bytes) {
                stream.write_all(piece)?;
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        }
        Act::Stall(bytes) => {
            stream.write_all(head(0).as_bytes())?;
            stream.write_all(&body[..(*bytes).min(body.len())])?;
            stream.flush()?;
            // Kept open by another thread, so that the server goes on.
            let held = stream.try_clone()?;
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(20));
                drop(held);
            });
            Ok(())
        }
        Act::Lie(by) => {
            stream.write_all(head(*by).as_bytes())?;
            stream.write_all(body)
        }
        Act::Corrupt => {
            let mut wrong = body.to_vec();
            let middle = wrong.len() / 2;
            wrong[middle] ^= 1;
            stream.write_all(head(0).as_bytes())?;
            stream.write_all(&wrong)
        }
        Act::Redirect(path) => write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        Act::Status(status) => {
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
    }
}

/// A small, valid recording: one channel, `records` records of 40 samples that count from 0 to 99
/// again and again.
#[must_use]
pub fn edf(records: u16) -> Vec<u8> {
    let mut text = String::new();
    let count = records.to_string();
    for (field, width) in [
        ("0", 8),
        ("X", 80),
        ("X", 80),
        ("01.02.03", 8),
        ("04.05.06", 8),
        ("512", 8),
        ("", 44),
        (count.as_str(), 8),
        ("1", 8),
        ("1", 4),
        ("Cz..", 16),
        ("", 80),
        ("uV", 8),
        ("-100", 8),
        ("100", 8),
        ("-100", 8),
        ("100", 8),
        ("", 80),
        ("40", 8),
        ("", 32),
    ] {
        let _ = write!(text, "{field:width$}");
    }
    let samples = (0..u32::from(records) * 40).flat_map(|i| ((i % 100) as i16).to_le_bytes());
    text.into_bytes().into_iter().chain(samples).collect()
}

/// `cortex-host download physionet` from the server at `base` into `folder`.
#[must_use]
pub fn download(base: &str, folder: &Path) -> Command {
    let mut command = cortex_host();
    for proxy in
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        command.env_remove(proxy);
    }
    command.args(["download", "physionet", "--mirror", base, "--dest"]).arg(folder);
    command.args(["--timeout", "5", "--retry-pause", "0.01"]);
    command
}
