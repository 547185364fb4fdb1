//! docs/guides/synthetic-datasets.md: every command in it is run, in order, in an empty folder.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use cortex_tests::{checkout, cortex_host, real_recordings};

/// A fenced block: its info string and its text.
fn blocks(guide: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((info.to_owned(), text.join("\n")));
        }
    }
    blocks
}

/// Serves the real recording as the archive would.
fn archive(recordings: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let body = fs::read(recordings.join("S001R03.edf")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let found = lines.next().is_some_and(|line| line.contains("/S001/S001R03.edf"));
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let body = if found { &body[..] } else { &[] };
            let status = if found { "200 OK" } else { "404 Not Found" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    address
}

#[test]
fn every_command_of_the_guide_works() {
    let guide = fs::read_to_string(checkout().join("docs/guides/synthetic-datasets.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let archive = real_recordings().map(|recordings| archive(&recordings));
    let binary = cortex_host().get_program().to_owned();
    let programs = Path::new(&binary).parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", programs.display());
    let mut run = 0;
    for (info, text) in blocks(&guide) {
        let real = info == "bash real";
        match (info.as_str(), text.lines().next().and_then(|line| line.strip_prefix("# "))) {
            ("yaml", Some(name)) => fs::write(folder.path().join(name), &text).unwrap(),
            ("bash" | "bash real", _) => {
                let Some(archive) = archive.as_ref().or((!real).then_some(&path)) else { continue };
                // The archive itself is far away and has more than the one recording here.
                let text = text.replace(
                    "download physionet",
                    &format!("download physionet --recording S001R03 --mirror {archive}"),
                );
                // What the one recording cannot satisfy: the two others are named as missing.
                let missing = text.contains("verify") && real;
                let output = Command::new("bash")
                    .args(["-euo", "pipefail", "-c", &text])
                    .current_dir(folder.path())
                    .env("PATH", &path)
                    .env_remove("http_proxy")
                    .env_remove("HTTP_PROXY")
                    .output()
                    .unwrap();
                let stderr = String::from_utf8_lossy(&output.stderr);
                let code = if missing { 3 } else { 0 };
                assert_eq!(output.status.code(), Some(code), "{text}\n{stderr}");
                if missing {
                    let command = "download physionet --recording S001R07 --recording S001R11";
                    assert!(stderr.contains(command), "{stderr}");
                    let stdout = String::from_utf8_lossy(&output.stdout);
                    assert!(stdout.contains("converted/S001R03.float32: ok"), "{stdout}");
                }
                run += 1;
            }
            ("" | "yaml", _) => {}
            (other, _) => panic!("a block of an unknown kind: {other}"),
        }
    }
    assert!(run >= 7, "{run} blocks were run");
    assert!(folder.path().join("test_data.svg").is_file());
}
