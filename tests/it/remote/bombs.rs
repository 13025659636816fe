//! Packs made to fill the memory of whoever unpacks them.

use std::io::Write;
use std::time::{Duration, Instant};

use super::{Bed, packs};
use crate::alone::{alone, peak_growth};
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
                assert!(started.elapsed() < Duration::from_secs(40));
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
