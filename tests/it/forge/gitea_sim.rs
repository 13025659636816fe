//! Gitea's rules: like GitHub's, with comments in one page, lists of fifty, reviews for lines.

use axum::http::Method;
use serde_json::{Value, json};

use super::github_sim::{
    collaborator, comments, found, is_member, open, permission, pull, status, writers,
};
use super::sim::{Ask, Door, HEAD, Reply, Sim, Store, made, no, ok, page};

const STATES: &[&str] = &["pending", "success", "error", "failure", "warning"];
const BODY: usize = 1_000_000;

pub(crate) fn start() -> Sim {
    Sim::start(
        serve,
        Door {
            header: "authorization",
            prefix: "token ",
        },
        pull(HEAD),
    )
}

fn serve(store: &mut Store, ask: &Ask<'_>) -> Reply {
    let path: Vec<&str> = ask.path.clone();
    match (&ask.method, path.as_slice()) {
        (&Method::GET, ["user"]) => ok(json!({ "login": ask.user })),
        (&Method::GET, ["orgs", "team", "teams", "search"]) => {
            let wanted = ask.query.get("q").cloned().unwrap_or_default();
            let named = store.teams.keys().enumerate();
            let hits = named.filter(|(_, name)| name.contains(&wanted));
            ok(
                json!({ "ok": true, "data": hits.map(|(id, name)| json!({ "id": id + 30, "name": name })).collect::<Vec<_>>() }),
            )
        }
        (&Method::GET, ["teams", id, "members", user]) => {
            let names: Vec<&String> = store.teams.keys().collect();
            let team = id.parse().ok().and_then(|id: usize| names.get(id - 30));
            match team.is_some_and(|team| is_member(store, team, user)) {
                true => ok(json!({ "login": user })),
                false => no(404, "The target couldn't be found."),
            }
        }
        (method, ["repos", "team", "platform", rest @ ..]) => {
            super::branches::gitea(store, ask, rest)
                .unwrap_or_else(|| repository(store, ask, method, rest))
        }
        _ => no(404, "The target couldn't be found."),
    }
}

fn repository(store: &mut Store, ask: &Ask<'_>, method: &Method, rest: &[&str]) -> Reply {
    match (method, rest) {
        (&Method::GET, ["pulls"]) => page(ask, "limit", 50, open(store)),
        (&Method::GET, ["pulls", n]) => found(
            n.parse()
                .ok()
                .and_then(|n: u64| store.pulls.get(&n).cloned()),
        ),
        (&Method::GET, ["pulls", _, "commits"]) => page(ask, "limit", 50, writers(store)),
        (&Method::GET, ["commits", sha, "pull"]) => {
            let mut all = store.pulls.values();
            found(all.find(|p| p["merge_commit_sha"] == *sha).cloned())
        }
        (_, ["pulls", _, "reviews", ..]) => reviews(store, ask, &rest[3..]),
        (&Method::GET, ["commits", sha, "statuses"]) => {
            // What is read has no `state`: it is called `status`.
            let shown = |s: &Value| {
                let mut s = s.clone();
                s.as_object_mut().unwrap().shift_remove("state");
                s
            };
            let of = store
                .statuses
                .iter()
                .rev()
                .filter(|s| s["sha"] == *sha)
                .map(shown);
            page(ask, "limit", 50, of.collect())
        }
        (&Method::POST, ["statuses", sha]) => status(store, ask, sha, (STATES, 255)),
        (&Method::GET, ["issues", pull, "comments"]) => {
            let of = store
                .comments
                .iter()
                .filter(|c| c.pull.to_string() == *pull);
            let shown =
                of.map(|c| json!({ "id": c.id, "body": c.body, "user": { "login": c.author } }));
            ok(shown.collect())
        }
        (&Method::GET, ["issues", "comments", id]) => {
            found(store.comment(id).map(|(c, [written, changed])| {
                json!({
                    "id": c.id, "body": c.body, "user": { "login": c.author },
                    "created_at": written, "updated_at": changed, "issue_url": "",
                    "pull_request_url": format!("http://127.0.0.1/team/platform/pulls/{}", c.pull),
                })
            }))
        }
        (&Method::GET, ["issues", pull, "timeline"]) => timeline(store, ask, pull),
        (_, ["issues", ..]) => comments(store, ask, &rest[1..], (BODY, 413)),
        (&Method::GET, ["collaborators", user, "permission"]) => permission(store, user),
        (&Method::GET, ["collaborators", user]) => collaborator(store, user),
        _ => no(404, "The target couldn't be found."),
    }
}

/// What was done since it was opened, with the push of its last commit, and without comments on lines. Where a page
/// is left without anything, there is no list.
fn timeline(store: &Store, ask: &Ask<'_>, pull: &str) -> Reply {
    let pull = pull.parse().ok().and_then(|n: u64| store.pulls.get(&n));
    let head = pull.and_then(|pull| pull["head"]["sha"].as_str());
    let is_of_head = |event: &Value| {
        let pushed = event["body"].as_str().unwrap_or_default();
        event["type"] == "pull_push" && head.is_some_and(|head| pushed.contains(head))
    };
    let opened = pull.filter(|_| !store.events.iter().any(is_of_head));
    let opened = opened.map(|pull| {
        json!({
            "type": "pull_push", "user": pull["user"], "created_at": "2026-05-04T09:00:00Z",
            "body": pushed(head.unwrap_or_default()),
        })
    });
    let all = opened.into_iter().chain(store.events.clone()).collect();
    let mut reply = page(ask, "limit", 50, all);
    if let Value::Array(items) = &mut reply.body {
        items.retain(|item| item["type"] != "code");
    }
    if reply.body == json!([]) {
        reply.body = Value::Null;
    }
    reply
}

/// What Gitea notes of a push.
pub(crate) fn pushed(commit: &str) -> String {
    json!({ "is_force_push": false, "commit_ids": [commit] }).to_string()
}

fn reviews(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    match (&ask.method, rest) {
        (&Method::GET, []) => page(ask, "limit", 50, store.reviews.clone()),
        (&Method::DELETE, [id]) => {
            let Some(at) = store
                .reviews
                .iter()
                .position(|r| r["id"].as_u64() == id.parse().ok())
            else {
                return no(404, "The target couldn't be found.");
            };
            if store.reviews[at]["user"]["login"] != ask.user.as_str() {
                return no(403, "You may only delete your own reviews");
            }
            store.reviews.remove(at);
            Reply {
                status: 204,
                body: Value::Null,
                next: false,
            }
        }
        (&Method::POST, []) => {
            let comments = ask.body["comments"].as_array().cloned().unwrap_or_default();
            let complete =
                |c: &Value| c["path"].is_string() && c["new_position"].as_u64() > Some(0);
            let event = matches!(
                ask.text("event"),
                Some("APPROVED" | "COMMENT" | "REQUEST_CHANGES")
            );
            if !event || !comments.iter().all(complete) {
                return no(422, "invalid review");
            }
            if !store
                .commits
                .contains(ask.text("commit_id").unwrap_or_default())
            {
                return no(404, "The target couldn't be found.");
            }
            let mut review = ask.body.clone();
            review["id"] = store.id().into();
            review["state"] = ask.body["event"].clone();
            review["user"] = json!({ "login": ask.user });
            store.reviews.push(review.clone());
            made(review)
        }
        _ => no(404, "The target couldn't be found."),
    }
}
