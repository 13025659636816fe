//! The lines of one resource as they were: the smallest edit that brings back what an earlier tree says.

use std::collections::BTreeSet;

use super::{Edit, Part, append_to, line_end, line_start, range_of, text_of};
use crate::dsl::compose::Selector;
use crate::dsl::raw::RawNode;
use crate::source::{RepoPath, SourceTree};

/// Edits that bring lines back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reverted {
    /// The edits; empty if the lines are the same.
    pub edits: Vec<Edit>,
}

/// A tree with what it has for the resource.
type Side<'a> = (&'a SourceTree, &'a [Part]);

/// The edits by which only what is written for one environment goes back; `None` if the two trees do
/// not have the same places for it.
pub fn within(now: Side<'_>, then: Side<'_>, environment: &str) -> Option<Reverted> {
    let exact = |selector: &Selector| selector.to_string() == environment;
    let mut reverted = Reverted::default();
    let (own_now, own_then) = (own(now.1)?, own(then.1)?);
    let (text, old) = (text_in(now.0, own_now), text_in(then.0, own_then));
    let (here, there) = (blocks(own_now, &exact), blocks(own_then, &exact));
    for (index, block) in here.iter().enumerate() {
        match there.get(index) {
            Some(earlier) => {
                reverted.replace(own_now, text, block, text_of(old, earlier));
            }
            None => reverted.remove(own_now, text, block),
        }
    }
    for earlier in there.iter().skip(here.len()) {
        let lines = relative(text_of(old, earlier));
        let edit = append_to(own_now.file, text, &own_now.node, &lines);
        reverted.edits.push(edit);
    }
    reverted.overlays(now, then, &exact)?;
    Some(reverted)
}

/// The edits by which everything that is written for the resource goes back, for all environments;
/// `None` if the two trees do not have the same places for it.
pub fn whole(now: Side<'_>, then: Side<'_>) -> Option<Reverted> {
    let mut reverted = Reverted::default();
    let (own_now, own_then) = (own(now.1)?, own(then.1)?);
    let text = text_in(now.0, own_now);
    let earlier = text_of(text_in(then.0, own_then), &own_then.node);
    reverted.replace(own_now, text, &own_now.node, earlier);
    reverted.overlays(now, then, &|_| true)?;
    Some(reverted)
}

/// Files that the lines of a resource name in either tree, and that are not the same in both.
pub fn shared(now: Side<'_>, then: Side<'_>) -> BTreeSet<RepoPath> {
    let mut named = BTreeSet::new();
    for (tree, parts) in [now, then] {
        for part in parts {
            let mut names = Vec::new();
            texts(&part.node, &mut names);
            let kdl = tree.get(part.file).map(|file| file.path.as_str());
            let directory = kdl.and_then(|path| path.rsplit_once('/'));
            // As `Sources::path` has it: a file of the same name elsewhere is somebody else's.
            named.extend(names.into_iter().map(|name| match directory {
                Some((directory, _)) => format!("{directory}/{name}"),
                None => name,
            }));
        }
    }
    let both = now.0.files().iter().chain(then.0.files());
    let differs = |path: &RepoPath| {
        let bytes = |tree: &SourceTree| {
            let found = tree.find(path.as_str());
            found.map(|(_, file)| file.text().map(str::to_owned))
        };
        bytes(now.0) != bytes(then.0)
    };
    let is_named =
        |path: &&RepoPath| !path.as_str().ends_with(".kdl") && named.contains(path.as_str());
    let paths = both.map(|file| &file.path);
    paths
        .filter(is_named)
        .filter(|path| differs(path))
        .cloned()
        .collect()
}

impl Reverted {
    fn replace(&mut self, part: &Part, text: &str, node: &RawNode, with: &str) {
        let (start, end) = range_of(text, node);
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if text.get(start..end) != Some(with) {
            self.edits.push(Edit {
                file: part.file,
                at: (clip(start), clip(end)),
                text: with.to_owned(),
            });
        }
    }

    /// Takes a node out, with its line where it has it for itself.
    fn remove(&mut self, part: &Part, text: &str, node: &RawNode) {
        let (start, mut end) = range_of(text, node);
        let mut from = start;
        let rest = text.get(end..).unwrap_or_default();
        let alone = super::begins_line(text, start) && rest.lines().next().is_none_or(blank);
        if alone {
            from = line_start(text, start);
            let line = rest.find('\n').map_or(rest.len(), |found| found + 1);
            end += line;
        }
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.edits.push(Edit {
            file: part.file,
            at: (clip(from), clip(end)),
            text: String::new(),
        });
    }

    /// What `in` blocks at top level say, for these selectors. Their number has to be the same: where
    /// one came or went, the rest of its block is not the resource's.
    fn overlays(
        &mut self,
        now: Side<'_>,
        then: Side<'_>,
        wanted: &dyn Fn(&Selector) -> bool,
    ) -> Option<()> {
        let (here, there) = (over(now.1, wanted), over(then.1, wanted));
        if here.len() < there.len() {
            return None;
        }
        let mut earlier = there.iter();
        for part in here {
            let text = text_in(now.0, part);
            match earlier
                .clone()
                .next()
                .filter(|then| then.selector == part.selector)
            {
                Some(found) => {
                    let old = text_of(text_in(then.0, found), &found.node);
                    self.replace(part, text, &part.node, old);
                    earlier.next();
                }
                None => self.remove(part, text, &part.node),
            }
        }
        earlier.next().is_none().then_some(())
    }
}

/// The `in` blocks of a resource's own node with these selectors.
fn blocks<'p>(part: &'p Part, wanted: &dyn Fn(&Selector) -> bool) -> Vec<&'p RawNode> {
    let children = part.node.children.iter();
    let is = |c: &&RawNode| c.name == "in" && wanted(&Selector::of(c));
    children.filter(is).collect()
}

/// What `in` blocks at top level say, for these selectors.
fn over<'p>(parts: &'p [Part], wanted: &dyn Fn(&Selector) -> bool) -> Vec<&'p Part> {
    let is = |part: &&Part| part.selector.as_ref().is_some_and(wanted);
    parts.iter().filter(is).collect()
}

fn blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn own(parts: &[Part]) -> Option<&Part> {
    parts.iter().find(|part| part.selector.is_none())
}

fn text_in<'t>(tree: &'t SourceTree, part: &Part) -> &'t str {
    tree.get(part.file)
        .and_then(|file| file.text())
        .unwrap_or_default()
}

/// Every text that a node holds.
fn texts(node: &RawNode, out: &mut Vec<String>) {
    let values = node.args.iter().map(|arg| &arg.value);
    let values = values.chain(node.props.iter().map(|prop| &prop.value));
    out.extend(
        values
            .filter_map(|v| v.as_text())
            .filter(|t| t.contains('.'))
            .map(str::to_owned),
    );
    node.children.iter().for_each(|child| texts(child, out));
}

/// Lines of a block, each with one tab for every level it lies deeper than the first.
fn relative(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut lines = Vec::new();
    for line in text.split(line_end(text)).map(str::trim) {
        let closes = line.starts_with('}');
        depth = depth.saturating_sub(usize::from(closes));
        lines.push(format!("{}{line}", "\t".repeat(depth)));
        depth += usize::from(line.ends_with('{'));
    }
    lines
}
