//! The formatter: one layout for every file, built from tokens.
//!
//! It changes space and line ends, nothing else: no comment, no `/-`, no spelling of a value is lost
//! or moved to another line. The one exception is `(Mi)512`, which becomes `"512Mi"`. It only takes
//! text that the scan passes.

mod fence;
mod printer;
mod quantity;

use super::diagnostic::Diagnostics;
use super::lex::lex;
use super::scan::scan;
use crate::source::FileId;

/// Formats a file. The diagnostics say why it cannot be formatted; their file is the first one.
pub fn format(text: &str) -> Result<String, Diagnostics> {
    let diagnostics = scan(FileId(0), text).diagnostics;
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let tokens: Vec<_> = lex(text).collect();
    Ok(printer::print(text, &tokens))
}
