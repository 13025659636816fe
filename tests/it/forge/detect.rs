//! Where a job runs, from variables as the systems set them.

use kubemate::report::forge::PullNumber;
use kubemate::report::forge::ci::{ForgeKind, Home, Run, System, Variables, detect};
use serde_json::{Value, json};

use super::sim::{BASE, HEAD};
use super::suite::commit;

const MERGE: &str = "4444444444444444444444444444444444444444";
const ZEROS: &str = "0000000000000000000000000000000000000000";

fn seen(pairs: &[(&str, &str)], event: Option<&Value>) -> Run {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    detect(&pairs.iter().map(own).collect::<Variables>(), event)
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what is found")]
fn home(kind: ForgeKind, api: &str, repository: &str) -> Option<Home> {
    Some(Home {
        kind,
        api: api.into(),
        repository: repository.into(),
    })
}

const ACTIONS: [(&str, &str); 9] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_EVENT_NAME", "pull_request"),
    ("GITHUB_REPOSITORY", "team/platform"),
    ("GITHUB_API_URL", "https://api.github.com"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_RUN_ID", "99"),
    ("GITHUB_REF", "refs/pull/12/merge"),
    ("GITHUB_SHA", MERGE),
    ("GITHUB_HEAD_REF", "$(touch /x)"),
];

fn event(head: &str) -> Value {
    json!({ "pull_request": {
        "number": 12,
        "head": { "sha": HEAD, "ref": "x", "repo": { "full_name": head } },
        "base": { "sha": BASE, "ref": "main", "repo": { "full_name": "team/platform" } },
    } })
}

#[test]
fn github_and_those_who_pass_for_it() {
    let run = Run {
        system: System::GitHub,
        home: home(ForgeKind::GitHub, "https://api.github.com", "team/platform"),
        pull: PullNumber::parse("12"),
        fork: Some(true),
        head: Some(commit(HEAD)),
        base: Some(BASE.into()),
        link: Some("https://github.com/team/platform/actions/runs/99".into()),
    };
    assert_eq!(seen(&ACTIONS, Some(&event("ann/platform"))), run);
    let own = Run {
        fork: Some(false),
        ..run.clone()
    };
    assert_eq!(seen(&ACTIONS, Some(&event("team/platform"))), own);
    // Without the event nothing is guessed: not the head, and not that it is no fork.
    let blind = Run {
        fork: None,
        head: None,
        base: None,
        ..run.clone()
    };
    assert_eq!(seen(&ACTIONS, None), blind);
    // The repository of a deleted fork is null.
    let mut gone = event("x");
    gone["pull_request"]["head"]["repo"] = Value::Null;
    assert_eq!(seen(&ACTIONS, Some(&gone)).fork, None);
    for name in ["GITEA_ACTIONS", "FORGEJO_ACTIONS"] {
        let mut gitea = ACTIONS.to_vec();
        gitea.extend([
            (name, "true"),
            ("GITHUB_API_URL", "https://git.bank.example/api/v1"),
        ]);
        gitea.push(("GITHUB_SERVER_URL", "https://git.bank.example"));
        let run = Run {
            system: System::Gitea,
            home: home(
                ForgeKind::Gitea,
                "https://git.bank.example/api/v1",
                "team/platform",
            ),
            link: Some("https://git.bank.example/team/platform/actions/runs/99".into()),
            ..own.clone()
        };
        assert_eq!(seen(&gitea, Some(&event("team/platform"))), run);
    }
}

#[test]
fn pushes_and_merge_queues_have_no_pull_request() {
    let with = |reference: &'static str| {
        let mut all = ACTIONS.to_vec();
        all.push(("GITHUB_REF", reference));
        all
    };
    let queue = json!({ "merge_group": { "head_sha": HEAD, "base_sha": BASE } });
    let run = seen(
        &with("refs/heads/gh-readonly-queue/main/pr-12"),
        Some(&queue),
    );
    assert_eq!(
        (run.pull, run.head, run.base.as_deref()),
        (None, Some(commit(HEAD)), Some(BASE))
    );
    let run = seen(&with("refs/heads/main"), Some(&json!({ "before": BASE })));
    assert_eq!(
        (run.pull, run.head, run.base.as_deref()),
        (None, Some(commit(MERGE)), Some(BASE))
    );
    // A new branch comes from nowhere.
    assert_eq!(
        seen(&with("refs/heads/new"), Some(&json!({ "before": ZEROS }))).base,
        None
    );
}

#[test]
fn gitlab_says_it_in_variables() {
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_API_V4_URL", "https://gitlab.bank.example/api/v4"),
        ("CI_PROJECT_PATH", "ann/platform"),
        ("CI_MERGE_REQUEST_PROJECT_PATH", "bank/team/platform"),
        ("CI_MERGE_REQUEST_IID", "12"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "3"),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "5"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", BASE),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", ""),
        ("CI_COMMIT_SHA", HEAD),
        ("CI_JOB_URL", "https://gitlab.bank.example/j/1"),
    ];
    let run = Run {
        system: System::GitLab,
        home: home(
            ForgeKind::GitLab,
            "https://gitlab.bank.example/api/v4",
            "bank/team/platform",
        ),
        pull: PullNumber::parse("12"),
        fork: Some(true),
        head: Some(commit(HEAD)),
        base: Some(BASE.into()),
        link: Some("https://gitlab.bank.example/j/1".into()),
    };
    assert_eq!(seen(&variables, None), run);
    // With merged results the commit of the job is one that nobody sees.
    let mut merged = variables.to_vec();
    merged.extend([
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD),
        ("CI_COMMIT_SHA", MERGE),
    ]);
    assert_eq!(seen(&merged, None), run);
    let mut own = variables.to_vec();
    own.push(("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "3"));
    assert_eq!(seen(&own, None).fork, Some(false));
}

#[test]
fn jenkins_tells_by_the_address_of_the_change() {
    for (address, expected) in [
        (
            "https://github.com/team/platform/pull/12",
            home(ForgeKind::GitHub, "https://api.github.com", "team/platform"),
        ),
        (
            "https://ghe.bank.example/team/platform/pull/12",
            home(
                ForgeKind::GitHub,
                "https://ghe.bank.example/api/v3",
                "team/platform",
            ),
        ),
        (
            "https://git.bank.example/team/platform/pulls/12",
            home(
                ForgeKind::Gitea,
                "https://git.bank.example/api/v1",
                "team/platform",
            ),
        ),
        (
            "https://gl.bank.example/a/b/c/-/merge_requests/12",
            home(ForgeKind::GitLab, "https://gl.bank.example/api/v4", "a/b/c"),
        ),
        ("https://git.bank.example/../x", None),
        ("nonsense", None),
    ] {
        let run = seen(
            &[
                ("JENKINS_URL", "https://ci.bank.example/"),
                ("CHANGE_ID", "12"),
                ("CHANGE_TARGET", "main"),
                ("CHANGE_URL", address),
                ("GIT_COMMIT", MERGE),
                ("BUILD_URL", "https://ci.bank.example/b/1"),
            ],
            None,
        );
        assert_eq!(
            (run.system, run.home),
            (System::Jenkins, expected),
            "{address}"
        );
        assert_eq!(
            (run.head, run.fork),
            (None, Some(false)),
            "a merge by Jenkins is no commit of the forge"
        );
        assert_eq!(run.base.as_deref(), Some("refs/remotes/origin/main"));
    }
    let fork = seen(
        &[
            ("JENKINS_URL", "x"),
            ("CHANGE_ID", "1"),
            ("CHANGE_FORK", "ann"),
        ],
        None,
    );
    assert_eq!(fork.fork, Some(true));
}

#[test]
fn a_task_of_tekton_says_it_all() {
    let run = seen(
        &[
            ("KUBEMATE_CI", "tekton"),
            ("KUBEMATE_FORGE", "forgejo"),
            ("KUBEMATE_API", "https://git.bank.example/api/v1/"),
            ("KUBEMATE_REPOSITORY", "team/platform"),
            ("KUBEMATE_PULL", "12"),
            ("KUBEMATE_HEAD", HEAD),
            ("KUBEMATE_BASE", BASE),
            ("KUBEMATE_FORK", "false"),
            ("KUBEMATE_LINK", "https://tekton.bank.example/1"),
        ],
        None,
    );
    let expected = Run {
        system: System::Tekton,
        home: home(
            ForgeKind::Gitea,
            "https://git.bank.example/api/v1",
            "team/platform",
        ),
        pull: PullNumber::parse("12"),
        fork: Some(false),
        head: Some(commit(HEAD)),
        base: Some(BASE.into()),
        link: Some("https://tekton.bank.example/1".into()),
    };
    assert_eq!(run, expected);
}

#[test]
fn nothing_odd_becomes_part_of_an_address() {
    for repository in [
        "", "a", "a/b/c", "../b", "a/..", "a/b?x", "a/b#", "a b/c", "a//b", "a/b%2Fc",
    ] {
        let run = seen(
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_API_URL", "https://x"),
                ("GITHUB_REPOSITORY", repository),
            ],
            None,
        );
        assert_eq!(run.home, None, "{repository}");
    }
    let bare = seen(&[("CI", "true")], None);
    assert_eq!(
        (bare.system, bare.home, bare.pull),
        (System::Other, None, None)
    );
    for sha in ["", "main", ZEROS, "--upload-pack=x"] {
        let run = seen(
            &[("KUBEMATE_HEAD", sha), ("KUBEMATE_PULL", "0; rm -rf")],
            None,
        );
        assert_eq!((run.head, run.pull), (None, None));
    }
}
