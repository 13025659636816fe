//! Prints [`Diagnostics`] for a terminal, for programs, for code scanners and for GitHub's log.
//!
//! Pure: the same problems and files always give the same text, and colour and width are arguments.
//! User text never reaches a medium unescaped; see [`escape`].

pub mod escape;
mod excerpt;
mod github;
mod human;
mod json;
mod places;
mod sarif;

use crate::dsl::diagnostic::Diagnostics;
use crate::source::SourceTree;

pub use github::github;
pub use human::human;
pub use json::{json, schema};
pub use sarif::sarif;

/// Which medium the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A person at a terminal or reading a log.
    Human,
    /// Programs; the schema is `schema/diagnostics.json`.
    Json,
    /// Code scanners: SARIF 2.1.0.
    Sarif,
    /// Workflow commands, which GitHub shows on the lines of a pull request.
    GitHub,
}

/// How text for people looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are written.
    pub color: bool,
    /// Columns of the terminal; long source lines are trimmed to them.
    pub width: usize,
}

impl Style {
    /// No colours and a width that suits logs.
    pub const PLAIN: Self = Self {
        color: false,
        width: 120,
    };
}

/// The problems as text for one medium.
///
/// `style` matters to [`Format::Human`] only.
pub fn print(format: Format, diagnostics: &Diagnostics, tree: &SourceTree, style: Style) -> String {
    match format {
        Format::Human => human(diagnostics, tree, style),
        Format::Json => json(diagnostics, tree),
        Format::Sarif => sarif(diagnostics, tree),
        Format::GitHub => github(diagnostics, tree),
    }
}
