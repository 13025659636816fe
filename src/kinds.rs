//! Platform kinds. A kind is one folder here, its templates, and one line in the registry below.
//!
//! The folder holds the types (with doc comments: they are the schema, `explain` and the
//! reference), `check.rs` for rules across fields and resources, `render.rs` for what it becomes,
//! and its tests. Dispatch on a kind happens here and nowhere else.

pub mod findings;
pub mod import;
pub mod objects;
pub mod pod;
pub mod project;
pub mod scope;
pub mod sources;
pub mod test;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::findings::{Claim, Findings};
pub use self::objects::{ObjectRequest, Objects, Verbatim};
pub use self::scope::{Scope, World};
use crate::dsl::schema::{Home, KindSchema, SchemaError};

/// What the core asks of a kind.
pub trait Kind: JsonSchema + DeserializeOwned + Serialize {
    /// The node name, as in `app`.
    const NAME: &'static str;
    /// Who may write it.
    const HOME: Home;
    /// Names that its fields declare, for references: kind of the name, JSON pointer to the map.
    const NAMES: &'static [(&'static str, &'static str)] = &[];

    /// Rules that the schema cannot say: across fields, and about other resources of the target.
    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>);

    /// The objects it becomes. Called only when the whole owner is free of errors.
    fn render(&self, scope: &Scope<'_>, out: &mut Objects);

    /// Objects that this kind could have rendered, in place of objects in another form. Default: none.
    fn translate(_found: &import::Found) -> Vec<import::Translated> {
        Vec::new()
    }

    /// Resources of this kind that objects could have come from. Default: none.
    fn import(_found: &import::Found, _drafts: &mut import::Drafts) {}
}

type Compiled = LazyLock<Result<KindSchema, SchemaError>>;

macro_rules! registry {
    ($($variant:ident = $module:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// A typed resource of any kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Resource {
            $(#[doc = concat!("A `", stringify!($module), "`.")] $variant(Box<$module::$variant>),)*
        }

        impl Resource {
            /// Decodes a composed resource. An error is a fault of the kind's types: the schema
            /// accepted what serde does not.
            pub fn decode(kind: &str, value: serde_json::Value) -> Result<Self, serde_json::Error> {
                $(if kind == <$module::$variant as Kind>::NAME {
                    return Ok(Self::$variant(serde_json::from_value(value)?));
                })*
                Err(serde::de::Error::custom(format!("no kind `{kind}`")))
            }

            /// The kind's name.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$module::$variant as Kind>::NAME,)* }
            }

            /// Rules across fields and resources.
            pub fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
                match self { $(Self::$variant(kind) => kind.check(scope, out),)* }
            }

            /// The objects it becomes.
            pub fn render(&self, scope: &Scope<'_>, out: &mut Objects) {
                match self { $(Self::$variant(kind) => kind.render(scope, out),)* }
            }

            /// All fields, defaults included, as JSON.
            pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
                match self { $(Self::$variant(kind) => serde_json::to_value(kind),)* }
            }
        }

        $(impl scope::Typed for $module::$variant {
            fn of(resource: &Resource) -> Option<&Self> {
                if let Resource::$variant(kind) = resource { Some(kind) } else { None }
            }
        })*

        /// Names of all kinds, in the order of the registry.
        pub const NAMES: &[&str] = &[$(<$module::$variant as Kind>::NAME),*];

        /// What stands for objects in another form.
        pub fn translate(found: &import::Found) -> Vec<import::Translated> {
            let mut all = Vec::new();
            $(all.extend(<$module::$variant as Kind>::translate(found));)*
            all
        }

        /// What all kinds make of objects, in the order of the registry.
        pub fn import(found: &import::Found) -> import::Drafts {
            let mut drafts = import::Drafts::default();
            $(<$module::$variant as Kind>::import(found, &mut drafts);)*
            drafts
        }

        /// The schema of a kind, compiled on first use.
        pub fn schema(kind: &str) -> Option<&'static KindSchema> {
            $(if kind == <$module::$variant as Kind>::NAME {
                static COMPILED: Compiled = LazyLock::new(compile::<$module::$variant>);
                return COMPILED.as_ref().ok();
            })*
            None
        }

        /// Compiles every schema anew; for the test that none is broken.
        pub fn compile_all() -> Vec<Result<KindSchema, SchemaError>> {
            vec![$(compile::<$module::$variant>()),*]
        }
    };
}

fn compile<K: Kind>() -> Result<KindSchema, SchemaError> {
    KindSchema::compile::<K>(K::NAME, K::HOME, K::NAMES)
}

registry! {
    App = app,
    SecretStore = secret_store,
    Tenant = tenant,
    Role = role,
    Route = route,
    Manifests = manifests,
    StorageClass = storage_class,
    PersistentVolume = persistent_volume,
    Secret = secret,
    Certificate = certificate,
    Approval = approval,
    Freeze = freeze,
    ChangeWindow = change_window,
    ImagePolicy = image_policy,
    Registry = registry,
    Component = component,
}
