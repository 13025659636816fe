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

/// An image without a version on some target.
pub const NO_VERSION: Code = Code(510);
/// No namespace where the tenant has several.
pub const WHICH_NAMESPACE: Code = Code(511);
/// An environment variable with no value, with two, or with half a reference.
pub const ENV_SOURCE: Code = Code(512);
/// A literal in a variable that looks like a secret.
pub const SECRET_LITERAL: Code = Code(513);
/// A key that the secret does not offer.
pub const NO_SUCH_KEY: Code = Code(514);
/// A secret of another tenant, which no pod can read.
pub const FOREIGN_SECRET: Code = Code(515);
/// A port, volume or configuration that the same resource does not declare.
pub const UNKNOWN_PART: Code = Code(516);
/// A probe that cannot be asked.
pub const PROBE: Code = Code(517);
/// A limit below its request.
pub const LIMIT_BELOW: Code = Code(518);
/// Two containers of a name, or two ports of a name or number, in one pod.
pub const SAME_IN_POD: Code = Code(519);
/// Two mounts at one path.
pub const SAME_MOUNT: Code = Code(520);
/// A volume that is two things, or lacks what it needs.
pub const VOLUME: Code = Code(521);
/// Something that opens the node, written by a tenant.
pub const OPENS_NODE: Code = Code(522);
/// A time that is no whole number of seconds where the cluster counts in them.
pub const NOT_SECONDS: Code = Code(523);
/// A file of configuration without content, with two, or that cannot be read.
pub const CONFIG_FILE: Code = Code(524);
/// Replicas and autoscaling together.
pub const REPLICAS_AND_AUTOSCALE: Code = Code(530);
/// Bounds of autoscaling in the wrong order.
pub const AUTOSCALE_BOUNDS: Code = Code(531);
/// A metric that cannot be computed.
pub const METRIC: Code = Code(532);
/// A field that does not fit the workload.
pub const UNFIT_FIELD: Code = Code(533);
/// A rollout that says what its strategy cannot do, or lacks what it needs.
pub const ROLLOUT: Code = Code(534);
/// A digest of another version.
pub const STALE_DIGEST: Code = Code(535);
/// Apps that wait for each other.
pub const NEEDS_CYCLE: Code = Code(536);
/// A volume of one node for pods on several.
pub const VOLUME_OF_ONE_NODE: Code = Code(537);
/// A budget, task or shutdown that contradicts itself.
pub const CONTRADICTION: Code = Code(538);
/// A name that becomes too long in the cluster.
pub const NAME_TOO_LONG: Code = Code(539);
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
    let number: u16 = digits.parse().ok()?;
    entries().find(|entry| entry.code == Code(number))
}

const fn shown(bad: Files, good: Files) -> Example {
    Example::Shown { bad, good }
}
