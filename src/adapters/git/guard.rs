//! Looks at a pack as it arrives and stops it before an object could fill the memory.
//!
//! libgit2 holds whole objects in memory while it resolves deltas, so the size that each object and
//! each delta's result announces is checked first. Everything is inflated once into a small buffer and
//! thrown away; nothing here is ever larger than that buffer.

use flate2::{Decompress, FlushDecompress, Status};

/// Why a pack is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An object, or what a delta makes of one, is this large.
    TooLarge(u64),
    /// It is not a pack as Git writes them.
    Malformed,
}

const BUFFER: usize = 16 * 1024;
/// Magic, version, and the number of objects.
const PACK_HEAD: usize = 12;
const ID_BYTES: usize = 20;
/// Two numbers of at most ten bytes each.
const DELTA_HEAD: usize = 20;
const OFFSET_DELTA: u8 = 6;
const NAMED_DELTA: u8 = 7;

/// Watches one answer of a host: lines, and a pack in their first band or as it is.
pub(super) struct Guard {
    line: Line,
    pack: Pack,
}

/// Where in Git's line protocol the next byte lies.
enum Line {
    Length(Vec<u8>),
    Band(usize),
    Body { left: usize, is_pack: bool },
    Raw,
}

impl Guard {
    pub(super) fn new(largest: u64) -> Self {
        Self {
            line: Line::Length(Vec::new()),
            pack: Pack::new(largest),
        }
    }

    /// Judges the next bytes of the answer.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.line {
                Line::Length(digits) => {
                    digits.push(*first);
                    bytes = rest;
                    if digits.len() == 4 {
                        let digits = std::mem::take(digits);
                        self.line = self.after_length(&digits)?;
                    }
                }
                Line::Band(left) => {
                    let is_pack = *first == 1;
                    bytes = rest;
                    self.line = body(*left - 1, is_pack);
                }
                Line::Body { left, is_pack } => {
                    let (here, after) = bytes.split_at((*left).min(bytes.len()));
                    if *is_pack {
                        self.pack.feed(here)?;
                    }
                    bytes = after;
                    let (left, is_pack) = (*left - here.len(), *is_pack);
                    self.line = body(left, is_pack);
                }
                Line::Raw => return self.pack.feed(bytes),
            }
        }
        Ok(())
    }

    fn after_length(&mut self, digits: &[u8]) -> Result<Line, Refusal> {
        if digits == b"PACK" {
            self.pack.feed(digits)?;
            return Ok(Line::Raw);
        }
        let text = std::str::from_utf8(digits).map_err(|_| Refusal::Malformed)?;
        match usize::from_str_radix(text, 16).map_err(|_| Refusal::Malformed)? {
            // Three marks that carry nothing, and an empty line.
            0..=2 | 4 => Ok(Line::Length(Vec::new())),
            3 => Err(Refusal::Malformed),
            length => Ok(Line::Band(length - 4)),
        }
    }
}

fn body(left: usize, is_pack: bool) -> Line {
    if left == 0 {
        Line::Length(Vec::new())
    } else {
        Line::Body { left, is_pack }
    }
}

/// The pack itself.
struct Pack {
    largest: u64,
    buffer: Box<[u8; BUFFER]>,
    objects: u32,
    place: Place,
}

/// Where in the pack the next byte lies.
enum Place {
    Head(Vec<u8>),
    Size { kind: u8, size: u64, shift: u32 },
    Offset { size: u64 },
    Base { size: u64, left: usize },
    Data(Box<Data>),
    Trailer,
}

/// An object whose compressed bytes are arriving.
struct Data {
    inflate: Decompress,
    size: u64,
    /// The beginning of a delta, until the size of its result was read.
    delta: Option<Vec<u8>>,
}

impl Pack {
    fn new(largest: u64) -> Self {
        let buffer = Box::new([0; BUFFER]);
        Self {
            largest,
            buffer,
            objects: 0,
            place: Place::Head(Vec::new()),
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.place {
                Place::Data(_) => bytes = self.inflate(bytes)?,
                Place::Trailer => return Ok(()),
                Place::Head(head) => {
                    head.push(*first);
                    bytes = rest;
                    if head.len() == PACK_HEAD {
                        let count = head.last_chunk().copied().unwrap_or_default();
                        self.objects = u32::from_be_bytes(count);
                        self.place = self.next();
                    }
                }
                Place::Size { kind, size, shift } => {
                    let (kind, size) = sized(*first, *kind, *size, *shift)?;
                    let shift = if *shift == 0 { 4 } else { *shift + 7 };
                    bytes = rest;
                    self.place = match first & 0x80 {
                        0 => self.begin(kind, size)?,
                        _ => Place::Size { kind, size, shift },
                    };
                }
                Place::Offset { size } => {
                    let size = *size;
                    bytes = rest;
                    if first & 0x80 == 0 {
                        self.place = data(size, true);
                    }
                }
                Place::Base { size, left } => {
                    *left -= 1;
                    bytes = rest;
                    if *left == 0 {
                        self.place = data(*size, true);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next object, or the end.
    fn next(&self) -> Place {
        if self.objects == 0 {
            Place::Trailer
        } else {
            Place::Size {
                kind: 0,
                size: 0,
                shift: 0,
            }
        }
    }

    fn begin(&self, kind: u8, size: u64) -> Result<Place, Refusal> {
        if size > self.largest {
            return Err(Refusal::TooLarge(size));
        }
        match kind {
            1..=4 => Ok(data(size, false)),
            OFFSET_DELTA => Ok(Place::Offset { size }),
            NAMED_DELTA => Ok(Place::Base {
                size,
                left: ID_BYTES,
            }),
            _ => Err(Refusal::Malformed),
        }
    }

    /// Inflates what it can and returns what belongs to the next object.
    fn inflate<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let Place::Data(data) = &mut self.place else {
            return Ok(bytes);
        };
        let (read, written) = (data.inflate.total_in(), data.inflate.total_out());
        let status = data
            .inflate
            .decompress(bytes, self.buffer.as_mut_slice(), FlushDecompress::None)
            .map_err(|_| Refusal::Malformed)?;
        let read = usize::try_from(data.inflate.total_in() - read).unwrap_or(0);
        let written = usize::try_from(data.inflate.total_out() - written).unwrap_or(0);
        if data.inflate.total_out() > data.size
            || read == 0 && written == 0 && status != Status::StreamEnd
        {
            return Err(Refusal::Malformed);
        }
        if let Some(head) = &mut data.delta {
            let wanted = DELTA_HEAD.saturating_sub(head.len()).min(written);
            head.extend_from_slice(self.buffer.get(..wanted).unwrap_or_default());
            let is_whole = status == Status::StreamEnd || head.len() == DELTA_HEAD;
            if is_whole {
                let result = result_size(head)?;
                data.delta = None;
                if result > self.largest {
                    return Err(Refusal::TooLarge(result));
                }
            }
        }
        if status == Status::StreamEnd {
            self.objects -= 1;
            self.place = self.next();
        }
        bytes.get(read..).ok_or(Refusal::Malformed)
    }
}

fn data(size: u64, is_delta: bool) -> Place {
    let delta = is_delta.then(Vec::new);
    Place::Data(Box::new(Data {
        inflate: Decompress::new(true),
        size,
        delta,
    }))
}

/// One more byte of an object's kind and size: four bits of size in the first, seven in the others.
fn sized(byte: u8, kind: u8, size: u64, shift: u32) -> Result<(u8, u64), Refusal> {
    if shift == 0 {
        return Ok(((byte >> 4) & 7, u64::from(byte & 0x0f)));
    }
    let more = u64::from(byte & 0x7f);
    // A size that does not fit is larger than every limit.
    match more.checked_shl(shift) {
        Some(more_bits) if more_bits >> shift == more => Ok((kind, size | more_bits)),
        _ if more == 0 => Err(Refusal::Malformed),
        _ => Err(Refusal::TooLarge(u64::MAX)),
    }
}

/// The second of the two numbers that a delta begins with.
fn result_size(head: &[u8]) -> Result<u64, Refusal> {
    let mut numbers = [0_u64; 2];
    let mut bytes = head.iter();
    for number in &mut numbers {
        let mut shift = 0;
        loop {
            let byte = bytes.next().ok_or(Refusal::Malformed)?;
            (_, *number) = match shift {
                0 => (0, u64::from(byte & 0x7f)),
                _ => sized(*byte, 0, *number, shift)?,
            };
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    Ok(numbers[1])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    const LARGEST: u64 = 1 << 20;

    fn number(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap());
        bytes
    }

    fn object(kind: u8, size: u64, base: &[u8], content: &[u8]) -> Vec<u8> {
        let more = if size > 0x0f { 0x80 } else { 0 };
        let mut bytes = vec![more | kind << 4 | (size & 0x0f) as u8];
        if size > 0x0f {
            bytes.extend(number(size >> 4));
        }
        bytes.extend(base);
        let mut zlib = ZlibEncoder::new(bytes, Compression::fast());
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

    fn banded(pack: &[u8]) -> Vec<u8> {
        let mut bytes = b"0008NAK\n0010\x02counting...".to_vec();
        for part in pack.chunks(7) {
            bytes.extend(format!("{:04x}\x01", part.len() + 5).into_bytes());
            bytes.extend(part);
        }
        bytes.extend(b"0000");
        bytes
    }

    /// The verdict must not depend on how the bytes arrive.
    fn verdict(pack: &[u8]) -> Result<(), Refusal> {
        let raw = [&b"0008NAK\n"[..], pack].concat();
        let verdicts = [banded(pack), raw].map(|answer| {
            let whole = Guard::new(LARGEST).feed(&answer);
            let mut guard = Guard::new(LARGEST);
            assert_eq!(
                answer.chunks(1).try_for_each(|byte| guard.feed(byte)),
                whole
            );
            whole
        });
        assert_eq!(verdicts[0], verdicts[1]);
        verdicts[0]
    }

    #[test]
    fn an_honest_pack_passes() {
        let delta = [number(5), number(70_000), vec![b'd'; 40]].concat();
        let size = delta.len() as u64;
        let large = vec![b'x'; 70_000];
        assert_eq!(
            verdict(&pack(&[
                object(3, 5, &[], b"hello"),
                object(3, 70_000, &[], &large),
                object(OFFSET_DELTA, size, &[0x81, 0x02], &delta),
                object(NAMED_DELTA, size, &[7; 20], &delta),
            ])),
            Ok(())
        );
        assert_eq!(verdict(&pack(&[])), Ok(()));
    }

    #[test]
    fn announced_sizes_are_refused_before_any_content() {
        for size in [LARGEST + 1, 10 << 30, 1 << 48] {
            assert_eq!(
                verdict(&pack(&[object(3, size, &[], b"")])),
                Err(Refusal::TooLarge(size))
            );
            let delta = [number(5), number(size), vec![b'd'; 40]].concat();
            let bomb = object(NAMED_DELTA, delta.len() as u64, &[7; 20], &delta);
            assert_eq!(verdict(&pack(&[bomb])), Err(Refusal::TooLarge(size)));
        }
        let endless = [vec![0xbf], vec![0xff; 30]].concat();
        assert_eq!(verdict(&pack(&[endless])), Err(Refusal::TooLarge(u64::MAX)));
    }

    #[test]
    fn what_is_no_pack_is_refused() {
        let longer = object(3, 4, &[], b"hello");
        assert_eq!(verdict(&pack(&[longer])), Err(Refusal::Malformed));
        assert_eq!(
            verdict(&pack(&[object(5, 1, &[], b"x")])),
            Err(Refusal::Malformed)
        );
        assert_eq!(Guard::new(LARGEST).feed(b"zzzz"), Err(Refusal::Malformed));
        assert_eq!(Guard::new(LARGEST).feed(b"0003"), Err(Refusal::Malformed));
    }
}
