//! References: the name of another resource, one type per kind that can be referred to.
//!
//! A reference is `NAME`, looked up in the own tenant first, or `TENANT/NAME`. Whether the resource
//! exists and is exported is not decided here.
//!
//! ```
//! use kubemate::names::reference::SecretRef;
//! let own: SecretRef = "db".parse().unwrap();
//! assert_eq!((own.tenant(), own.name()), (None, "db"));
//! let other: SecretRef = "identity/oidc".parse().unwrap();
//! assert_eq!((other.tenant(), other.name()), (Some("identity"), "oidc"));
//! ```

use std::fmt;

use super::grammar::{Grammar, ValueError};
use super::rules;
use super::{Name, ObjectName, TenantName};

/// Defines a reference to a kind whose resources belong to a tenant or to the platform.
macro_rules! reference {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $format:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type {
            tenant: Option<TenantName>,
            name: Name,
        }

        impl $type {
            /// The tenant, if the reference names one.
            pub fn tenant(&self) -> Option<&str> {
                self.tenant.as_ref().map(TenantName::as_str)
            }

            /// The name inside the tenant.
            pub fn name(&self) -> &str {
                self.name.as_str()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.tenant {
                    Some(tenant) => write!(f, "{tenant}/{}", self.name),
                    None => fmt::Display::fmt(&self.name, f),
                }
            }
        }

        impl Grammar for $type {
            const FORMAT: &'static str = $format;
            const WHAT: &'static str = $what;
            const ALLOWED: &'static str = "write its name, or TENANT/NAME for one of another tenant";
            const EXAMPLE: &'static str = "payments/checkout";
            const REFERENCE: Option<&'static str> = Some($kind);

            fn read(text: &str) -> Result<Self, ValueError> {
                let refuse = |reason: String| ValueError::refuse::<Self>(reason);
                let (tenant, name) = match text.split_once('/') {
                    None => (None, text),
                    Some((tenant, name)) => {
                        rules::name(tenant, TenantName::MAX)
                            .map_err(|reason| refuse(format!("before the `/`, {reason}")))?;
                        (Some(TenantName::read(tenant)?), name)
                    }
                };
                rules::name(name, Name::MAX).map_err(refuse)?;
                Ok(Self { tenant, name: Name::read(name)? })
            }

            fn guess(text: &str) -> Vec<String> {
                rules::near(text)
            }
        }
    };
}

/// Defines a reference to a kind that belongs to the project or the cluster, never to a tenant.
macro_rules! global_reference {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $format:literal, $what:literal,
     $name:ident, $rule:path, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type($name);

        impl $type {
            /// Always `None`: what is referred to belongs to no tenant.
            pub const fn tenant(&self) -> Option<&str> {
                None
            }

            /// The name.
            pub fn name(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Grammar for $type {
            const FORMAT: &'static str = $format;
            const WHAT: &'static str = $what;
            const ALLOWED: &'static str = "write its name";
            const EXAMPLE: &'static str = $example;
            const REFERENCE: Option<&'static str> = Some($kind);

            fn read(text: &str) -> Result<Self, ValueError> {
                if text.contains('/') {
                    let reason = "it belongs to no tenant, so there is no `/` in it";
                    return Err(ValueError::refuse::<Self>(reason));
                }
                $rule(text, $name::MAX).map_err(|reason| ValueError::refuse::<Self>(reason))?;
                Ok(Self($name::read(text)?))
            }

            fn guess(text: &str) -> Vec<String> {
                let last = text.rsplit('/').next().map(str::to_owned);
                last.into_iter().chain(rules::near(text)).collect()
            }
        }
    };
}

reference!(
    /// Refers to an `app`.
    AppRef, "app", "app-ref", "a reference to an app"
);
reference!(
    /// Refers to a `route`.
    RouteRef, "route", "route-ref", "a reference to a route"
);
reference!(
    /// Refers to a `secret`.
    SecretRef, "secret", "secret-ref", "a reference to a secret"
);
reference!(
    /// Refers to a `secret-store`.
    SecretStoreRef, "secret-store", "secret-store-ref", "a reference to a secret store"
);
reference!(
    /// Refers to a `certificate`.
    CertificateRef, "certificate", "certificate-ref", "a reference to a certificate"
);
reference!(
    /// Refers to a `gateway` of a tenant.
    GatewayRef, "gateway", "gateway-ref", "a reference to a gateway"
);
reference!(
    /// Refers to a `profile`.
    ProfileRef, "profile", "profile-ref", "a reference to a profile"
);
reference!(
    /// Refers to an `approval`.
    ApprovalRef, "approval", "approval-ref", "a reference to an approval"
);
reference!(
    /// Refers to a `registry`.
    RegistryRef, "registry", "registry-ref", "a reference to a registry"
);
reference!(
    /// Refers to a `role`.
    RoleRef, "role", "role-ref", "a reference to a role"
);
reference!(
    /// Refers to a `receiver`.
    ReceiverRef, "receiver", "receiver-ref", "a reference to a receiver"
);
reference!(
    /// Refers to a `namespace` of a tenant.
    NamespaceRef, "namespace", "namespace-ref", "a reference to a namespace of the tenant"
);
global_reference!(
    /// Refers to a `tenant`.
    TenantRef, "tenant", "tenant-ref", "a reference to a tenant", TenantName, rules::name, "payments"
);
global_reference!(
    /// Refers to an `environment`.
    EnvironmentRef, "environment", "environment-ref", "a reference to an environment",
    Name, rules::name, "prod"
);
global_reference!(
    /// Refers to a `cluster`.
    ClusterRef, "cluster", "cluster-ref", "a reference to a cluster", Name, rules::name, "sh-a"
);
global_reference!(
    /// Refers to a `storage-class`.
    StorageClassRef, "storage-class", "storage-class-ref", "a reference to a storage class",
    ObjectName, rules::subdomain, "fast"
);
global_reference!(
    /// Refers to a `component`.
    ComponentRef, "component", "component-ref", "a reference to a component",
    Name, rules::name, "external-secrets"
);
