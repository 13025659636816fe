//! Where in the files one resource is written, and edits of exactly those places. Pure; every byte that
//! an edit does not name stays as it is.
//!
//! What an edit means is not guessed here: whoever makes one judges the new text and looks.

mod release;
mod revert;

use crate::dsl::compose::Selector;
use crate::dsl::raw::RawNode;
use crate::kinds;
use crate::model::index;
use crate::model::job::{InputFile, ParsedFile};
use crate::model::layout::Layout;
use crate::model::parse;
use crate::object::ResourceId;
use crate::source::{FileId, SourceFile, SourceTree, TreeError};

pub use release::{NotPromotable, Release, in_place, overrides};
pub use revert::{Reverted, shared, whole, within};

/// A place in a file that becomes another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub file: FileId,
    /// From where to where, in bytes.
    pub at: (u32, u32),
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    fn insert(file: FileId, at: usize, text: String) -> Self {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let at = (at, at);
        Self { file, at, text }
    }
}

/// One node that says something about a resource.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its file.
    pub file: FileId,
    /// For which environments; `None` for the resource's own node.
    pub selector: Option<Selector>,
    /// The node: the resource's own, or that of the same name in an `in` block at top level.
    pub node: RawNode,
}

/// The top-level nodes that a tree has for one resource, its own first. Files that cannot be parsed say
/// nothing: the tree is judged before.
pub fn parts(tree: &SourceTree, layout: &Layout, resource: &ResourceId) -> Vec<Part> {
    let (mut own, mut over) = (Vec::new(), Vec::new());
    for (id, file) in tree.iter() {
        let Some(parsed) = read(id, file, &resource.name) else {
            continue;
        };
        let owner = layout.owner(&file.path);
        let is_it = |node: &RawNode| {
            let kind = kinds::schema(&node.name);
            kind.and_then(|kind| index::identity(node, kind, &owner))
                .as_ref()
                == Some(resource)
        };
        for node in parsed.nodes {
            if is_it(&node) {
                let part = Part {
                    file: id,
                    selector: None,
                    node,
                };
                own.push(part);
            } else if node.name == "in" {
                let selector = Selector::of(&node);
                over.extend(node.children.into_iter().filter(is_it).map(|node| Part {
                    file: id,
                    selector: Some(selector.clone()),
                    node,
                }));
            }
        }
    }
    own.extend(over);
    own
}

/// A file of KDL that may speak of a name.
fn read(id: FileId, file: &SourceFile, name: &str) -> Option<ParsedFile> {
    let text = file.text()?;
    if !file.path.as_str().ends_with(".kdl") || !text.contains(name) {
        return None;
    }
    let input = InputFile {
        id,
        path: file.path.clone(),
        text: text.to_owned(),
        known: None,
    };
    Some(parse::parse_file(&input).0)
}

/// The tree with these places changed. Places that overlap, or lie outside of their file, change nothing.
pub fn edited(tree: &SourceTree, edits: &[Edit]) -> Result<SourceTree, TreeError> {
    let files = tree.iter().map(|(id, file)| {
        let mut of_file: Vec<&Edit> = edits.iter().filter(|edit| edit.file == id).collect();
        let Some(text) = file.text().filter(|_| !of_file.is_empty()) else {
            return file.clone();
        };
        of_file.sort_by_key(|edit| edit.at);
        let mut text = text.to_owned();
        let mut last = u32::MAX;
        for edit in of_file.into_iter().rev() {
            let range = edit.at.0 as usize..edit.at.1 as usize;
            if edit.at.1 <= last && text.get(range.clone()).is_some() {
                text.replace_range(range, &edit.text);
                last = edit.at.0;
            }
        }
        SourceFile::from_bytes(file.path.clone(), text.into_bytes())
    });
    SourceTree::new(files.collect())
}

/// The text of a node, without what surrounds it.
fn text_of<'t>(text: &'t str, node: &RawNode) -> &'t str {
    let (start, end) = range_of(text, node);
    text.get(start..end).unwrap_or_default()
}

/// From where to where a node reaches, without spaces and ends of lines around it.
fn range_of(text: &str, node: &RawNode) -> (usize, usize) {
    let (start, end) = (node.at.0 as usize, node.at.1 as usize);
    let inside = text.get(start..end).unwrap_or_default();
    let from = start + (inside.len() - inside.trim_start().len());
    let kept = inside.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    (from, (start + kept.len()).max(from))
}

/// The spaces that a line begins with.
fn indent_at(text: &str, at: usize) -> &str {
    let start = line_start(text, at);
    let line = text.get(start..).unwrap_or_default();
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..length).unwrap_or_default()
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |found| found + 1)
}

/// Whether nothing but spaces stands before a place on its line.
fn begins_line(text: &str, at: usize) -> bool {
    let before = text.get(line_start(text, at)..at).unwrap_or_default();
    before.trim().is_empty()
}

/// How lines of a file end.
fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// An edit that puts a node, which may be several lines without indentation, at the end of a block, or
/// gives the node a block.
fn append_to(file: FileId, text: &str, node: &RawNode, added: &[String]) -> Edit {
    let (start, end) = range_of(text, node);
    let (outer, nl) = (indent_at(text, start), line_end(text));
    let unit = node.children.first().map(|child| {
        let inner = indent_at(text, child.at.0 as usize);
        inner
            .strip_prefix(outer)
            .filter(|unit| !unit.is_empty())
            .unwrap_or("  ")
    });
    let unit = unit.unwrap_or("  ");
    let lines = |before: &str| -> String {
        let one = |line: &String| {
            let deeper = line.trim_start_matches('\t');
            let more = unit.repeat(line.len() - deeper.len());
            format!("{before}{more}{deeper}{nl}")
        };
        added.iter().map(one).collect()
    };
    let inner = format!("{outer}{unit}");
    if !node.block {
        return Edit::insert(file, end, format!(" {{{nl}{}{outer}}}", lines(&inner)));
    }
    let brace = end.saturating_sub(1);
    if begins_line(text, brace) {
        return Edit::insert(file, line_start(text, brace), lines(&inner));
    }
    // All of it stands on one line, and stays there.
    let before = text.get(..brace).unwrap_or_default().trim_end();
    let joint = if before.ends_with(['{', ';']) {
        ""
    } else {
        ";"
    };
    let flat: Vec<&str> = added
        .iter()
        .map(|line| line.trim_start_matches('\t'))
        .collect();
    let flat = flat.join(" ");
    let at = (u32::try_from(before.len()), u32::try_from(brace));
    Edit {
        file,
        at: (at.0.unwrap_or(u32::MAX), at.1.unwrap_or(u32::MAX)),
        text: format!("{joint} {flat} "),
    }
}

/// An edit that puts a line before everything else in a block.
fn prepend_to(file: FileId, text: &str, node: &RawNode, line: &str) -> Edit {
    let Some(first) = node.children.first() else {
        return append_to(file, text, node, &[line.to_owned()]);
    };
    let (at, _) = range_of(text, first);
    if begins_line(text, at) {
        let indent = indent_at(text, at);
        let whole = format!("{indent}{line}{}", line_end(text));
        return Edit::insert(file, line_start(text, at), whole);
    }
    Edit::insert(file, at, format!("{line}; "))
}
