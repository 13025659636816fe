//! Where a job runs: the CI system, the forge and the pull request, from the variables and the event
//! that the system hands over.
//!
//! Pure: variables are an argument. What they say is the system's word, except where the author of a
//! pull request chooses it (names of branches): such text is never used. Facts that do not parse are
//! left out rather than guessed.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::PullNumber;
use crate::source::repository::CommitId;

/// Every variable that is looked at; no credential is among them.
pub const VARIABLES: &[&str] = &[
    "BUILD_URL",
    "CHANGE_FORK",
    "CHANGE_ID",
    "CHANGE_TARGET",
    "CHANGE_URL",
    "CI_API_V4_URL",
    "CI_COMMIT_BEFORE_SHA",
    "CI_COMMIT_SHA",
    "CI_JOB_URL",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA",
    "CI_MERGE_REQUEST_IID",
    "CI_MERGE_REQUEST_PROJECT_ID",
    "CI_MERGE_REQUEST_PROJECT_PATH",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID",
    "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
    "CI_PROJECT_PATH",
    "FORGEJO_ACTIONS",
    "GITEA_ACTIONS",
    "GITHUB_ACTIONS",
    "GITHUB_API_URL",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_STEP_SUMMARY",
    "GITLAB_CI",
    "GIT_COMMIT",
    "GIT_PREVIOUS_SUCCESSFUL_COMMIT",
    "JENKINS_URL",
    "KUBEMATE_API",
    "KUBEMATE_BASE",
    "KUBEMATE_CI",
    "KUBEMATE_FORGE",
    "KUBEMATE_FORK",
    "KUBEMATE_HEAD",
    "KUBEMATE_INSTANCE",
    "KUBEMATE_LINK",
    "KUBEMATE_PULL",
    "KUBEMATE_REPOSITORY",
];

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions.
    GitHub,
    /// Gitea Actions and Forgejo Actions, which pass for GitHub's.
    Gitea,
    /// GitLab CI.
    GitLab,
    /// Jenkins.
    Jenkins,
    /// Tekton, which sets no variables: the task says where it runs.
    Tekton,
    /// None that is known.
    Other,
}

impl System {
    /// Whether standard output is read for workflow commands.
    pub fn reads_commands(self) -> bool {
        matches!(self, Self::GitHub | Self::Gitea)
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::GitHub => "GitHub Actions",
            Self::Gitea => "Gitea Actions",
            Self::GitLab => "GitLab CI",
            Self::Jenkins => "Jenkins",
            Self::Tekton => "Tekton",
            Self::Other => "no CI system that is known",
        })
    }
}

/// A kind of forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgeKind {
    /// github.com and GitHub Enterprise Server.
    GitHub,
    /// gitlab.com and self-managed GitLab.
    GitLab,
    /// Gitea and Forgejo.
    Gitea,
}

impl ForgeKind {
    /// The kind of a word, as in `KUBEMATE_FORGE`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "github" => Some(Self::GitHub),
            "gitlab" => Some(Self::GitLab),
            "gitea" | "forgejo" => Some(Self::Gitea),
            _ => None,
        }
    }
}

/// The repository at its forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// What kind of forge.
    pub kind: ForgeKind,
    /// The root of its API.
    pub api: String,
    /// The repository's path, as in `team/platform`.
    pub repository: String,
}

impl Home {
    /// The repository at its forge, if its path can be one there.
    pub fn new(kind: ForgeKind, api: &str, repository: &str) -> Option<Self> {
        home(kind, Some(api), Some(repository))
    }
}

/// Where a job runs and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The CI system.
    pub system: System,
    /// The repository at its forge, where known.
    pub home: Option<Home>,
    /// The pull request, if it runs for one.
    pub pull: Option<PullNumber>,
    /// Whether the pull request comes from another repository; unknown counts as yes where it matters.
    pub fork: Option<bool>,
    /// The commit that people see: its status is what counts.
    pub head: Option<CommitId>,
    /// What to compare with: a commit, or a full ref name.
    pub base: Option<String>,
    /// Where the job can be read.
    pub link: Option<String>,
}

/// What the variables say. `event` is the event's JSON where the system wrote one.
pub fn detect(variables: &Variables, event: Option<&Value>) -> Run {
    let seen = Seen {
        variables,
        event: event.unwrap_or(&Value::Null),
    };
    let on = |name: &str| seen.get(name).is_some_and(|value| value == "true");
    // Gitea and Forgejo set GitHub's variable as well, so they are asked first.
    let found = if on("GITEA_ACTIONS") || on("FORGEJO_ACTIONS") {
        seen.actions(System::Gitea)
    } else if on("GITHUB_ACTIONS") {
        seen.actions(System::GitHub)
    } else if on("GITLAB_CI") {
        seen.gitlab()
    } else if seen.get("JENKINS_URL").is_some() {
        seen.jenkins()
    } else if seen.get("KUBEMATE_CI") == Some("tekton") {
        empty(System::Tekton)
    } else {
        empty(System::Other)
    };
    seen.overridden(found)
}

fn empty(system: System) -> Run {
    Run {
        system,
        home: None,
        pull: None,
        fork: None,
        head: None,
        base: None,
        link: None,
    }
}

/// The input of a detection.
struct Seen<'a> {
    variables: &'a Variables,
    event: &'a Value,
}

impl<'a> Seen<'a> {
    /// A variable that is set to something.
    fn get(&self, name: &str) -> Option<&'a str> {
        let value = self.variables.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A variable that is a commit; forty zeros stand for none.
    fn commit(&self, name: &str) -> Option<CommitId> {
        commit(self.get(name)?)
    }

    fn text(&self, pointer: &str) -> Option<&'a str> {
        self.event.pointer(pointer)?.as_str()
    }

    fn event_commit(&self, pointer: &str) -> Option<CommitId> {
        commit(self.text(pointer)?)
    }

    fn actions(&self, system: System) -> Run {
        let number = self
            .event
            .pointer("/pull_request/number")
            .and_then(Value::as_u64);
        let from_ref = || {
            let rest = self.get("GITHUB_REF")?.strip_prefix("refs/pull/")?;
            PullNumber::parse(rest.split('/').next()?)
        };
        let pull = number
            .and_then(|n| PullNumber::parse(&n.to_string()))
            .or_else(from_ref);
        let fork = || {
            let side = |side: &str| self.text(&format!("/pull_request/{side}/repo/full_name"));
            Some(side("head")? != side("base")?)
        };
        let base = self
            .event_commit("/pull_request/base/sha")
            .or_else(|| self.event_commit("/merge_group/base_sha"))
            .or_else(|| self.event_commit("/before"));
        let head = self
            .event_commit("/pull_request/head/sha")
            .or_else(|| self.event_commit("/merge_group/head_sha"))
            .or_else(|| self.commit("GITHUB_SHA").filter(|_| pull.is_none()));
        let repository = self.get("GITHUB_REPOSITORY");
        let server = self.get("GITHUB_SERVER_URL");
        let link = || {
            Some(format!(
                "{}/{}/actions/runs/{}",
                server?,
                repository?,
                self.get("GITHUB_RUN_ID")?
            ))
        };
        let kind = match system {
            System::Gitea => ForgeKind::Gitea,
            System::GitHub | System::GitLab | System::Jenkins | System::Tekton | System::Other => {
                ForgeKind::GitHub
            }
        };
        Run {
            system,
            home: home(kind, self.get("GITHUB_API_URL"), repository),
            fork: if pull.is_some() { fork() } else { None },
            pull,
            head,
            base: base.map(|id| id.to_string()),
            link: link(),
        }
    }

    fn gitlab(&self) -> Run {
        let pull = self.get("CI_MERGE_REQUEST_IID").and_then(PullNumber::parse);
        let source = self.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID");
        let target = self.get("CI_MERGE_REQUEST_PROJECT_ID");
        let head = self
            .commit("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
            .or_else(|| self.commit("CI_COMMIT_SHA"));
        let base = self
            .commit("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")
            .or_else(|| self.commit("CI_MERGE_REQUEST_DIFF_BASE_SHA"))
            .or_else(|| {
                self.commit("CI_COMMIT_BEFORE_SHA")
                    .filter(|_| pull.is_none())
            });
        let repository = self
            .get("CI_MERGE_REQUEST_PROJECT_PATH")
            .or_else(|| self.get("CI_PROJECT_PATH"));
        Run {
            system: System::GitLab,
            home: home(ForgeKind::GitLab, self.get("CI_API_V4_URL"), repository),
            fork: pull.and(source).and(target).map(|_| source != target),
            pull,
            head,
            base: base.map(|id| id.to_string()),
            link: self.get("CI_JOB_URL").map(str::to_owned),
        }
    }

    fn jenkins(&self) -> Run {
        let pull = self.get("CHANGE_ID").and_then(PullNumber::parse);
        let target = self
            .get("CHANGE_TARGET")
            .map(|branch| format!("refs/remotes/origin/{branch}"));
        let before = self
            .commit("GIT_PREVIOUS_SUCCESSFUL_COMMIT")
            .map(|id| id.to_string());
        Run {
            system: System::Jenkins,
            home: self.get("CHANGE_URL").and_then(change_url),
            fork: pull.map(|_| self.get("CHANGE_FORK").is_some()),
            pull,
            // For a pull request Jenkins may have built a merge that no forge knows.
            head: self.commit("GIT_COMMIT").filter(|_| pull.is_none()),
            base: if pull.is_some() { target } else { before },
            link: self.get("BUILD_URL").map(str::to_owned),
        }
    }

    /// What was said by hand stands above what was found.
    fn overridden(&self, mut run: Run) -> Run {
        let kind = self.get("KUBEMATE_FORGE").and_then(ForgeKind::parse);
        let (api, repository) = (self.get("KUBEMATE_API"), self.get("KUBEMATE_REPOSITORY"));
        if let Some(kind) = kind {
            let known = run.home.take();
            let api = api.or(known.as_ref().map(|h| h.api.as_str()));
            let repository = repository.or(known.as_ref().map(|h| h.repository.as_str()));
            run.home = home(kind, api, repository);
        }
        run.pull = self
            .get("KUBEMATE_PULL")
            .and_then(PullNumber::parse)
            .or(run.pull);
        run.head = self.commit("KUBEMATE_HEAD").or(run.head);
        run.base = self.get("KUBEMATE_BASE").map(str::to_owned).or(run.base);
        run.link = self.get("KUBEMATE_LINK").map(str::to_owned).or(run.link);
        run.fork = match self.get("KUBEMATE_FORK") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) | None => run.fork,
        };
        run
    }
}

fn commit(text: &str) -> Option<CommitId> {
    CommitId::new(text).filter(|id| id.as_str().bytes().any(|b| b != b'0'))
}

fn home(kind: ForgeKind, api: Option<&str>, repository: Option<&str>) -> Option<Home> {
    let repository = repository?;
    let segments: Vec<&str> = repository.split('/').collect();
    let plain = |s: &str| {
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !s.is_empty() && s != "." && s != ".." && s.bytes().all(word)
    };
    let deep_enough = match kind {
        ForgeKind::GitHub | ForgeKind::Gitea => segments.len() == 2,
        ForgeKind::GitLab => (2..=21).contains(&segments.len()),
    };
    (deep_enough && segments.iter().all(|s| plain(s))).then_some(())?;
    Some(Home {
        kind,
        api: api?.trim_end_matches('/').to_owned(),
        repository: repository.to_owned(),
    })
}

/// The forge behind the address of a pull request: its path tells the kind.
fn change_url(address: &str) -> Option<Home> {
    let parsed = url::Url::parse(address).ok()?;
    let root = parsed.origin().ascii_serialization();
    let path = parsed.path().trim_matches('/');
    if let Some((repository, _)) = path.split_once("/-/merge_requests/") {
        return home(
            ForgeKind::GitLab,
            Some(&format!("{root}/api/v4")),
            Some(repository),
        );
    }
    if let Some((repository, _)) = path.split_once("/pulls/") {
        return home(
            ForgeKind::Gitea,
            Some(&format!("{root}/api/v1")),
            Some(repository),
        );
    }
    let (repository, _) = path.split_once("/pull/")?;
    let api = match parsed.host_str()? {
        "github.com" => "https://api.github.com".to_owned(),
        _ => format!("{root}/api/v3"),
    };
    home(ForgeKind::GitHub, Some(&api), Some(repository))
}
