//! Packs made to fill the memory of whoever unpacks them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Bed, packs, remote};
use crate::alone::{alone, peak_growth};
use crate::effort;
use crate::githost::Mood;

/// A pack object: its kind and size, what it is based on, and its content.
fn object(kind: u8, size: u64, base: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | (size & 0x0f) as u8];
    let mut left = size >> 4;
    while left > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push((left & 0x7f) as u8);
        left >>= 7;
    }
    bytes.extend(base);
    let mut zlib = flate2::write::ZlibEncoder::new(bytes, flate2::Compression::fast());
    zlib.write_all(content).unwrap();
    zlib.finish().unwrap()
}

fn pack(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend(u32::try_from(objects.len()).unwrap().to_be_bytes());
    bytes.extend(objects.concat());
    bytes.extend([0; 20]);
    bytes
}

/// Small blobs of which each but the first is told by what it differs from the one before.
fn chain(length: u32) -> Vec<u8> {
    let mut objects = vec![object(3, 32, &[], &[b'x'; 32])];
    for index in 0..length {
        // Of 32 bytes to 32 bytes: a copy of 28, and 4 others.
        let mut delta = vec![32, 32, 0x90, 28, 4];
        delta.extend(index.to_be_bytes());
        let distance = objects.last().unwrap().len();
        assert!(distance < 0x80);
        let offset = [u8::try_from(distance).unwrap()];
        objects.push(object(6, delta.len() as u64, &offset, &delta));
    }
    sealed(pack(&objects))
}

/// Blobs of a mebibyte of zeros each, as small as they can be sent: none is too large alone.
fn zeros(count: u32) -> Vec<u8> {
    let mut content = vec![0; 1 << 20];
    let blobs = (0..count).map(|index| {
        content[..4].copy_from_slice(&index.to_be_bytes());
        object(3, 1 << 20, &[], &content)
    });
    sealed(pack(&blobs.collect::<Vec<_>>()))
}

/// A pack with its checksum.
fn sealed(mut pack: Vec<u8>) -> Vec<u8> {
    let content = pack.len() - 20;
    let sum = sha1(&pack[..content]);
    pack[content..].copy_from_slice(&sum);
    pack
}

/// What ends a pack, by the tool that every machine with a shell has.
fn sha1(bytes: &[u8]) -> Vec<u8> {
    let mut tool = Command::new("sha1sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(bytes).unwrap();
    let said = tool.wait_with_output().unwrap().stdout;
    let digits = said.get(..40).unwrap().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

/// A blob and deltas that each double the one before: from a mebibyte to two to the power of this.
fn doubling(times: u32) -> Vec<u8> {
    let number = |mut value: u64| {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap());
        bytes
    };
    let mut size = 1_u64 << 20;
    let mut objects = vec![object(3, size, &[], &vec![0; 1 << 20])];
    for _ in 0..times {
        let mut delta = [number(size), number(size * 2)].concat();
        // Copies of 64 KiB from the beginning of the base.
        delta.extend(std::iter::repeat_n(
            0x80,
            usize::try_from((size * 2) >> 16).unwrap(),
        ));
        let distance = u64::try_from(objects.last().unwrap().len()).unwrap();
        let mut offset = vec![(distance & 0x7f) as u8];
        let mut left = distance >> 7;
        while left > 0 {
            left -= 1;
            offset.insert(0, 0x80 | (left & 0x7f) as u8);
            left >>= 7;
        }
        objects.push(object(6, delta.len() as u64, &offset, &delta));
        size *= 2;
    }
    pack(&objects)
}

#[test]
fn s_27_a_pack_that_would_fill_the_memory_is_refused() {
    alone(
        "remote::bombs::s_27_a_pack_that_would_fill_the_memory_is_refused",
        || {
            let bed = Bed::new();
            let commit = bed.commit("one", &[]);
            let remote = bed.remote();
            let zeros = vec![0; 1 << 20];
            for bomb in [
                pack(&[object(3, 10 << 30, &[], &zeros)]),
                pack(&[object(3, 1 << 48, &[], &zeros)]),
                doubling(12),
            ] {
                bed.host.set(Mood::Pack(bomb));
                let started = Instant::now();
                let (error, growth) = peak_growth(|| bed.head(&remote).unwrap_err());
                assert_eq!(error.class(), "transfer-too-large", "{error}");
                assert!(growth < 64 * 1024 * 1024, "grew by {growth}");
                assert!(started.elapsed() < Duration::from_mins(2));
                assert!(packs(remote.git_dir()).is_empty());
            }
            let foreign = pack(&[object(3, 5, &[], b"hello")]);
            bed.host.set(Mood::Pack(foreign));
            assert_eq!(
                bed.head(&remote).unwrap_err().class(),
                "damaged",
                "its trailer is wrong"
            );
            bed.host.set(Mood::Honest);
            assert_eq!(bed.head(&remote).unwrap(), commit);
        },
    );
}

#[test]
fn s_27_a_long_chain_of_deltas_costs_little() {
    alone(
        "remote::bombs::s_27_a_long_chain_of_deltas_costs_little",
        || {
            let bed = Bed::new();
            let commit = bed.commit("one", &[]);
            let remote = bed.remote();
            bed.host.set(Mood::Pack(chain(10_000)));
            let started = Instant::now();
            let (error, growth) = peak_growth(|| bed.head(&remote).unwrap_err());
            assert_eq!(
                error.class(),
                "damaged",
                "what was asked for is not in it: {error}"
            );
            assert!(growth < 64 * 1024 * 1024, "grew by {growth}");
            assert!(started.elapsed() < Duration::from_mins(2));
            assert!(packs(remote.git_dir()).is_empty());
            bed.host.set(Mood::Honest);
            assert_eq!(bed.head(&remote).unwrap(), commit);
        },
    );
}

#[test]
fn s_27_zeros_packed_small_cost_neither_memory_nor_disk() {
    alone(
        "remote::bombs::s_27_zeros_packed_small_cost_neither_memory_nor_disk",
        || {
            let bed = Bed::new();
            let commit = bed.commit("one", &[]);
            let mut options = bed.options();
            options.limits.deadline = Duration::from_mins(10);
            let remote = remote(options);
            let bomb = zeros(effort::cases(256, 4096));
            let sent = bomb.len();
            assert!(sent < 32 * 1024 * 1024, "{sent} bytes are not small");
            bed.host.set(Mood::Pack(bomb));
            let (error, growth) = peak_growth(|| bed.head(&remote).unwrap_err());
            assert_eq!(error.class(), "damaged", "{error}");
            assert!(growth < 64 * 1024 * 1024, "grew by {growth}");
            assert!(packs(remote.git_dir()).is_empty());
            bed.host.set(Mood::Honest);
            assert_eq!(bed.head(&remote).unwrap(), commit);
        },
    );
}
