//! The catalogue of error codes: what each means, with one example that fails and one that does not.
//!
//! `explain`, the reference and the tests read the same table. A code is never reused. To add one,
//! write its entry into the file of its range below `codes/`: that defines the constant as well.
//!
//! | range | about |
//! |---|---|
//! | 1–29 | limits and syntax of one file |
//! | 100–199 | the form of a node |
//! | 200–299 | one field against the schema |
//! | 300–399 | composing: let, profile, use, in |
//! | 400–499 | names, references, ownership, tree |
//! | 500–599 | rules across the fields of a kind |
//! | 600–699 | rendering |
//! | 700–799 | dangers and refusals of a plan |
//! | 800–899 | cluster and API server |
//! | 900–999 | workers, Git, forges |

use super::diagnostic::Code;

/// What is known about one code.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// Name of its constant.
    pub name: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What it means, why it is refused and what to do.
    pub about: &'static str,
    /// How it looks.
    pub example: Example,
}

/// Paths and texts that lie over [`PROJECT`]; a path that is there already is replaced.
pub type Files = &'static [(&'static str, &'static str)];

/// How a code looks.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// Files that are refused with exactly this code, and files that are not.
    Shown {
        /// Refused.
        bad: Files,
        /// Accepted.
        good: Files,
    },
    /// A few lines of KDL cannot show it, for this reason.
    Unshown(&'static str),
}

/// The project that every example belongs to.
pub const PROJECT: Files = &[
    (
        "kubemate.kdl",
        r#"project shop schema=1 {
  cluster lab uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  cluster hall uid="0f8fad5b-d9cb-469f-a165-70867728950e"
  environment dev { cluster lab; let domain="dev.shop.example" }
  environment prod { cluster hall; let domain="shop.example" }
  let registry="registry.example/shop"
  ownership {
    path "tenants/web/**" tenant=web
    path "tenants/stock/**" tenant=stock
  }
}
"#,
    ),
    ("platform/tenants.kdl", "tenant web\ntenant stock\n"),
];

/// A file of tenant `web`.
const WEB: &str = "tenants/web/web.kdl";
/// A file of the platform.
const PLATFORM: &str = "platform/more.kdl";
/// The project file.
const ROOT: &str = "kubemate.kdl";

/// Defines the constants of one range and the table of their entries.
macro_rules! catalogue {
    ($($name:ident = $number:literal, $title:literal, $about:literal, $example:expr;)*) => {
        use super::super::diagnostic::Code;
        use super::Entry;
        $(#[doc = concat!($title, ".")] pub const $name: Code = Code($number);)*

        /// What is known about these codes.
        pub(super) const ENTRIES: &[Entry] = &[$(Entry {
            code: $name,
            name: stringify!($name),
            title: $title,
            about: $about,
            example: $example,
        }),*];
    };
}

mod apps;
mod composing;
mod forms;
mod names;
mod outside;
mod pods;
mod routes;
mod tenants;
mod text;
mod words;

pub use apps::*;
pub use composing::*;
pub use forms::*;
pub use names::*;
pub use outside::*;
pub use pods::*;
pub use routes::*;
pub use tenants::*;
pub use text::*;
pub use words::*;

const TABLE: &[&[Entry]] = &[
    text::ENTRIES,
    words::ENTRIES,
    forms::ENTRIES,
    composing::ENTRIES,
    names::ENTRIES,
    pods::ENTRIES,
    apps::ENTRIES,
    tenants::ENTRIES,
    routes::ENTRIES,
    outside::ENTRIES,
];

/// Every code, in the order of the ranges.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    TABLE.iter().copied().flatten()
}

/// What is known about a code written as `KM0201`, `km201` or `201`.
pub fn find(written: &str) -> Option<&'static Entry> {
    let digits = written
        .strip_prefix("KM")
        .or_else(|| written.strip_prefix("km"))
        .unwrap_or(written);
    entry(Code(digits.parse().ok()?))
}

/// What is known about a code; every code that is raised has an entry.
pub fn entry(code: Code) -> Option<&'static Entry> {
    entries().find(|entry| entry.code == code)
}

const fn shown(bad: Files, good: Files) -> Example {
    Example::Shown { bad, good }
}
