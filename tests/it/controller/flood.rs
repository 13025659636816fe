//! A flood of calls from whoever is on the network: what it costs the process, and that it ends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;

use super::Controller;
use super::reports::{push, reporting, states};
use super::told::hooks_of;
use crate::forge::door::{head, send};
use crate::forge::gitea_sim;

/// What the process has in memory, in KiB.
fn resident(controller: &Controller) -> u64 {
    let path = format!("/proc/{}/status", controller.0.id());
    let text = std::fs::read_to_string(path).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn s_72_a_flood_of_calls_costs_little_and_ends() {
    let sim = gitea_sim::start();
    let mut faulty = reporting(&sim.address);
    let commit = push(&faulty, &sim, 1);
    states(&faulty, &sim, &commit, "success");
    let address = hooks_of(&faulty.bed, "calls of forges");
    let body = json!({ "ref": "refs/heads/main", "after": "a".repeat(40) }).to_string();
    let name = faulty.bed.name.clone();
    let signed = |id: &str| head(&name, ("push", id), body.as_bytes());
    let before = resident(&faulty.controller);
    let mut most = before;
    too_large(address, &signed);
    most = most.max(resident(&faulty.controller));
    // Packed zeros are not unpacked.
    let zeros = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
    let packed = head(&name, ("push", "3"), &zeros) + "content-encoding: gzip\r\n";
    assert_eq!(send(address, &packed, &zeros), 400);
    // One byte a second, by many at once, and whoever comes in between is heard.
    let slow: Vec<TcpStream> = (0..40)
        .map(|n| {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "{}content-length: {}\r\n\r\n",
                signed(&n.to_string()),
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body.as_bytes()[..1]).unwrap();
            stream
        })
        .collect();
    assert!([202, 503].contains(&send(address, &signed("4"), body.as_bytes())));
    let began = Instant::now();
    for mut stream in slow {
        let line = first_line(&mut stream);
        assert!(
            line.contains(" 408 ") || line.contains(" 503 ") || line.is_empty(),
            "{line}"
        );
    }
    assert!(began.elapsed() < Duration::from_mins(3));
    most = most.max(resident(&faulty.controller));
    most = most.max(crowd(address, &signed("5"), &body, &faulty.controller));
    let grown = most.saturating_sub(before);
    assert!(grown < 64 * 1024, "it grew by {grown} KiB");
    let second = push(&faulty, &sim, 2);
    faulty.judge(&second, 2);
}

/// Calls that are said to be large, and one that is without saying so.
fn too_large(address: SocketAddr, signed: &dyn Fn(&str) -> String) {
    // Said to be large, and large without saying so.
    let mut stream = TcpStream::connect(address).unwrap();
    let large = format!(
        "{}content-length: {}\r\n\r\n",
        signed("1"),
        30 * 1024 * 1024
    );
    stream.write_all(large.as_bytes()).unwrap();
    assert!(first_line(&mut stream).contains(" 413 "));
    let mut stream = TcpStream::connect(address).unwrap();
    let endless = format!("{}transfer-encoding: chunked\r\n\r\n", signed("2"));
    stream.write_all(endless.as_bytes()).unwrap();
    let chunk = [
        b"100000\r\n".to_vec(),
        vec![b' '; 1024 * 1024],
        b"\r\n".to_vec(),
    ]
    .concat();
    let mut sent = 0;
    // Two gibibytes, if anybody would take them.
    while sent < 2048 && stream.write_all(&chunk).is_ok() {
        sent += 1;
    }
    assert!(sent < 200, "{sent} MiB were taken");
}

fn first_line(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).is_ok_and(|count| count == 1) && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

/// Five thousand calls at the same time, each answered or cut off; the most memory meanwhile, in KiB.
fn crowd(address: SocketAddr, head: &str, body: &str, controller: &Controller) -> u64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let text = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let calls = (0..5_000).map(|_| {
        let text = text.clone();
        runtime.spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let call = async {
                let mut stream = tokio::net::TcpStream::connect(address).await?;
                stream.write_all(text.as_bytes()).await?;
                let mut line = [0; 12];
                stream.read_exact(&mut line).await?;
                std::io::Result::Ok(String::from_utf8_lossy(&line[9..]).into_owned())
            };
            tokio::time::timeout(Duration::from_secs(60), call).await
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut most = 0;
    while calls.iter().any(|call| !call.is_finished()) {
        most = most.max(resident(controller));
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut heard = 0;
    for call in calls {
        if let Ok(Ok(status)) = runtime.block_on(call).unwrap() {
            assert!(
                ["202", "408", "429", "503"].contains(&status.as_str()),
                "{status}"
            );
            heard += usize::from(status == "202");
        }
    }
    assert!(heard > 1_000, "{heard} of 5000 were heard");
    most
}
