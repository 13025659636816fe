//! Which forge stands behind which Git host, and how commits are reported there.
//!
//! A host without a rule is not reported to. The credential is the forge's own, beside the one for Git:
//! it is read anew each time and goes to the forge's API and nowhere else. As long as it is the same, the
//! connection is too, with the answers that it keeps: who asks again is told that nothing changed.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::credentials::Credentials;
use super::verdict::Verdict;
use crate::adapters::disk;
use crate::adapters::forge::{AnyForge, AppKey, Auth, Token, people};
use crate::plan::consent::People;
use crate::report::forge::ci::{ForgeKind, Home};
use crate::report::forge::{Forge, ForgeError, Pull, PullNumber, Put};
use crate::source::address::RemoteAddress;
use crate::source::repository::CommitId;

/// Most connections, each for one repository.
const MAX_CLIENTS: usize = 16;
/// Everything that says who we are to a host.
const CREDENTIALS: [&str; 4] = [
    "forge-token",
    "forge-app-key",
    "forge-app-id",
    "forge-app-installation",
];

/// The forge of one Git host, as in `gitea@git.bank.example`, or with the root of its API where that is
/// not the usual one: `gitea@git.bank.example=https://forge.bank.example/api/v1`.
///
/// ```
/// use kubemate::controller::forges::Rule;
/// assert!("gitlab@git.bank.example".parse::<Rule>().is_ok());
/// assert!("git.bank.example".parse::<Rule>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    kind: ForgeKind,
    host: String,
    api: String,
}

impl Rule {
    /// The host of the repositories.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A repository at this forge, if its path can be one.
    pub fn home(&self, repository: &str) -> Option<Home> {
        Home::new(self.kind, &self.api, repository)
    }
}

/// A rule that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write KIND@HOST or KIND@HOST=API; KIND is github, gitlab, gitea or forgejo")]
pub struct NoRule;

impl FromStr for Rule {
    type Err = NoRule;

    fn from_str(text: &str) -> Result<Self, NoRule> {
        let (kind, place) = text.split_once('@').ok_or(NoRule)?;
        let kind = ForgeKind::parse(kind).ok_or(NoRule)?;
        let (host, api) = match place.split_once('=') {
            Some((host, api)) => (host, Some(api)),
            None => (place, None),
        };
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'[' | b']' | b':');
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(NoRule);
        }
        let host = host.to_ascii_lowercase();
        let usual = match kind {
            ForgeKind::GitHub if host == "github.com" => "https://api.github.com".to_owned(),
            ForgeKind::GitHub => format!("https://{host}/api/v3"),
            ForgeKind::GitLab => format!("https://{host}/api/v4"),
            ForgeKind::Gitea => format!("https://{host}/api/v1"),
        };
        let api = api.map_or(usual, |api| api.trim_end_matches('/').to_owned());
        Ok(Self { kind, host, api })
    }
}

/// The forges that are reported to.
#[derive(Default)]
pub struct Forges {
    rules: BTreeMap<String, Rule>,
    credentials: Credentials,
    /// The one that was used last comes last.
    clients: Mutex<Vec<Client>>,
}

/// A connection for one repository.
struct Client {
    host: String,
    path: String,
    /// A digest of the credential that it was made with.
    credential: blake3::Hash,
    forge: AnyForge,
}

impl Client {
    fn is_for(&self, host: &str, path: &str) -> bool {
        self.host == host && self.path == path
    }
}

impl Forges {
    /// Forges by these rules; of two for one host the last one counts.
    pub fn new(rules: impl IntoIterator<Item = Rule>, credentials: Credentials) -> Self {
        let by_host = |rule: Rule| (rule.host.clone(), rule);
        Self {
            rules: rules.into_iter().map(by_host).collect(),
            credentials,
            clients: Mutex::default(),
        }
    }

    /// Whether there is any.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Shows a verdict on its commit; `None` if no forge is known for its host. May be repeated: what
    /// stands there already is not written.
    pub(super) async fn tell(&self, verdict: &Verdict) -> Result<Option<Put>, ForgeError> {
        match self.client(&verdict.repository)? {
            None => Ok(None),
            Some((forge, _)) => show(&forge, verdict).await.map(Some),
        }
    }

    /// What the forge of a repository knows of how a commit came on top of another in a branch; `None` if
    /// no forge is known for its host.
    pub(super) async fn origin(
        &self,
        (repository, branch): (&str, &str),
        (commit, before): (&CommitId, &CommitId),
        groups: &BTreeSet<String>,
    ) -> Result<Option<Origin>, ForgeError> {
        let Some(desk) = self.desk(repository)? else {
            return Ok(None);
        };
        let origin = origin(&desk, branch, (commit, before), groups).await;
        origin.map(Some)
    }

    /// Where pull requests of a repository are spoken of; `None` if no forge is known for its host.
    pub(super) fn desk(&self, repository: &str) -> Result<Option<Desk>, ForgeError> {
        let client = self.client(repository)?;
        Ok(client.map(|(forge, kind)| Desk { forge, kind }))
    }

    /// A client for the forge of a repository, if there is a rule for its host.
    fn client(&self, repository: &str) -> Result<Option<(AnyForge, ForgeKind)>, ForgeError> {
        let Ok(address) = RemoteAddress::parse(repository) else {
            return Ok(None);
        };
        let Some(rule) = self.rules.get(address.host()) else {
            return Ok(None);
        };
        let path = address.path();
        let path = path.strip_suffix(".git").unwrap_or(path);
        let credential = self.credential(&rule.host);
        if let Some(forge) = self.known(&rule.host, path, credential) {
            return Ok(Some((forge, rule.kind)));
        }
        let auth = self.auth(rule, path)?;
        let home = Home {
            kind: rule.kind,
            api: rule.api.clone(),
            repository: path.to_owned(),
        };
        let forge = AnyForge::new(&home, auth, None)?;
        self.keep(Client {
            host: rule.host.clone(),
            path: path.to_owned(),
            credential,
            forge: forge.clone(),
        });
        Ok(Some((forge, rule.kind)))
    }

    fn clients(&self) -> MutexGuard<'_, Vec<Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A digest of who we are to a host now.
    fn credential(&self, host: &str) -> blake3::Hash {
        let mut digest = blake3::Hasher::new();
        for name in CREDENTIALS {
            let text = self.credentials.text(&format!("{host}.{name}"));
            let text = text.unwrap_or_default();
            digest.update(&(text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
        digest.finalize()
    }

    /// The connection for a repository that was made with this credential.
    fn known(&self, host: &str, path: &str, credential: blake3::Hash) -> Option<AnyForge> {
        let mut clients = self.clients();
        let is = |known: &Client| known.is_for(host, path) && known.credential == credential;
        let place = clients.iter().position(is)?;
        let client = clients.remove(place);
        let forge = client.forge.clone();
        clients.push(client);
        Some(forge)
    }

    fn keep(&self, client: Client) {
        let mut clients = self.clients();
        clients.retain(|known| !known.is_for(&client.host, &client.path));
        if clients.len() >= MAX_CLIENTS {
            drop(clients.remove(0));
        }
        clients.push(client);
    }

    fn auth(&self, rule: &Rule, path: &str) -> Result<Auth, ForgeError> {
        let setup = |reason: String| ForgeError::Setup { reason };
        let host = &rule.host;
        if rule.kind == ForgeKind::GitHub
            && let Some(key) = self.credentials.file(&format!("{host}.forge-app-key"))
        {
            let number = |name: &str| {
                let text = self.credentials.text(&format!("{host}.{name}"));
                let number = text.and_then(|text| text.parse().ok());
                number.ok_or_else(|| setup(format!("{host}.{name} holds no number")))
            };
            let pem = disk::read_text(&key).map_err(|error| setup(error.to_string()))?;
            let name = path.rsplit('/').next().unwrap_or_default();
            let key = AppKey::new(
                number("forge-app-id")?,
                number("forge-app-installation")?,
                name,
                pem.as_bytes(),
            )?;
            return Ok(Auth::App(Arc::new(key)));
        }
        let name = format!("{host}.forge-token");
        let text = self.credentials.text(&name);
        let text =
            text.ok_or_else(|| setup(format!("there is no {name} among the credentials")))?;
        let token = Token::new(&text);
        let token =
            token.ok_or_else(|| setup(format!("{name} holds characters that no token has")))?;
        Ok(match rule.kind {
            ForgeKind::GitHub => Auth::Bearer(token),
            ForgeKind::GitLab => Auth::PrivateToken(token),
            ForgeKind::Gitea => Auth::TokenWord(token),
        })
    }
}

/// The pull requests of one repository.
pub(super) struct Desk {
    /// Its forge.
    pub(super) forge: AnyForge,
    kind: ForgeKind,
}

impl Desk {
    /// Under which name Git has the commits of a pull request.
    pub(super) fn reference(&self, number: PullNumber) -> String {
        let space = match self.kind {
            ForgeKind::GitHub | ForgeKind::Gitea => "pull",
            ForgeKind::GitLab => "merge-requests",
        };
        format!("refs/{space}/{number}/head")
    }
}

/// How a commit came into the tracked ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Without a pull request into the branch.
    Direct,
    /// With a pull request.
    Merged(Box<Merged>),
}

/// A pull request that was merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// The pull request.
    pub(super) pull: Pull,
    /// Under which name Git has its commits.
    pub(super) reference: String,
    /// The commit from which it went its own way.
    pub(super) base: Option<CommitId>,
    /// The people behind it.
    pub(super) people: People,
}

async fn origin(
    desk: &Desk,
    branch: &str,
    (commit, before): (&CommitId, &CommitId),
    groups: &BTreeSet<String>,
) -> Result<Origin, ForgeError> {
    let forge = &desk.forge;
    let Some(pull) = forge.merged_with(commit, branch).await? else {
        return Ok(Origin::Direct);
    };
    Ok(Origin::Merged(Box::new(Merged {
        reference: desk.reference(pull.number),
        base: forge.fork_point(&pull, before).await?,
        people: people(forge, &pull, groups).await?,
        pull,
    })))
}

/// The status, and the deployment where the forge has such.
async fn show<F: Forge>(forge: &F, verdict: &Verdict) -> Result<Put, ForgeError> {
    let put = forge.put_status(&verdict.status).await?;
    if forge.caps().deployments
        && let Some(deployment) = verdict.deployment()
    {
        forge.put_deployment(&deployment).await?;
    }
    Ok(put)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_know_where_apis_usually_are() {
        for (text, api) in [
            ("github@github.com", "https://api.github.com"),
            ("github@git.bank.example", "https://git.bank.example/api/v3"),
            ("gitlab@Git.bank.example", "https://git.bank.example/api/v4"),
            (
                "forgejo@git.bank.example",
                "https://git.bank.example/api/v1",
            ),
            (
                "gitea@git.bank.example=https://x.example/api/v1/",
                "https://x.example/api/v1",
            ),
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().api, api, "{text}");
        }
        for bad in [
            "",
            "gitea",
            "gitea@",
            "svn@git.bank.example",
            "gitea@../x",
            "@git.bank.example",
        ] {
            assert_eq!(bad.parse::<Rule>(), Err(NoRule), "{bad}");
        }
    }

    #[test]
    fn a_credential_that_is_missing_is_named_and_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let forges = Forges::new(
            ["gitea@git.bank.example".parse().unwrap()],
            Credentials::new(Some(directory.path().to_owned())),
        );
        let rule = &forges.rules["git.bank.example"];
        let said = |forges: &Forges| match forges.auth(rule, "team/p") {
            Err(error) => error.to_string(),
            Ok(_) => String::new(),
        };
        assert!(said(&forges).contains("git.bank.example.forge-token"));
        let file = directory.path().join("git.bank.example.forge-token");
        disk::write(&file, "sec ret").unwrap();
        assert!(!said(&forges).contains("sec ret"), "{}", said(&forges));
        disk::write(&file, "secret\n").unwrap();
        assert_eq!(said(&forges), "");
    }

    #[test]
    fn r_96_a_connection_lasts_as_long_as_its_credential() {
        let directory = tempfile::tempdir().unwrap();
        let forges = Forges::new(
            ["gitea@git.bank.example".parse().unwrap()],
            Credentials::new(Some(directory.path().to_owned())),
        );
        let file = directory.path().join("git.bank.example.forge-token");
        let client = |path: &str| {
            let repository = format!("https://git.bank.example/{path}.git");
            match forges.client(&repository).unwrap().unwrap().0 {
                AnyForge::Gitea(forge) => forge,
                AnyForge::GitHub(_) | AnyForge::GitLab(_) => panic!("it is no Gitea"),
            }
        };
        disk::write(&file, "one").unwrap();
        let first = client("team/p");
        assert!(Arc::ptr_eq(&first, &client("team/p")));
        assert!(!Arc::ptr_eq(&client("team/q"), &client("team/p")));
        disk::write(&file, "two").unwrap();
        let second = client("team/p");
        assert!(!Arc::ptr_eq(&first, &second), "its credential is another");
        for number in 0..MAX_CLIENTS {
            drop(client(&format!("team/{number}")));
        }
        assert_eq!(forges.clients().len(), MAX_CLIENTS);
        assert!(!Arc::ptr_eq(&second, &client("team/p")), "nobody asked");
    }
}
