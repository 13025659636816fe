//! Values with a grammar, parsed once: quantities, durations, percents, host names, images and others.
//!
//! The table at the end of this file lists every type of names and values. It alone gives a type its
//! reading, writing and JSON Schema, so that a type outside the table cannot be used, and the schema
//! cannot name a format that nobody checks.
//!
//! ```
//! let error = "512MB".parse::<kubemate::values::resources::MemoryQuantity>().unwrap_err();
//! assert_eq!(error.fix.as_deref(), Some("512Mi"));
//! let format = kubemate::values::format("duration").unwrap();
//! assert!((format.check)("1h30m").is_ok());
//! ```

pub mod cron;
pub mod duration;
pub mod header;
pub mod host;
pub mod http;
pub mod image;
pub mod network;
pub mod objects;
pub mod path;
pub mod percent;
pub mod quantity;
pub mod resources;
pub mod time;
pub mod url;
pub mod version;
pub mod window;

#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub use crate::names::grammar::{Format, Grammar, Numbers, ValueError};

/// Gives the types of the table their reading and writing, and makes the table.
macro_rules! formats {
    ($($type:ty),+ $(,)?) => {
        $(
            impl std::str::FromStr for $type {
                type Err = ValueError;

                fn from_str(text: &str) -> Result<Self, ValueError> {
                    <Self as Grammar>::parse(text)
                }
            }

            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    wire::serialize(self, s)
                }
            }

            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    wire::deserialize(d)
                }
            }

            impl schemars::JsonSchema for $type {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> std::borrow::Cow<'static, str> {
                    <Self as Grammar>::FORMAT.into()
                }

                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    wire::schema(&Format::of::<Self>())
                }
            }
        )+

        /// Every format of names and values.
        pub const FORMATS: &[Format] = &[$(Format::of::<$type>()),+];

        /// Runs a generic check on every type of the table.
        #[cfg(test)]
        fn for_every_type(check: &mut impl tests::Check) {
            $(check.run::<$type>();)+
        }
    };
}

/// The format with a name, as the `format` of a JSON Schema has it.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

formats![
    crate::names::Name,
    crate::names::TenantName,
    crate::names::EnvironmentName,
    crate::names::ClusterName,
    crate::names::NamespaceName,
    crate::names::ProjectName,
    crate::names::ObjectName,
    crate::names::PortName,
    crate::names::LabelKey,
    crate::names::LabelValue,
    crate::names::EnvVarName,
    crate::names::ConfigKey,
    crate::names::GroupName,
    crate::names::UserName,
    crate::names::FieldName,
    crate::names::reference::AppRef,
    crate::names::reference::RouteRef,
    crate::names::reference::SecretRef,
    crate::names::reference::SecretStoreRef,
    crate::names::reference::CertificateRef,
    crate::names::reference::GatewayRef,
    crate::names::reference::ProfileRef,
    crate::names::reference::ApprovalRef,
    crate::names::reference::RegistryRef,
    crate::names::reference::RoleRef,
    crate::names::reference::ReceiverRef,
    crate::names::reference::NamespaceRef,
    crate::names::reference::TenantRef,
    crate::names::reference::EnvironmentRef,
    crate::names::reference::ClusterRef,
    crate::names::reference::StorageClassRef,
    crate::names::reference::ComponentRef,
    quantity::Quantity,
    resources::CpuQuantity,
    resources::MemoryQuantity,
    duration::Duration,
    percent::Percent,
    percent::Utilization,
    percent::Share,
    host::HostName,
    host::HostPort,
    image::ImageRepository,
    image::ImageReference,
    image::Version,
    image::Digest,
    version::ComponentVersion,
    version::VersionRange,
    version::KubernetesVersion,
    network::Cidr,
    network::IpAddress,
    network::Port,
    network::PortRef,
    cron::CronExpr,
    time::TimeZone,
    time::DateTime,
    time::Date,
    window::Weekdays,
    window::CalendarWindow,
    path::AbsolutePath,
    path::UrlPath,
    path::RelativePath,
    path::RelativeGlob,
    path::SecretSource,
    url::Url,
    url::GitUrl,
    url::Email,
    http::HttpMethod,
    http::StatusCode,
    http::StatusPattern,
    header::HeaderName,
    header::Pattern,
    objects::Uid,
    objects::ResourceName,
    objects::GroupResource,
    objects::KindName,
    objects::LabelMatch,
];
