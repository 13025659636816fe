//! The forge of a repository as commands find it: what the job says, what the arguments say, or where
//! the clone came from; and the credential for it.

use std::sync::Arc;

use super::{Failure, ci};
use crate::adapters::disk;
use crate::adapters::forge::{AnyForge, AppKey, Auth, Token};
use crate::adapters::git::LocalRepository;
use crate::controller::forges::Rule;
use crate::report::forge::ForgeError;
use crate::report::forge::ci::{ForgeKind, Home, System};
use crate::source::address::RemoteAddress;

/// Forges that need no rule.
const KNOWN: [&str; 3] = [
    "github@github.com",
    "gitlab@gitlab.com",
    "forgejo@codeberg.org",
];

/// Where pull requests are opened.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ForgeArguments {
    /// The kind of forge at a host, as in gitea@git.bank.example, where it is not a well-known one.
    #[arg(long, value_name = "KIND@HOST[=API]")]
    forge: Option<Rule>,
    /// The repository at the forge. Default: where this clone came from.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
}

impl ForgeArguments {
    /// The repository at its forge.
    pub(super) fn home(&self, local: &LocalRepository) -> Result<Home, Failure> {
        let job = ci::job();
        if self.forge.is_none()
            && self.repository.is_none()
            && let Some(home) = job.home
        {
            return Ok(home);
        }
        let unknown = |message: &str| Failure::Usage {
            message: message.to_owned(),
            help: "name it with --forge KIND@HOST and --repository OWNER/NAME, or see the result \
                   with --dry-run"
                .to_owned(),
        };
        let origin = local
            .origin()?
            .and_then(|url| RemoteAddress::parse(&url).ok());
        let known = || {
            let host = origin.as_ref()?.host();
            let rules = KNOWN.iter().filter_map(|rule| rule.parse::<Rule>().ok());
            rules.into_iter().find(|rule| rule.host() == host)
        };
        let rule = self.forge.clone().or_else(known);
        let rule = rule.ok_or_else(|| unknown("it is not known what kind of forge this is"))?;
        let path = origin
            .as_ref()
            .filter(|address| address.host() == rule.host());
        let path = path.map(|address| address.path().trim_end_matches(".git").to_owned());
        let repository = self.repository.clone().or(path);
        let repository =
            repository.ok_or_else(|| unknown("it is not known which repository this is"))?;
        rule.home(&repository)
            .ok_or_else(|| unknown("this is no repository at a forge"))
    }

    /// The forge, with the credential of the environment.
    pub(super) fn client(&self, local: &LocalRepository) -> Result<AnyForge, Failure> {
        let home = self.home(local)?;
        let client = client(&home, ci::job().system)?;
        client.ok_or_else(|| Failure::Usage {
            message: "there is no token for the forge".to_owned(),
            help: "set KUBEMATE_FORGE_TOKEN to one that may push branches and open pull requests, \
                   or see the result with --dry-run"
                .to_owned(),
        })
    }
}

/// The forge of a repository, if there is a credential for it.
pub(super) fn client(home: &Home, system: System) -> Result<Option<AnyForge>, ForgeError> {
    match credential(home, system)? {
        Some((auth, bot)) => AnyForge::new(home, auth, bot).map(Some),
        None => Ok(None),
    }
}

/// The credential of a forge, and who writes with it where the forge does not tell.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials come from the environment of the job"
)]
fn credential(
    home: &Home,
    system: System,
) -> Result<Option<(Auth, Option<&'static str>)>, ForgeError> {
    let set = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    if home.kind == ForgeKind::GitHub
        && let Some(file) = set("KUBEMATE_APP_KEY_FILE")
    {
        let number = |name: &str| set(name).and_then(|text| text.trim().parse().ok());
        let setup = |reason: &str| ForgeError::Setup {
            reason: reason.to_owned(),
        };
        let ids = number("KUBEMATE_APP_ID").zip(number("KUBEMATE_APP_INSTALLATION"));
        let (app, installation) = ids.ok_or_else(|| {
            setup("a GitHub App needs KUBEMATE_APP_ID and KUBEMATE_APP_INSTALLATION")
        })?;
        let pem = disk::read_text(file.as_ref()).map_err(|error| setup(&error.to_string()))?;
        let name = home.repository.rsplit('/').next().unwrap_or_default();
        let key = AppKey::new(app, installation, name, pem.as_bytes())?;
        return Ok(Some((Auth::App(Arc::new(key)), None)));
    }
    let names = token_names(home, system, ci::job().home.as_ref());
    let Some(text) = names.iter().find_map(|name| set(name)) else {
        return Ok(None);
    };
    let token = Token::new(&text).ok_or_else(|| ForgeError::Setup {
        reason: "the token for the forge holds characters that no token has".to_owned(),
    })?;
    Ok(Some(match (home.kind, system) {
        (ForgeKind::GitHub, System::GitHub) => (Auth::Bearer(token), Some("github-actions[bot]")),
        (ForgeKind::GitHub, _) => (Auth::Bearer(token), None),
        (ForgeKind::GitLab, _) => (Auth::PrivateToken(token), None),
        (ForgeKind::Gitea, System::Gitea) => (Auth::TokenWord(token), Some("gitea-actions")),
        (ForgeKind::Gitea, _) => (Auth::TokenWord(token), None),
    }))
}

/// Variables that may hold the token of a forge. A name that belongs to one forge is read for no other
/// host: many shells have `GITHUB_TOKEN` set, and its token is for github.com, or for the forge of the job.
fn token_names(home: &Home, system: System, job: Option<&Home>) -> Vec<&'static str> {
    let of_job = job.is_some_and(|job| job.api == home.api);
    let hosted = |api: &str| home.api == api || home.api.starts_with(&format!("{api}/"));
    let own = match home.kind {
        ForgeKind::GitHub => (of_job || hosted("https://api.github.com")).then_some("GITHUB_TOKEN"),
        ForgeKind::GitLab => (of_job || hosted("https://gitlab.com")).then_some("GITLAB_TOKEN"),
        ForgeKind::Gitea => Some("GITEA_TOKEN"),
    };
    let actions = home.kind == ForgeKind::Gitea && system == System::Gitea && of_job;
    let mut names = vec!["KUBEMATE_FORGE_TOKEN"];
    names.extend(own);
    names.extend(actions.then_some("GITHUB_TOKEN"));
    names
}
