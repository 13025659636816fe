//! Where Syncs come from: remotes that are allowed, with the credential of each host.
//!
//! Credentials lie in one directory, as a mounted Secret does: `HOST.token` and `HOST.user` for https,
//! `HOST.ssh-key` and `known_hosts` for ssh. They are read anew for every pass, so that a changed Secret
//! is used at once, and they never leave this module but towards their own host.

use std::path::PathBuf;

use super::credentials::Credentials;
use crate::adapters::git::remote::{RemoteOptions, RemoteRepository};
use crate::adapters::git::{Credential, FetchLimits, SshOptions, http};
use crate::adapters::reach::Reach;
use crate::adapters::sync::SyncSpec;
use crate::source::address::{AllowList, RemoteAddress, Scheme};
use crate::source::repository::RepositoryError;

/// Makes remotes.
pub struct Sources {
    allowed: AllowList,
    mirrors: PathBuf,
    credentials: Credentials,
    client: reqwest::Client,
}

impl Sources {
    /// Remotes that `allowed` covers, mirrored below a directory.
    pub fn new(
        allowed: AllowList,
        mirrors: PathBuf,
        credentials: Credentials,
    ) -> Result<Self, RepositoryError> {
        let client = http::client(Vec::new(), Reach::of(&allowed))?;
        Ok(Self {
            allowed,
            mirrors,
            credentials,
            client,
        })
    }

    /// The repository of a Sync. Each ref has a mirror of its own, so that Syncs do not wait for each
    /// other.
    pub fn of(&self, spec: &SyncSpec) -> Result<RemoteRepository, RepositoryError> {
        let address = RemoteAddress::parse(&spec.repository)?;
        let reference = blake3::hash(spec.reference.as_bytes()).to_hex();
        let options = RemoteOptions {
            name: spec.reference.clone(),
            mirrors: self.mirrors.join(&reference[..16]),
            credential: self.credential(&address),
            limits: FetchLimits::default(),
            ssh: self.ssh(&address),
            address,
        };
        RemoteRepository::new(options, &self.allowed, self.client.clone())
    }

    /// The commits of a pull request of a Sync's repository, under the name that its forge gives them.
    pub fn of_pull(
        &self,
        spec: &SyncSpec,
        name: &str,
    ) -> Result<RemoteRepository, RepositoryError> {
        let reference = name.to_owned();
        self.of(&SyncSpec {
            reference,
            ..spec.clone()
        })
    }

    fn credential(&self, address: &RemoteAddress) -> Option<Credential> {
        let token = self
            .credentials
            .text(&format!("{}.token", address.host()))?;
        match address.scheme() {
            Scheme::Ssh => None,
            Scheme::Https | Scheme::LoopbackHttp => Some(Credential::Basic {
                user: self
                    .credentials
                    .text(&format!("{}.user", address.host()))
                    .unwrap_or_else(|| "kubemate".to_owned()),
                password: token.into(),
            }),
        }
    }

    fn ssh(&self, address: &RemoteAddress) -> SshOptions {
        SshOptions {
            key: self
                .credentials
                .file(&format!("{}.ssh-key", address.host())),
            known_hosts: self.credentials.file("known_hosts"),
            ..SshOptions::default()
        }
    }
}
