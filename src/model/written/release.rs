//! The version of a resource for one environment: where it is decided, and the edits that decide it anew.

use serde_json::Value;

use super::{Edit, Part, append_to, prepend_to, read, text_of};
use crate::dsl::compose::Selector;
use crate::dsl::raw::RawNode;
use crate::model::job::{Shown, ShownField};
use crate::model::layout::Layout;
use crate::object::{Owner, ResourceId};
use crate::source::{FileId, SourceTree};

const TAG: &str = "/version/tag";
const DIGEST: &str = "/version/digest";

/// A version as it is composed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// The tag.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<String>,
}

impl Release {
    /// The version of a resource that was composed.
    pub fn of(shown: &Shown) -> Self {
        let text = |pointer: &str| {
            let value = &field(shown, pointer)?.value;
            value.as_str().map(str::to_owned)
        };
        Self {
            tag: text(TAG),
            digest: text(DIGEST),
        }
    }

    /// Whether it is none at all.
    pub fn is_none(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// As it is written in KDL.
    pub fn kdl(&self) -> String {
        let mut text = "version".to_owned();
        if let Some(tag) = &self.tag {
            text.push_str(&format!(" {}", quoted(tag)));
        }
        if let Some(digest) = &self.digest {
            text.push_str(&format!(" digest={}", quoted(digest)));
        }
        text
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => f.write_str(tag),
            (None, Some(digest)) => f.write_str(digest),
            (None, None) => f.write_str("no version"),
        }
    }
}

/// Why a version cannot be written where it is decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPromotable {
    /// One cluster of the environment has a version of its own.
    #[error("the version is decided for one cluster alone, by `{0}`")]
    OneCluster(String),
    /// The text is made of variables.
    #[error("the version is made of a variable: `{0}`")]
    Variable(String),
}

/// The edits of the `version` line that decides for this environment alone; `None` where what decides
/// is for others as well, or there is no such line.
pub fn in_place(
    tree: &SourceTree,
    parts: &[Part],
    shown: &Shown,
    (environment, release): (&str, &Release),
) -> Result<Option<Vec<Edit>>, NotPromotable> {
    let decided = field(shown, TAG).or_else(|| field(shown, DIGEST));
    let Some((span, layer)) = decided.and_then(|field| field.origin.as_ref()) else {
        return Ok(None);
    };
    if layer.starts_with("in ") && layer.contains(" cluster=") {
        return Err(NotPromotable::OneCluster(layer.clone()));
    }
    if *layer != format!("in {environment}") {
        return Ok(None);
    }
    let at = (span.start, span.end);
    let mut of_file = parts.iter().filter(|part| part.file == span.file);
    let Some(line) = of_file.find_map(|part| version_at(&part.node, at)) else {
        return Ok(None);
    };
    let text = tree
        .get(span.file)
        .and_then(|file| file.text())
        .unwrap_or_default();
    let whole = text_of(text, line);
    if whole.contains("${") {
        return Err(NotPromotable::Variable(whole.to_owned()));
    }
    Ok(Some(rewritten(span.file, text, line, release)))
}

/// The `version` line at a place.
fn version_at(node: &RawNode, at: (u32, u32)) -> Option<&RawNode> {
    if node.at.0 > at.0 || at.1 > node.at.1 {
        return None;
    }
    let below = node.children.iter().find_map(|child| version_at(child, at));
    below.or_else(|| (node.name == "version").then_some(node))
}

/// Argument and digest anew, everything else on the line as it is.
fn rewritten(file: FileId, text: &str, line: &RawNode, release: &Release) -> Vec<Edit> {
    let put = |at: (u32, u32), text: String| Edit { file, at, text };
    let (mut edits, mut end) = (Vec::new(), line.name_at.1);
    if let Some(arg) = line.args.first() {
        end = arg.at.1;
        edits.push(match &release.tag {
            Some(tag) => put(arg.at, quoted(tag)),
            None => put((line.name_at.1, end), String::new()),
        });
    } else if let Some(tag) = &release.tag {
        edits.push(put((end, end), format!(" {}", quoted(tag))));
    }
    match (line.prop("digest"), &release.digest) {
        (Some(prop), Some(digest)) => edits.push(put(prop.at, quoted(digest))),
        (Some(prop), None) => {
            let before = text.get(..prop.key_at.0 as usize).unwrap_or_default();
            let from = u32::try_from(before.trim_end_matches([' ', '\t']).len());
            let from = from.unwrap_or(prop.key_at.0).max(end);
            edits.push(put((from, prop.at.1), String::new()));
        }
        (None, Some(digest)) => {
            edits.push(put((end, end), format!(" digest={}", quoted(digest))));
        }
        (None, None) => {}
    }
    // Two insertions at one place are one.
    if let [first, second] = edits.as_slice()
        && first.at == second.at
    {
        return vec![put(first.at, format!("{}{}", first.text, second.text))];
    }
    edits
}

/// Edits that say the version in a place of this environment alone, the likeliest first: a block that is
/// there, the file of releases, a block of its own.
pub fn overrides(
    (tree, layout): (&SourceTree, &Layout),
    resource: &ResourceId,
    parts: &[Part],
    (environment, release): (&str, &Release),
) -> Vec<Edit> {
    let is_it = |selector: &Selector| selector.to_string() == environment;
    let line = release.kdl();
    let text = |file: FileId| tree.get(file).and_then(|f| f.text()).unwrap_or_default();
    let mut edits = Vec::new();
    for part in parts.iter().rev() {
        let over = part.selector.as_ref().is_some_and(is_it);
        if over {
            edits.push(prepend_to(part.file, text(part.file), &part.node, &line));
        }
    }
    let Some(own) = parts.iter().find(|part| part.selector.is_none()) else {
        return edits;
    };
    let blocks = own.node.children.iter().rev();
    for block in blocks.filter(|c| c.name == "in" && is_it(&Selector::of(c))) {
        edits.push(prepend_to(own.file, text(own.file), block, &line));
    }
    edits.extend(in_releases((tree, layout), resource, (environment, &line)));
    let block = [
        format!("in {environment} {{"),
        format!("\t{line}"),
        "}".to_owned(),
    ];
    edits.push(append_to(own.file, text(own.file), &own.node, &block));
    edits
}

/// The edit of `releases/ENVIRONMENT.kdl` of the resource's owner, where there is such a file.
fn in_releases(
    (tree, layout): (&SourceTree, &Layout),
    resource: &ResourceId,
    (environment, line): (&str, &str),
) -> Option<Edit> {
    let owner = resource
        .tenant
        .clone()
        .map_or(Owner::Platform, Owner::Tenant);
    let ending = format!("releases/{environment}.kdl");
    let mut files = tree.iter().filter(|(_, file)| {
        let path = file.path.as_str();
        path.ends_with(&ending) && layout.owner(&file.path) == owner
    });
    let (id, file) = files.next()?;
    let parsed = read(id, file, "")?;
    let is_it =
        |node: &&RawNode| node.name == "in" && Selector::of(node).to_string() == environment;
    let block = parsed.nodes.iter().find(is_it)?;
    let node = [
        format!("{} {} {{", resource.kind, resource.name),
        format!("\t{line}"),
        "}".to_owned(),
    ];
    Some(append_to(id, file.text()?, block, &node))
}

fn field<'s>(shown: &'s Shown, pointer: &str) -> Option<&'s ShownField> {
    let has = |field: &&ShownField| field.pointer == pointer && field.value != Value::Null;
    shown.fields.iter().find(has)
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
