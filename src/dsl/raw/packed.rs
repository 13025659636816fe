//! Raw nodes as few bytes, beside the text they were read from: a file that was read before need not
//! be parsed again.
//!
//! Words and plain texts are not stored: they stand in the file. What is unpacked is checked against
//! the text's bounds and nothing else; whoever keeps the bytes keeps them under a digest of the text.

use super::{Range, RawArg, RawNode, RawProp, Scalar};

/// Deeper than any file that passes the scan.
const MAX_DEPTH: usize = 64;

/// How a text is found again.
const AS_WRITTEN: u8 = 0;
const IN_QUOTES: u8 = 1;
const SPELT_OUT: u8 = 2;

/// What a value is; texts follow with the ways above.
const NULL: u8 = 3;
const TRUE: u8 = 4;
const FALSE: u8 = 5;
const INT: u8 = 6;
const FLOAT: u8 = 7;

/// Packs the nodes of a file.
pub fn pack(nodes: &[RawNode], text: &str) -> Vec<u8> {
    let mut packer = Packer {
        out: Vec::with_capacity(text.len()),
        text,
    };
    packer.nodes(nodes);
    packer.out
}

/// The nodes of a file, or nothing if these bytes cannot come from [`pack`] for this text.
pub fn unpack(bytes: &[u8], text: &str) -> Option<Vec<RawNode>> {
    let mut reader = Reader { rest: bytes, text };
    let nodes = reader.nodes(0)?;
    reader.rest.is_empty().then_some(nodes)
}

struct Packer<'a> {
    out: Vec<u8>,
    text: &'a str,
}

impl Packer<'_> {
    fn nodes(&mut self, nodes: &[RawNode]) {
        self.count(nodes.len());
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &RawNode) {
        self.range(node.name_at);
        self.string(&node.name, node.name_at);
        self.range(node.at);
        match &node.mark {
            None => self.out.push(0),
            Some(mark) => {
                self.out.push(1);
                self.spelt(mark);
            }
        }
        self.out.push(u8::from(node.block));
        self.count(node.args.len());
        for arg in &node.args {
            self.range(arg.at);
            self.scalar(&arg.value, arg.at);
        }
        self.count(node.props.len());
        for prop in &node.props {
            self.range(prop.key_at);
            self.string(&prop.key, prop.key_at);
            self.range(prop.at);
            self.scalar(&prop.value, prop.at);
        }
        self.nodes(&node.children);
    }

    fn scalar(&mut self, value: &Scalar, at: Range) {
        match value {
            Scalar::Null => self.out.push(NULL),
            Scalar::Bool(true) => self.out.push(TRUE),
            Scalar::Bool(false) => self.out.push(FALSE),
            Scalar::Int(i) => {
                self.out.push(INT);
                self.out.extend_from_slice(&i.to_le_bytes());
            }
            Scalar::Float(f) => {
                self.out.push(FLOAT);
                self.out.extend_from_slice(&f.to_bits().to_le_bytes());
            }
            Scalar::Text(text) => self.string(text, at),
        }
    }

    fn string(&mut self, string: &str, at: Range) {
        if written(self.text, at) == Some(string) {
            self.out.push(AS_WRITTEN);
        } else if quoted(self.text, at) == Some(string) {
            self.out.push(IN_QUOTES);
        } else {
            self.out.push(SPELT_OUT);
            self.spelt(string);
        }
    }

    fn spelt(&mut self, string: &str) {
        self.count(string.len());
        self.out.extend_from_slice(string.as_bytes());
    }

    fn range(&mut self, (start, end): Range) {
        self.number(u64::from(start));
        self.number(u64::from(end.saturating_sub(start)));
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.out.push((number & 0x7f) as u8);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn nodes(&mut self, depth: usize) -> Option<Vec<RawNode>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.list(|reader| reader.node(depth))
    }

    fn node(&mut self, depth: usize) -> Option<RawNode> {
        let name_at = self.range()?;
        let name = self.string(name_at)?;
        let at = self.range()?;
        let mark = match self.byte()? {
            0 => None,
            1 => Some(self.spelt()?),
            _ => return None,
        };
        let block = match self.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let args = self.list(|reader| {
            let at = reader.range()?;
            let value = reader.scalar(at)?;
            Some(RawArg { value, at })
        })?;
        let props = self.list(Self::prop)?;
        let children = self.nodes(depth + 1)?;
        Some(RawNode {
            name,
            name_at,
            mark,
            at,
            args,
            props,
            children,
            block,
        })
    }

    fn prop(&mut self) -> Option<RawProp> {
        let key_at = self.range()?;
        let key = self.string(key_at)?;
        let at = self.range()?;
        let value = self.scalar(at)?;
        Some(RawProp {
            key,
            key_at,
            value,
            at,
        })
    }

    fn scalar(&mut self, at: Range) -> Option<Scalar> {
        Some(match self.byte()? {
            NULL => Scalar::Null,
            TRUE => Scalar::Bool(true),
            FALSE => Scalar::Bool(false),
            INT => Scalar::Int(i64::from_le_bytes(self.array()?)),
            FLOAT => Scalar::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            way => Scalar::Text(self.string_of(way, at)?),
        })
    }

    fn string(&mut self, at: Range) -> Option<String> {
        let way = self.byte()?;
        self.string_of(way, at)
    }

    fn string_of(&mut self, way: u8, at: Range) -> Option<String> {
        match way {
            AS_WRITTEN => written(self.text, at).map(str::to_owned),
            IN_QUOTES => quoted(self.text, at).map(str::to_owned),
            SPELT_OUT => self.spelt(),
            _ => None,
        }
    }

    fn spelt(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    fn range(&mut self) -> Option<Range> {
        let start = self.number()?;
        let end = start.checked_add(self.number()?)?;
        let within = end <= self.text.len() as u64;
        within.then_some(())?;
        Some((u32::try_from(start).ok()?, u32::try_from(end).ok()?))
    }

    /// As many as announced; every one of them takes at least a byte, so a lie ends soon.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        if count > self.rest.len() as u64 {
            return None;
        }
        (0..count).map(|_| one(self)).collect()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

/// What stands at a place.
fn written(text: &str, (start, end): Range) -> Option<&str> {
    text.get(start as usize..end as usize)
}

/// What stands at a place between two quotes.
fn quoted(text: &str, at: Range) -> Option<&str> {
    written(text, at)?.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dsl::{parse, scan};
    use crate::source::FileId;

    const TEXT: &str = r##"// a comment
app "two words" "plain" "a\tb" r key="v" other=#true n=-5 {
  port http 8080; (remove)x; (Mi)512 /-gone
  e "" #""raw""# #null 1.5 1e3 0x10
  text """
    lines
      of it
    """
}
été { naïve "日本" }
"##;

    fn nodes(text: &str) -> Vec<RawNode> {
        let id = FileId(0);
        let chunks = scan::scan(id, text).chunks;
        let parsed = chunks.into_iter().filter_map(|chunk| {
            let start = chunk.start;
            let document = parse::parse(id, text, chunk).ok()?;
            Some(RawNode::from_document(&document, start))
        });
        parsed.flatten().collect()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_small() {
        for text in [TEXT, "", "a\n", crate::kinds::tests::PROJECT] {
            let nodes = nodes(text);
            assert!(text.len() < 2 || !nodes.is_empty(), "{text}");
            let packed = pack(&nodes, text);
            assert_eq!(unpack(&packed, text).as_ref(), Some(&nodes));
            assert!(packed.len() <= 2 * text.len() + 16, "{}", packed.len());
        }
    }

    #[test]
    fn bytes_of_another_text_never_reach_beyond_it() {
        let nodes = nodes(TEXT);
        let packed = pack(&nodes, TEXT);
        let last = nodes.iter().map(|node| node.at.1 as usize).max();
        for end in (0..TEXT.len()).filter(|end| TEXT.is_char_boundary(*end)) {
            let unpacked = unpack(&packed, &TEXT[..end]);
            assert_eq!(unpacked.is_some(), last <= Some(end), "{end}");
        }
    }

    proptest! {
        #[test]
        fn damage_is_noticed_or_harmless(at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>()) {
            let mut packed = pack(&nodes(TEXT), TEXT);
            let at = at.index(packed.len());
            if cut {
                packed.truncate(at);
                prop_assert!(unpack(&packed, TEXT).is_none());
            } else {
                packed[at] = to;
                drop(unpack(&packed, TEXT));
            }
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(unpack(&bytes, TEXT));
        }
    }
}
