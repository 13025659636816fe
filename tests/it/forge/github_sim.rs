//! GitHub's rules, as documented: enumerations, lengths, pages, who may edit what, check runs.

use axum::http::Method;
use kubemate::report::forge::Permission;
use serde_json::{Value, json};

use super::sim::{Ask, BASE, Comment, Door, HEAD, Reply, Sim, Store, made, no, ok, page};

/// Most bytes of a comment.
const BODY: usize = 65_536;

pub(crate) fn start() -> Sim {
    Sim::start(
        serve,
        Door {
            header: "authorization",
            prefix: "Bearer ",
        },
        pull(HEAD),
    )
}

/// Pull request 7 of GitHub and Gitea.
pub(crate) fn pull(head: &str) -> Value {
    json!({
        "number": 7, "state": "open", "draft": false, "user": { "login": "ann" },
        "head": { "sha": head, "ref": "change", "repo": { "full_name": "ann/platform" } },
        "base": { "sha": BASE, "ref": "main", "repo": { "full_name": "team/platform" } },
    })
}

fn serve(store: &mut Store, ask: &Ask<'_>) -> Reply {
    let path: Vec<&str> = ask.path.clone();
    match (&ask.method, path.as_slice()) {
        (&Method::GET, ["user"]) => ok(json!({ "login": ask.user })),
        (&Method::GET, ["app"]) => ok(json!({ "slug": "kubemate" })),
        (&Method::POST, ["app", "installations", _, "access_tokens"]) => {
            super::app::exchange(store, ask)
        }
        (&Method::GET, ["orgs", "team", "teams", "closed", ..]) => {
            no(403, "Resource not accessible by integration")
        }
        (&Method::GET, ["orgs", "team", "teams", team, "memberships", user]) => {
            match is_member(store, team, user) {
                true => ok(json!({ "state": "active", "role": "member" })),
                false => no(404, "Not Found"),
            }
        }
        (method, ["repos", "team", "platform", rest @ ..]) => {
            super::branches::github(store, ask, rest)
                .unwrap_or_else(|| repository(store, ask, method, rest))
        }
        _ => no(404, "Not Found"),
    }
}

fn repository(store: &mut Store, ask: &Ask<'_>, method: &Method, rest: &[&str]) -> Reply {
    match (method, rest) {
        (&Method::GET, ["pulls"]) => page(ask, "per_page", 100, open(store)),
        (&Method::GET, ["pulls", n]) => found(
            n.parse()
                .ok()
                .and_then(|n: u64| store.pulls.get(&n).cloned()),
        ),
        (&Method::GET, ["pulls", _, "reviews"]) => {
            page(ask, "per_page", 100, store.reviews.clone())
        }
        (&Method::GET, ["pulls", _, "commits"]) => page(ask, "per_page", 100, writers(store)),
        (&Method::GET, ["commits", sha, "pulls"]) => {
            let all = store.pulls.values();
            let with = all.filter(|p| p["merge_commit_sha"] == *sha);
            page(ask, "per_page", 100, with.cloned().collect())
        }
        (&Method::GET, ["compare", both]) if both.contains("...") => {
            let base = store.pulls.get(&7).map(|p| p["base"]["sha"].clone());
            ok(json!({ "merge_base_commit": { "sha": base.unwrap_or_else(|| BASE.into()) } }))
        }
        (&Method::GET, ["commits", sha, "statuses"]) => {
            let of = store
                .statuses
                .iter()
                .rev()
                .filter(|s| s["sha"] == *sha)
                .cloned();
            page(ask, "per_page", 100, of.collect())
        }
        (&Method::POST, ["statuses", sha]) => status(
            store,
            ask,
            sha,
            (&["error", "failure", "pending", "success"], 140),
        ),
        (&Method::GET, ["commits", sha, "check-runs"]) => {
            let name = ask.query.get("check_name").cloned().unwrap_or_default();
            let ours = store
                .notes
                .iter()
                .filter(|r| r["name"] == name.as_str() && r["head_sha"] == *sha);
            ok(json!({ "check_runs": ours.collect::<Vec<_>>() }))
        }
        (&Method::POST, ["check-runs"]) => check_run(store, ask, None),
        (&Method::PATCH, ["check-runs", id]) => check_run(store, ask, id.parse().ok()),
        (&Method::GET, ["issues", _, "events"]) => page(ask, "per_page", 100, store.events.clone()),
        (_, ["issues", ..]) => comments(store, ask, &rest[1..], (BODY, 422)),
        (_, ["deployments", ..]) => deployments(store, ask, &rest[1..]),
        (&Method::GET, ["collaborators", user, "permission"]) => permission(store, user),
        (&Method::GET, ["collaborators", user]) => collaborator(store, user),
        _ => no(404, "Not Found"),
    }
}

pub(crate) fn is_member(store: &Store, team: &str, user: &str) -> bool {
    store.teams.get(team).is_some_and(|all| all.contains(user))
}

/// Commits with the users behind their addresses.
pub(crate) fn writers(store: &Store) -> Vec<Value> {
    let user = |login: Option<&str>| login.map_or(Value::Null, |login| json!({ "login": login }));
    let one = |[author, committer]: &[Option<&str>; 2]| json!({ "author": user(*author), "committer": user(*committer) });
    store.writers.iter().map(one).collect()
}

pub(crate) fn found(value: Option<Value>) -> Reply {
    value.map_or_else(|| no(404, "Not Found"), ok)
}

pub(crate) fn open(store: &Store) -> Vec<Value> {
    store
        .pulls
        .values()
        .filter(|p| p["state"] == "open")
        .cloned()
        .collect()
}

pub(crate) fn permission(store: &Store, user: &str) -> Reply {
    let word = match store.members.get(user) {
        Some(Permission::Admin) => "admin",
        Some(Permission::Write) => "write",
        Some(Permission::Read) => "read",
        Some(Permission::None) => "none",
        None if store.public => "read",
        None => return no(404, "Not Found"),
    };
    ok(json!({ "permission": word }))
}

/// Whoever may only read because everybody may is no collaborator.
pub(crate) fn collaborator(store: &Store, user: &str) -> Reply {
    match store.members.contains_key(user) {
        true => Reply {
            status: 204,
            body: Value::Null,
            next: false,
        },
        false => no(404, "Not Found"),
    }
}

/// A status on a commit that exists, with a state and a description that are allowed.
pub(crate) fn status(
    store: &mut Store,
    ask: &Ask<'_>,
    sha: &str,
    (states, length): (&[&str], usize),
) -> Reply {
    let (state, context) = (
        ask.text("state").unwrap_or_default(),
        ask.text("context").unwrap_or_default(),
    );
    let description = ask.text("description").unwrap_or_default();
    if !store.commits.contains(sha) {
        return no(422, &format!("No commit found for SHA: {sha}"));
    }
    if !states.contains(&state) {
        return no(422, "state is not included in the list");
    }
    if description.chars().count() > length {
        return no(422, "description is too long");
    }
    let same = store
        .statuses
        .iter()
        .filter(|s| s["sha"] == sha && s["context"] == context);
    if same.count() >= store.most_statuses {
        return no(
            422,
            "This SHA and context has reached the maximum number of statuses.",
        );
    }
    let id = store.id();
    let made_now = json!({
        "id": id, "sha": sha, "state": state, "status": state, "context": context,
        "description": description, "target_url": ask.body["target_url"],
    });
    store.statuses.push(made_now.clone());
    made(made_now)
}

/// Comments of GitHub and Gitea; `limit` is the largest body and what is answered to a larger one.
pub(crate) fn comments(
    store: &mut Store,
    ask: &Ask<'_>,
    rest: &[&str],
    limit: (usize, u16),
) -> Reply {
    let body = ask.text("body").unwrap_or_default().to_owned();
    if body.len() > limit.0 {
        return no(limit.1, "Body is too long");
    }
    let shown = |c: &Comment| json!({ "id": c.id, "body": c.body, "user": { "login": c.author } });
    match (&ask.method, rest) {
        (&Method::GET, [pull, "comments"]) => {
            let of = store
                .comments
                .iter()
                .filter(|c| c.pull.to_string() == *pull);
            page(ask, "per_page", 100, of.map(shown).collect())
        }
        (&Method::POST, [pull, "comments"]) => {
            let Some(pull) = pull.parse().ok().filter(|n| store.pulls.contains_key(n)) else {
                return no(404, "Not Found");
            };
            if body.trim().is_empty() {
                return no(422, "Body cannot be blank");
            }
            let comment = Comment {
                id: store.id(),
                pull,
                author: ask.user.clone(),
                body,
            };
            store.comments.push(comment.clone());
            made(shown(&comment))
        }
        (&Method::GET, ["comments", id]) => one(store, id),
        (method, ["comments", id]) => {
            let Some(at) = store.comments.iter().position(|c| c.id.to_string() == *id) else {
                return no(404, "Not Found");
            };
            if store.comments[at].author != ask.user {
                return no(403, "You may only change your own comments");
            }
            if *method == Method::DELETE {
                store.comments.remove(at);
                return Reply {
                    status: 204,
                    body: Value::Null,
                    next: false,
                };
            }
            store.comments[at].body = body;
            store.edited.insert(store.comments[at].id);
            ok(shown(&store.comments[at]))
        }
        _ => no(404, "Not Found"),
    }
}

/// One comment, with its times and the address of its pull request.
fn one(store: &Store, id: &str) -> Reply {
    found(store.comment(id).map(|(c, [written, changed])| {
        json!({
            "id": c.id, "body": c.body, "user": { "login": c.author },
            "created_at": written, "updated_at": changed,
            "issue_url": format!("https://api.github.com/repos/team/platform/issues/{}", c.pull),
        })
    }))
}

fn check_run(store: &mut Store, ask: &Ask<'_>, id: Option<u64>) -> Reply {
    let annotations = ask
        .body
        .pointer("/output/annotations")
        .and_then(Value::as_array);
    let annotations = annotations.cloned().unwrap_or_default();
    let complete = |a: &Value| {
        let lines = a["start_line"].is_u64() && a["end_line"].is_u64();
        let level = matches!(
            a["annotation_level"].as_str(),
            Some("notice" | "warning" | "failure")
        );
        lines && level && a["path"].is_string() && a["message"].is_string()
    };
    if annotations.len() > 50 || !annotations.iter().all(complete) {
        return no(422, "Invalid request: annotations");
    }
    let output = ask
        .body
        .pointer("/output/title")
        .and(ask.body.pointer("/output/summary"));
    if output.is_none() {
        return no(422, "Invalid request: output needs title and summary");
    }
    if let Some(id) = id {
        let Some(run) = store.notes.iter_mut().find(|r| r["id"] == id) else {
            return no(404, "Not Found");
        };
        let all = run["annotations"].as_array_mut().unwrap();
        all.extend(annotations);
        return ok(run.clone());
    }
    if ask.text("conclusion").is_none() || ask.text("name").is_none() {
        return no(422, "Invalid request");
    }
    let mut run = ask.body.clone();
    run["id"] = store.id().into();
    run["annotations"] = annotations.into();
    store.notes.push(run.clone());
    made(run)
}

fn deployments(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    match (&ask.method, rest) {
        (&Method::GET, []) => {
            let is =
                |d: &&Value, key: &str| ask.query.get(key).is_none_or(|v| d[key] == v.as_str());
            let of = store
                .deployments
                .iter()
                .rev()
                .filter(|d| is(d, "sha") && is(d, "environment"));
            page(ask, "per_page", 100, of.cloned().collect())
        }
        (&Method::POST, []) => {
            if ask.body["auto_merge"] != false || ask.body["required_contexts"] != json!([]) {
                return no(409, "Conflict: Commit status checks failed");
            }
            let id = store.id();
            let deployment = json!({
                "id": id, "sha": ask.body["ref"], "environment": ask.body["environment"], "statuses": [],
            });
            store.deployments.push(deployment.clone());
            made(deployment)
        }
        (_, [id, "statuses"]) => deployment_statuses(store, ask, id),
        _ => no(404, "Not Found"),
    }
}

const DEPLOYMENT_STATES: &[&str] = &[
    "error",
    "failure",
    "inactive",
    "in_progress",
    "queued",
    "pending",
    "success",
];

fn deployment_statuses(store: &mut Store, ask: &Ask<'_>, id: &str) -> Reply {
    let mut all = store.deployments.iter_mut();
    let Some(deployment) = all.find(|d| d["id"].as_u64() == id.parse().ok()) else {
        return no(404, "Not Found");
    };
    let statuses = deployment["statuses"].as_array_mut().unwrap();
    if ask.method == Method::GET {
        let newest_first = statuses.iter().rev().cloned().collect();
        return page(ask, "per_page", 100, newest_first);
    }
    if !DEPLOYMENT_STATES.contains(&ask.text("state").unwrap_or_default()) {
        return no(422, "state is not included in the list");
    }
    statuses.push(ask.body.clone());
    made(ask.body.clone())
}
