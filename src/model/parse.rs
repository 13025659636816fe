//! KDL text of one file into raw nodes: scanned first, then parsed chunk by chunk, so that one broken
//! resource hides no other.

use super::job::{InputFile, ParsedFile};
use crate::dsl::diagnostic::Diagnostics;
use crate::dsl::raw::{RawNode, packed};
use crate::dsl::{parse, scan};

/// The nodes of one file: those known from before, or the text parsed. Nodes of broken chunks are left
/// out and their problems reported.
pub fn parse_file(file: &InputFile) -> (ParsedFile, Diagnostics) {
    let known = file.known.as_deref();
    match known.and_then(|bytes| packed::unpack(bytes, &file.text)) {
        Some(nodes) => {
            let parsed = ParsedFile {
                id: file.id,
                path: file.path.clone(),
                nodes,
                unread: Vec::new(),
            };
            (parsed, Diagnostics::default())
        }
        None => parse_text(file),
    }
}

/// What a later run may know of a file: its nodes, if nothing is wrong with it.
pub fn pack_file(file: &InputFile, parsed: &ParsedFile, problems: &Diagnostics) -> Option<Vec<u8>> {
    let sound = file.known.is_none() && problems.is_empty() && parsed.unread.is_empty();
    sound.then(|| packed::pack(&parsed.nodes, &file.text))
}

fn parse_text(file: &InputFile) -> (ParsedFile, Diagnostics) {
    let scan::Scan {
        chunks,
        broken,
        diagnostics: mut out,
    } = scan::scan(file.id, &file.text);
    let mut nodes = Vec::new();
    let mut unread: Vec<_> = broken
        .into_iter()
        .filter_map(|range| headline(&file.text[range]))
        .collect();
    for chunk in chunks {
        match parse::parse(file.id, &file.text, chunk.clone()) {
            Ok(document) => nodes.extend(RawNode::from_document(&document, chunk.start)),
            Err(problems) => {
                unread.extend(headline(&file.text[chunk]));
                out.append(problems);
            }
        }
    }
    (
        ParsedFile {
            id: file.id,
            path: file.path.clone(),
            nodes,
            unread,
        },
        out,
    )
}

/// Kind and name of a broken node: the first two words outside comments.
fn headline(text: &str) -> Option<(String, String)> {
    let line = text
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty() && !l.starts_with("//"))?;
    let mut words = line.split_whitespace();
    let kind = words.next()?.to_owned();
    let name = words.next()?.trim_matches(['"', '{', ';']).to_owned();
    Some((kind, name))
}
