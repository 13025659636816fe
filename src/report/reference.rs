//! The reference pages of the language, out of the same schemas and catalogue as `explain`.

use super::explain::{fields, home, kind, kind_names};
use crate::dsl::codes::{self, Entry, Example, Files};
use crate::dsl::shape::describe;

const WRITTEN: &str = "<!-- Written by `kubemate docs`; change the source instead. -->\n\n";

/// Every kind with all its fields.
pub fn kinds() -> String {
    let mut out = format!(
        "# Kinds\n\n{WRITTEN}Every top-level node of a project, with all its fields. \
         `kubemate explain KIND.FIELD` shows the same at the terminal, with the form in KDL.\n"
    );
    for schema in kind_names().filter_map(kind) {
        out.push_str(&format!("\n## {}\n\n", schema.name));
        out.push_str(&format!(
            "{}\n\n{}\n\n",
            describe(&schema.json, &schema.json),
            home(schema)
        ));
        out.push_str("| field | type | what it is |\n|---|---|---|\n");
        for (path, brief, about) in fields(schema) {
            let path = path
                .strip_prefix(schema.name)
                .unwrap_or(&path)
                .trim_start_matches('.');
            out.push_str(&format!(
                "| `{path}` | {} | {} |\n",
                cell(&brief),
                cell(&about)
            ));
        }
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Every code with its examples.
pub fn codes() -> String {
    let mut out = format!(
        "# Codes\n\n{WRITTEN}Every message of kubemate has a code that never changes its meaning. \
         `kubemate explain CODE` shows the same at the terminal.\n\n\
         The examples lie over this project:\n"
    );
    out.push_str(&files(codes::PROJECT, "kdl"));
    for entry in codes::entries() {
        out.push_str(&one(entry));
    }
    out
}

fn one(entry: &Entry) -> String {
    let mut out = format!("\n## {}: {}\n\n{}\n", entry.code, entry.title, entry.about);
    match entry.example {
        Example::Shown { bad, good } => {
            out.push_str(&format!(
                "\nRefused:\n{}",
                files(bad, &format!("kdl fails={}", entry.code))
            ));
            out.push_str(&format!("\nAccepted:\n{}", files(good, "kdl")));
        }
        Example::Unshown(why) => out.push_str(&format!("\nThere is no example: {why}.\n")),
    }
    out
}

/// Files as fenced blocks; paths beside the language, so that tools may read them.
fn files(files: Files, language: &str) -> String {
    let one = |(path, text): &(&str, &str)| {
        let language = if path.ends_with(".kdl") {
            language
        } else {
            "text"
        };
        format!("\n```{language} file={path}\n{}\n```\n", text.trim_end())
    };
    files.iter().map(one).collect()
}
