//! Validated names: one type per meaning, so that a tenant can never stand where a cluster is meant.
//!
//! A name is checked once, where it is read. What is accepted here is accepted by Kubernetes too.
//! References to other resources are in [`reference`]; the reading and writing of all of them comes
//! from [`crate::values`].
//!
//! ```
//! use kubemate::names::Name;
//! let name: Name = "checkout".parse().unwrap();
//! assert_eq!(name.as_str(), "checkout");
//! let error = "Check_Out".parse::<Name>().unwrap_err();
//! assert_eq!(error.fix.as_deref(), Some("check-out"));
//! ```
//!
//! Two kinds of names do not mix:
//!
//! ```compile_fail
//! use kubemate::names::{ClusterName, TenantName};
//! let tenant: TenantName = "payments".parse().unwrap();
//! let cluster: ClusterName = tenant;
//! ```

pub mod conceal;
pub mod grammar;
pub mod reference;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use rules::{near, port, qualified, subdomain};

/// Defines a name: a checked text with one meaning.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $format:literal, $what:literal, $allowed:literal,
     $example:literal, max = $max:literal, $rule:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(std::sync::Arc<str>);

        impl $type {
            /// The largest number of characters.
            pub const MAX: usize = $max;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $crate::names::grammar::Grammar for $type {
            const FORMAT: &'static str = $format;
            const WHAT: &'static str = $what;
            const ALLOWED: &'static str = $allowed;
            const EXAMPLE: &'static str = $example;

            fn read(text: &str) -> Result<Self, $crate::names::grammar::ValueError> {
                match $rule(text, Self::MAX) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(reason) => {
                        Err($crate::names::grammar::ValueError::refuse::<Self>(reason))
                    }
                }
            }

            fn guess(text: &str) -> Vec<String> {
                $crate::names::near(text)
            }
        }

        $crate::names::text!($type);
    };
}

/// What every newtype over a text offers.
macro_rules! text {
    ($type:ident) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
    };
}
pub(crate) use text;

name!(
    /// The name of a resource of the language, as in `checkout`.
    Name, "name", "a name",
    "use lower-case letters, digits and `-`, starting with a letter, at most 63 characters",
    "checkout", max = 63, rules::name
);
name!(
    /// The name of a tenant, as in `payments`. Namespaces are made from it, so it is short.
    TenantName, "tenant-name", "the name of a tenant",
    "use lower-case letters, digits and `-`, starting with a letter, at most 40 characters",
    "payments", max = 40, rules::name
);
name!(
    /// The name of an environment, as in `prod`. Namespaces may end with it, so it is short.
    EnvironmentName, "environment-name", "the name of an environment",
    "use lower-case letters, digits and `-`, starting with a letter, at most 20 characters",
    "prod", max = 20, rules::name
);
name!(
    /// The name of a cluster, as in `sh-a`.
    ClusterName, "cluster-name", "the name of a cluster",
    "use lower-case letters, digits and `-`, starting with a letter, at most 63 characters",
    "sh-a", max = 63, rules::name
);
name!(
    /// The name of a namespace, as in `payments-core`.
    NamespaceName, "namespace-name", "the name of a namespace",
    "use lower-case letters, digits and `-`, at most 63 characters",
    "payments-core", max = 63, rules::label
);
name!(
    /// The name of a project, as in `bank`.
    ProjectName, "project-name", "the name of a project",
    "use lower-case letters, digits and `-`, starting with a letter, at most 40 characters",
    "bank", max = 40, rules::name
);
name!(
    /// The name of a Kubernetes object, as in `checkout.config`.
    ObjectName, "object-name", "the name of an object",
    "use lower-case letters, digits, `-` and `.`, at most 253 characters",
    "checkout.config", max = 253, rules::subdomain
);
name!(
    /// The name of a port, as in `metrics`.
    PortName, "port-name", "the name of a port",
    "use lower-case letters, digits and single `-`, with at least one letter, at most 15 characters",
    "metrics", max = 15, rules::port
);
name!(
    /// The key of a label or annotation, as in `example.com/tier`.
    LabelKey, "label-key", "the key of a label",
    "use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`",
    "example.com/tier", max = 63, rules::qualified
);
name!(
    /// The value of a label, as in `web`; it may be empty.
    LabelValue, "label-value", "the value of a label",
    "use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters",
    "web", max = 63, rules::label_value
);
name!(
    /// The name of an environment variable, as in `LOG_LEVEL`.
    EnvVarName, "env-var-name", "the name of an environment variable",
    "use letters, digits, `_`, `-` and `.`, not starting with a digit",
    "LOG_LEVEL", max = 253, rules::env_var
);
name!(
    /// A key of a ConfigMap or Secret, as in `checkout.toml`.
    ConfigKey, "config-key", "a key of configuration",
    "use letters, digits, `-`, `_` and `.`, at most 253 characters",
    "checkout.toml", max = 253, rules::config_key
);
name!(
    /// A group of people as the forge or the identity provider calls it, as in `payments-leads`.
    GroupName, "group-name", "the name of a group",
    "use letters, digits and `- _ . : / @ +`, at most 253 characters",
    "payments-leads", max = 253, rules::account
);
name!(
    /// A person or service account as the forge or the identity provider calls it, as in `ana`.
    UserName, "user-name", "the name of a user",
    "use letters, digits and `- _ . : / @ +`, at most 253 characters",
    "ana@bank", max = 253, rules::account
);
name!(
    /// The name of a field of the language, as in `scale-down`.
    FieldName, "field-name", "the name of a field",
    "use lower-case letters, digits and `-`, starting with a letter, at most 63 characters",
    "scale-down", max = 63, rules::name
);
