//! What a pod is made of: containers, ports, environment, configuration, volumes, probes, resources,
//! placement and security. Every kind that runs pods uses these words, their checks and their
//! rendering, so that they mean the same everywhere. Nothing here knows which kind asks.

pub(crate) mod check;
pub mod config;
pub mod container;
pub mod env;
pub(crate) mod import;
pub mod network;
pub mod placement;
pub mod probe;
pub mod render;
pub mod resources;
pub mod security;
pub mod text;
pub mod volume;

pub use self::config::Config;
pub use self::container::{Container, Release};
pub use self::env::{EnvFrom, EnvValue};
pub use self::network::{Expose, Port};
pub use self::placement::Placement;
pub use self::probe::{Probe, ProbeName};
pub use self::resources::Resources;
pub use self::security::Security;
pub use self::text::{Plain, Verbatim};
pub use self::volume::{Mount, Volume};
