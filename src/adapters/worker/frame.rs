//! The bytes between parent and worker: fixed integers and length-prefixed blocks, little-endian.
//!
//! A length is never trusted with an allocation: blocks grow only as their bytes arrive.

use std::io::{self, Read, Write};

/// Largest request.
pub(super) const MAX_REQUEST: usize = 128 * 1024 * 1024;
/// The first bytes in either direction.
pub(super) const MAGIC: [u8; 4] = *b"KMW1";

/// What the parent says before the first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) memory_bytes: u64,
    pub(super) cpu_seconds: u64,
    pub(super) stack_bytes: u64,
    pub(super) jobs: u64,
}

impl Opening {
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&MAGIC)?;
        for number in [
            self.memory_bytes,
            self.cpu_seconds,
            self.stack_bytes,
            self.jobs,
        ] {
            to.write_all(&number.to_le_bytes())?;
        }
        Ok(())
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        read_magic(from)?;
        Ok(Self {
            memory_bytes: read_u64(from)?,
            cpu_seconds: read_u64(from)?,
            stack_bytes: read_u64(from)?,
            jobs: read_u64(from)?,
        })
    }
}

pub(super) fn read_magic(from: &mut impl Read) -> io::Result<()> {
    let mut magic = [0; 4];
    from.read_exact(&mut magic)?;
    if magic == MAGIC {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

pub(super) fn read_u8(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn read_u64(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

pub(super) fn write_block(to: &mut impl Write, block: &[u8]) -> io::Result<()> {
    to.write_all(&(block.len() as u64).to_le_bytes())?;
    to.write_all(block)
}

/// Reads a block, or nothing where it announces more than `limit` bytes.
pub(super) fn read_block(from: &mut impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let announced = read_u64(from)?;
    if announced > limit {
        return Ok(None);
    }
    let mut block = Vec::new();
    from.take(announced).read_to_end(&mut block)?;
    if block.len() as u64 == announced {
        Ok(Some(block))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let opening = Opening {
            memory_bytes: 1,
            cpu_seconds: 2,
            stack_bytes: 3,
            jobs: 4,
        };
        let mut bytes = Vec::new();
        opening.write(&mut bytes).unwrap();
        write_block(&mut bytes, b"abc").unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(Opening::read(&mut from).unwrap(), opening);
        assert_eq!(read_block(&mut from, 3).unwrap().unwrap(), b"abc");
    }

    #[test]
    fn a_length_alone_allocates_nothing() {
        let mut lie = u64::MAX.to_le_bytes().to_vec();
        assert_eq!(read_block(&mut lie.as_slice(), 10).unwrap(), None);
        lie = (1_u64 << 40).to_le_bytes().to_vec();
        lie.extend(b"short");
        assert!(read_block(&mut lie.as_slice(), u64::MAX).is_err());
        assert!(read_magic(&mut &b"HTTP"[..]).is_err());
    }
}
