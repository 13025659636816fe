//! Misbehaviour on purpose: what `kubemate doctor` and the tests ask of a worker to see it stopped.
//!
//! A drill runs inside a confined worker only, and reads nothing from the request.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drill {
    /// Answers at once.
    Echo,
    /// Takes memory until there is none.
    Allocate,
    /// Computes for ever.
    Spin,
    /// Waits for ever.
    Sleep,
    /// Opens files; answers which it could.
    OpenFiles,
    /// Opens sockets; answers which it could.
    OpenSockets,
    /// Starts a program; answers whether it could.
    StartProgram,
    /// Answers what it knows of its surroundings.
    LookAround,
    /// Calls itself for ever.
    Recurse,
    /// Ends itself.
    Abort,
    /// Panics.
    Panic,
    /// Answers more than anybody wants to hear.
    Flood,
    /// Fills its standard error, then answers.
    Noise,
}

impl Drill {
    const ALL: [Self; 13] = [
        Self::Echo,
        Self::Allocate,
        Self::Spin,
        Self::Sleep,
        Self::OpenFiles,
        Self::OpenSockets,
        Self::StartProgram,
        Self::LookAround,
        Self::Recurse,
        Self::Abort,
        Self::Panic,
        Self::Flood,
        Self::Noise,
    ];

    /// Its number on the wire; zero is work.
    pub(super) fn to_byte(self) -> u8 {
        let at = Self::ALL
            .iter()
            .position(|drill| *drill == self)
            .unwrap_or(0);
        u8::try_from(at + 1).unwrap_or(1)
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte).checked_sub(1)?).copied()
    }

    pub(super) fn perform(self) -> Vec<u8> {
        match self {
            Self::Echo => b"here".to_vec(),
            Self::Allocate => allocate(),
            Self::Spin => spin(),
            Self::Sleep => sleep(),
            Self::OpenFiles => open_files(),
            Self::OpenSockets => open_sockets(),
            Self::StartProgram => start_program(),
            Self::LookAround => look_around(),
            Self::Recurse => recurse(0).to_le_bytes().to_vec(),
            Self::Abort => std::process::abort(),
            Self::Panic => panic_on_purpose(),
            Self::Flood => vec![b'x'; 32 * 1024 * 1024],
            Self::Noise => noise(),
        }
    }
}

fn allocate() -> Vec<u8> {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1024 * 1024]));
    }
}

fn spin() -> Vec<u8> {
    let mut counter = 0_u64;
    loop {
        counter = black_box(counter.wrapping_add(1));
    }
}

fn sleep() -> Vec<u8> {
    loop {
        std::thread::sleep(Duration::from_hours(1));
    }
}

fn open_files() -> Vec<u8> {
    let readable = ["/etc/passwd", "/proc/self/status", "/dev/null", "/"];
    let mut opened: Vec<&str> = readable
        .into_iter()
        .filter(|path| File::open(path).is_ok())
        .collect();
    let writable = ["/tmp/kubemate-drill", "/dev/shm/kubemate-drill"];
    opened.extend(
        writable
            .into_iter()
            .filter(|path| File::create(path).is_ok()),
    );
    opened.join(" ").into_bytes()
}

fn open_sockets() -> Vec<u8> {
    let mut opened = Vec::new();
    if TcpListener::bind("127.0.0.1:0").is_ok() {
        opened.push("listen");
    }
    if UdpSocket::bind("127.0.0.1:0").is_ok() {
        opened.push("udp");
    }
    // The peer can only refuse what was allowed to leave.
    let refused = io::ErrorKind::ConnectionRefused;
    if TcpStream::connect("127.0.0.1:1").is_err_and(|error| error.kind() == refused) {
        opened.push("connect");
    }
    opened.join(" ").into_bytes()
}

fn start_program() -> Vec<u8> {
    match std::process::Command::new("/bin/true").spawn() {
        Ok(mut child) => {
            let ended = child.wait();
            if ended.is_ok_and(|status| status.success()) {
                b"started".to_vec()
            } else {
                Vec::new()
            }
        }
        Err(_) => Vec::new(),
    }
}

fn look_around() -> Vec<u8> {
    let variables = std::env::vars_os().count();
    let directory = std::env::current_dir().unwrap_or_default();
    format!("variables={variables} directory={}", directory.display()).into_bytes()
}

#[expect(unconditional_recursion, reason = "this drill overflows the stack")]
fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    recurse(depth + 1) + room[0]
}

#[expect(clippy::panic, reason = "this drill panics")]
fn panic_on_purpose() -> Vec<u8> {
    panic!("a drill")
}

fn noise() -> Vec<u8> {
    let line = [b'n'; 1024];
    for _ in 0..64 * 1024 {
        if io::stderr().write_all(&line).is_err() {
            break;
        }
    }
    b"done".to_vec()
}
