//! Whose rules a change is judged by: those of the revision it starts from, not its own.
//!
//! A change may propose other rules and is told so, but no file that it touches may profit from them:
//! otherwise who can write a file could first give it to himself.

use std::collections::BTreeSet;

use super::layout::Layout;
use crate::dsl::codes;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::kinds::project::Project;
use crate::source::{RepoPath, SourceTree};

/// Whether a change alters who owns what, or which files count.
pub fn altered(base: &Project, head: &Project) -> bool {
    base.ownership != head.ownership || base.include != head.include
}

/// An error for each touched file whose owner is another one by the rules of the change itself.
pub fn own_rules(
    base: &Project,
    head: &Project,
    tree: &SourceTree,
    touched: &BTreeSet<RepoPath>,
) -> Diagnostics {
    let mut out = Diagnostics::default();
    if base.ownership == head.ownership {
        return out;
    }
    let (before, after) = (Layout::of(base), Layout::of(head));
    for path in touched {
        let Some((id, _)) = tree.find(path.as_str()) else {
            continue;
        };
        let (was, would) = (before.owner(path), after.owner(path));
        if was == would {
            continue;
        }
        let message = format!(
            "`{path}` belongs to `{was}` by the rules this change starts from, and to `{would}` only by its own"
        );
        let diagnostic = Diagnostic::error(codes::OWN_RULES, Span::new(id, 0..0), message);
        out.push(diagnostic.help("change the ownership first, in a pull request of its own"));
    }
    out.finish()
}
