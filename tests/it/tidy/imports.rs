//! Which module may know which, where code may wait, and attributes that hide work.

use syn::visit::{self, Visit};

use super::Source;

/// From left to right; modules of one layer may know each other.
const LAYERS: [&[&str]; 14] = [
    &["names", "values", "source"],
    &["dsl"],
    &["object"],
    &["kinds"],
    &["model"],
    &["render"],
    &["plan"],
    &["import"],
    &["health"],
    &["apply"],
    &["report"],
    &["controller"],
    &["cli"],
    &["main"],
];

/// Imports against the order: who, whom, why.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "",
        "dsl::diagnostic",
        "everything speaks of problems and places in the same words",
    ),
    (
        "dsl::schema",
        "kinds",
        "the schema is generated from the types of the kinds",
    ),
];

/// Narrower than the order: who may know only this of a module to its left.
const NARROW: [(&str, &str, &str); 1] = [("object", "dsl", "dsl::diagnostic")];

/// The only modules that construct adapters.
const EDGE: [&str; 3] = ["controller", "cli", "main"];

/// Where code may wait.
const ASYNC: [&str; 8] = [
    "apply",
    "controller",
    "adapters",
    "cli",
    "telemetry",
    "main",
    "source::repository",
    "report::forge",
];

pub(super) fn wrong_way(source: &Source) -> Vec<String> {
    if !source.is_product() {
        return Vec::new();
    }
    let from = source.module().join("::");
    let complain = |why: String| format!("{}: {why}", source.path);
    let found = Found::of(source);
    found
        .imports
        .iter()
        .filter_map(|to| refusal(&from, to))
        .map(complain)
        .collect()
}

pub(super) fn misplaced_async(source: &Source) -> Vec<String> {
    let module = source.module().join("::");
    if !source.is_product() || ASYNC.iter().any(|m| within(&module, m)) {
        return Vec::new();
    }
    Found::of(source)
        .waits
        .iter()
        .map(|what| format!("{}: {what}", source.path))
        .collect()
}

pub(super) fn attributes(source: &Source) -> Vec<String> {
    let mut complaints = Found::of(source).attributes;
    if source.text.contains(concat!("```", "ignore")) {
        complaints.push("an example that is not compiled".into());
    }
    complaints
        .iter()
        .map(|what| format!("{}: {what}", source.path))
        .collect()
}

/// Why `from` may not import `to`.
fn refusal(from: &str, to: &str) -> Option<String> {
    let (home, target) = (top(from), top(to));
    if home.is_empty() || home == target || !known(target) {
        return (!home.is_empty() && !known(home))
            .then(|| format!("module `{home}` has no place in the order; add it to the table"));
    }
    if EXCEPTIONS
        .iter()
        .any(|(who, whom, _)| within(from, who) && within(to, whom))
    {
        return None;
    }
    let narrow = NARROW
        .iter()
        .find(|(who, whom, _)| within(from, who) && target == *whom);
    if let Some((_, _, only)) = narrow {
        return (!within(to, only)).then(|| format!("knows `{to}`, but may know only `{only}`"));
    }
    let allowed = match (home, target) {
        (_, "adapters") => EDGE.contains(&home),
        (_, "telemetry") => home == "adapters" || EDGE.contains(&home),
        ("telemetry", _) => false,
        ("adapters", _) => !EDGE.contains(&target),
        _ => rank(target) <= rank(home),
    };
    (!allowed).then(|| format!("`{home}` must not know `{to}`"))
}

fn top(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn known(module: &str) -> bool {
    matches!(module, "adapters" | "telemetry") || rank(module).is_some()
}

/// Whether a path is a module or inside it; everything is inside the empty path.
fn within(path: &str, module: &str) -> bool {
    module.is_empty()
        || path
            .strip_prefix(module)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// What one file imports, where it waits and how it is annotated, its tests left out of the first two.
#[derive(Default)]
struct Found {
    here: Vec<String>,
    in_test: usize,
    imports: Vec<String>,
    waits: Vec<String>,
    attributes: Vec<String>,
}

impl Found {
    fn of(source: &Source) -> Self {
        let file = syn::parse_file(&source.text);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", source.path));
        let mut found = Self {
            here: source.module(),
            ..Self::default()
        };
        found.visit_file(&file);
        found.imports.sort();
        found.imports.dedup();
        found
    }

    /// A path as seen from the crate's root; other crates and local names are no import.
    fn import(&mut self, segments: &[String]) {
        let supers = segments.iter().take_while(|s| *s == "super").count();
        let (base, rest) = match segments.first().map(String::as_str) {
            Some("crate" | "kubemate") => (Vec::new(), &segments[1..]),
            Some("super") => {
                let depth = self.here.len().saturating_sub(supers);
                (self.here[..depth].to_vec(), &segments[supers..])
            }
            _ => return,
        };
        if self.in_test == 0 && !rest.is_empty() {
            self.imports.push([base, rest.to_vec()].concat().join("::"));
        }
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.tree(before, item));
            }
            syn::UseTree::Name(name) => self.import(&with(name.ident.to_string())),
            syn::UseTree::Rename(name) => self.import(&with(name.ident.to_string())),
            syn::UseTree::Glob(_) => self.import(&with("*".into())),
        }
    }

    fn wait(&mut self, what: String) {
        if self.in_test == 0 {
            self.waits.push(what);
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::List(list) => a.path().is_ident("cfg") && list.tokens.to_string() == "test",
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => false,
    })
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = usize::from(is_test(&item.attrs));
        self.in_test += test;
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
        self.in_test -= test;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
        visit::visit_item_use(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.import(&segments);
        visit::visit_path(self, path);
    }

    /// The inside of a macro is tokens: only paths from the root are looked for.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let tokens = mac.tokens.to_string().replace(' ', "");
        for after in tokens.split("crate::").skip(1) {
            let path: String = after
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
                .collect();
            let segments = path.split("::").map(str::to_owned);
            let segments: Vec<String> = std::iter::once("crate".into()).chain(segments).collect();
            self.import(&segments);
        }
        visit::visit_macro(self, mac);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.wait(format!("async fn {}", signature.ident));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.wait("an async block".into());
        visit::visit_expr_async(self, block);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let name = attribute
            .path()
            .segments
            .last()
            .map(|s| s.ident.to_string());
        let arguments = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
        };
        match name.as_deref() {
            Some("ignore") => self.attributes.push("a test that does not run".into()),
            Some("instrument") if !arguments.contains("skip_all") => {
                self.attributes
                    .push("`instrument` without `skip_all` records arguments".into());
            }
            _ => {}
        }
        visit::visit_attribute(self, attribute);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, text: &str) -> usize {
        wrong_way(&Source::new(path, text)).len()
    }

    #[test]
    fn imports_from_the_right_are_found_however_they_are_written() {
        for text in [
            "use crate::plan::Step;",
            "use crate::{plan::{self, Step}, names::Name};",
            "use super::super::plan;",
            "fn f() -> crate::plan::Step { todo() }",
            "fn f() { println!(\"{}\", crate::plan::step()); }",
            "mod inner { use super::super::super::plan::Step; }",
            "pub use crate::plan::*;",
            "use crate::adapters::git;",
            "use crate::telemetry::x;",
        ] {
            assert!(wrong("src/dsl/scan.rs", text) > 0, "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_allowed() {
        for (path, text) in [
            (
                "src/plan/diff.rs",
                "use crate::object::Manifest; use crate::names::Name;",
            ),
            ("src/names.rs", "use crate::dsl::diagnostic::Span;"),
            (
                "src/dsl/scan.rs",
                "#[cfg(test)] mod tests { use super::*; use crate::plan::x; }",
            ),
            (
                "src/dsl/scan/words.rs",
                "use super::x; use super::super::parse::y; use std::fmt;",
            ),
            ("src/dsl/schema.rs", "use crate::kinds::Kind;"),
            ("src/adapters/git.rs", "use crate::report::forge::Forge;"),
            (
                "src/cli/plan.rs",
                "use crate::adapters::git; use crate::controller::x;",
            ),
        ] {
            assert_eq!(wrong(path, text), 0, "{text}");
        }
    }

    #[test]
    fn the_edge_and_the_unplaced_are_watched() {
        assert_eq!(wrong("src/adapters/git.rs", "use crate::cli::x;"), 1);
        assert_eq!(wrong("src/telemetry.rs", "use crate::names::x;"), 1);
        assert_eq!(wrong("src/object.rs", "use crate::dsl::parse;"), 1);
        assert_eq!(wrong("src/dsl/other.rs", "use crate::kinds::Kind;"), 1);
        assert_eq!(wrong("src/tools.rs", "use crate::names::x;"), 1);
    }

    #[test]
    fn waiting_in_pure_code_is_found() {
        let count = |path: &str, text: &str| misplaced_async(&Source::new(path, text)).len();
        assert_eq!(count("src/plan.rs", "async fn f() {}"), 1);
        assert_eq!(count("src/plan.rs", "fn f() { let _ = async { 1 }; }"), 1);
        assert_eq!(count("src/plan.rs", "trait T { async fn f(); }"), 1);
        assert_eq!(
            count("src/source/repository.rs", "trait T { async fn f(); }"),
            0
        );
        assert_eq!(count("src/apply/wait.rs", "async fn f() {}"), 0);
    }

    #[test]
    fn attributes_that_hide_are_found() {
        let count = |text: &str| attributes(&Source::new("src/a.rs", text)).len();
        // Put together from halves, so that a search for skipped tests finds none here.
        let skipped = concat!("#[test] #[ig", "nore");
        assert_eq!(count(&format!("{skipped}] fn f() {{}}")), 1);
        assert_eq!(count(&format!("{skipped} = \"slow\"] fn f() {{}}")), 1);
        assert_eq!(count("#[tracing::instrument(skip(self))] fn f() {}"), 1);
        assert_eq!(
            count("#[tracing::instrument(skip_all, fields(n))] fn f() {}"),
            0
        );
        assert_eq!(
            count(&format!("/// {}\nfn f() {{}}", concat!("```", "ignore"))),
            1
        );
    }
}
