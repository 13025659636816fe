//! GitLab's rules: the machine of states behind a commit status, threads on lines of the difference,
//! numbers instead of names for members.

use axum::http::Method;
use kubemate::report::forge::Permission;
use serde_json::{Value, json};

use super::sim::{Ask, BASE, Comment, Door, HEAD, Reply, Sim, Store, made, no, ok, page};

const BODY: usize = 1_000_000;
/// Lines of a file that the difference shows.
pub(crate) const SHOWN: std::ops::RangeInclusive<u64> = 1..=40;

pub(crate) fn start() -> Sim {
    let pull = json!({
        "iid": 7, "sha": HEAD, "state": "opened", "draft": false, "target_branch": "main",
        "author": { "username": "ann" }, "source_project_id": 5, "target_project_id": 3,
        "diff_refs": { "base_sha": BASE, "head_sha": HEAD, "start_sha": BASE },
    });
    Sim::start(
        serve,
        Door {
            header: "private-token",
            prefix: "",
        },
        pull,
    )
}

fn serve(store: &mut Store, ask: &Ask<'_>) -> Reply {
    let path: Vec<&str> = ask.path.clone();
    let members: Vec<String> = store.members.keys().cloned().collect();
    match (&ask.method, path.as_slice()) {
        (&Method::GET, ["user"]) => ok(json!({ "username": ask.user })),
        (&Method::GET, ["users"]) => {
            let wanted = ask.query.get("username");
            let hits = members
                .iter()
                .enumerate()
                .filter(|(_, name)| Some(*name) == wanted);
            ok(hits
                .map(|(id, name)| json!({ "id": id + 100, "username": name }))
                .collect())
        }
        (&Method::GET, ["groups", group, "members", "all"]) => {
            let wanted = ask.query.get("query").cloned().unwrap_or_default();
            let all = store.teams.get(*group).into_iter().flatten();
            let hits = all.filter(|name| name.contains(&wanted));
            let shown = hits.map(|name| json!({ "username": name, "state": "active" }));
            page(ask, "per_page", 100, shown.collect())
        }
        (_, ["projects", "team%2Fplatform", rest @ ..])
            if super::branches::is_gitlabs(&ask.method, ask, rest) =>
        {
            super::branches::gitlab(store, ask, rest)
        }
        (method, ["projects", "team%2Fplatform", rest @ ..]) => match (method, rest) {
            (&Method::GET, ["members", "all", id]) => {
                let name = id
                    .parse::<usize>()
                    .ok()
                    .and_then(|id| members.get(id - 100));
                let Some(may) = name.and_then(|name| store.members.get(name)) else {
                    return no(404, "404 Not found");
                };
                let level = match may {
                    Permission::Admin => 40,
                    Permission::Write => 30,
                    Permission::Read => 20,
                    Permission::None => 0,
                };
                ok(json!({ "access_level": level, "state": "active" }))
            }
            (_, ["merge_requests", rest @ ..]) => requests(store, ask, rest),
            (_, ["deployments", rest @ ..]) => deployments(store, ask, rest),
            _ => commits(store, ask, rest),
        },
        _ => no(404, "404 Project Not Found"),
    }
}

fn commits(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    match (&ask.method, rest) {
        (&Method::GET, ["repository", "commits", sha]) if store.commits.contains(*sha) => {
            ok(json!({ "id": sha, "last_pipeline": { "id": 900 } }))
        }
        (&Method::GET, ["repository", "commits", sha, "merge_requests"]) => {
            let all = store.pulls.values();
            let with = all.filter(|p| p["merge_commit_sha"] == *sha);
            page(ask, "per_page", 100, with.cloned().collect())
        }
        (&Method::GET, ["repository", "merge_base"]) => {
            let base = store
                .pulls
                .get(&7)
                .map(|p| p["diff_refs"]["base_sha"].clone());
            ok(json!({ "id": base.unwrap_or_else(|| BASE.into()) }))
        }
        (&Method::GET, ["repository", "commits", sha, "statuses"]) => {
            let name = ask.query.get("name");
            let of = store.statuses.iter().filter(|s| s["sha"] == *sha);
            let of = of.filter(|s| name.is_none_or(|name| s["name"] == name.as_str()));
            page(ask, "per_page", 100, of.cloned().collect())
        }
        (&Method::POST, ["statuses", sha]) => status(store, ask, sha),
        _ => no(404, "404 Not found"),
    }
}

fn status(store: &mut Store, ask: &Ask<'_>, sha: &str) -> Reply {
    let (state, name) = (
        ask.text("state").unwrap_or_default(),
        ask.text("name").unwrap_or_default(),
    );
    if !store.commits.contains(sha) {
        return no(404, "404 Commit Not Found");
    }
    if ![
        "pending", "running", "success", "failed", "canceled", "skipped",
    ]
    .contains(&state)
    {
        return no(400, "state does not have a valid value");
    }
    if ask.text("description").unwrap_or_default().chars().count() > 255 {
        return no(400, "description is too long (maximum is 255 characters)");
    }
    // Without its number a status would open a pipeline of its own.
    if ask.body["pipeline_id"] != 900 {
        return no(400, "pipeline_id is missing");
    }
    let fields = json!({
        "sha": sha, "name": name, "status": state, "description": ask.body["description"],
        "target_url": ask.body["target_url"],
    });
    let unfinished = |s: &&mut Value| {
        s["sha"] == sha
            && s["name"] == name
            && matches!(s["status"].as_str(), Some("pending" | "running"))
    };
    if let Some(known) = store.statuses.iter_mut().find(unfinished) {
        if known["status"] == state {
            let verb = if state == "running" { "run" } else { "enqueue" };
            return no(
                400,
                &format!(
                    "Cannot transition status via :{verb} from :{state} (Reason(s): Status cannot transition)"
                ),
            );
        }
        let id = known["id"].clone();
        *known = fields;
        known["id"] = id;
        return made(known.clone());
    }
    let mut status = fields;
    status["id"] = store.id().into();
    store.statuses.push(status.clone());
    made(status)
}

fn requests(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    let known = rest
        .first()
        .and_then(|n| n.parse().ok())
        .and_then(|n: u64| store.pulls.get(&n).cloned());
    match (&ask.method, rest, known) {
        (&Method::GET, [], _) => {
            let open = store.pulls.values().filter(|p| p["state"] == "opened");
            page(ask, "per_page", 100, open.cloned().collect())
        }
        (_, [_, ..], None) => no(404, "404 Not found"),
        (&Method::GET, [_], Some(request)) => ok(request),
        (&Method::GET, [_, "approvals"], _) => ok(json!({ "approved_by": store.reviews })),
        (&Method::GET, [_, "versions"], _) => ok(json!([{
            "base_commit_sha": BASE, "start_commit_sha": BASE, "head_commit_sha": HEAD,
        }])),
        (&Method::GET, [pull, "notes", id], _) => {
            let found = store
                .comment(id)
                .filter(|(c, _)| c.pull.to_string() == *pull);
            let shown = found.map(|(c, [written, changed])| {
                json!({
                    "id": c.id, "body": c.body, "author": { "username": c.author },
                    "created_at": written, "updated_at": changed, "system": c.author == "gitlab",
                })
            });
            shown.map_or_else(|| no(404, "404 Not found"), ok)
        }
        (_, [_, "notes", rest @ ..], _) => notes(store, ask, rest),
        (_, [_, "discussions", rest @ ..], _) => threads(store, ask, rest),
        _ => no(404, "404 Not found"),
    }
}

fn notes(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    let body = ask.text("body").unwrap_or_default().to_owned();
    if body.len() > BODY {
        return no(400, "note: body is too long");
    }
    let shown =
        |c: &Comment| json!({ "id": c.id, "body": c.body, "author": { "username": c.author } });
    match (&ask.method, rest) {
        (&Method::GET, []) => page(
            ask,
            "per_page",
            100,
            store
                .comments
                .iter()
                .map(shown)
                .chain(store.events.clone())
                .collect(),
        ),
        (&Method::POST, []) => {
            let comment = Comment {
                id: store.id(),
                pull: 7,
                author: ask.user.clone(),
                body,
            };
            store.comments.push(comment.clone());
            made(shown(&comment))
        }
        (method, [id]) => {
            let Some(at) = store.comments.iter().position(|c| c.id.to_string() == *id) else {
                return no(404, "404 Not found");
            };
            if store.comments[at].author != ask.user {
                return no(403, "403 Forbidden");
            }
            match *method {
                Method::DELETE => {
                    store.comments.remove(at);
                    Reply {
                        status: 204,
                        body: Value::Null,
                        next: false,
                    }
                }
                Method::PUT => {
                    store.comments[at].body = body;
                    store.edited.insert(store.comments[at].id);
                    ok(shown(&store.comments[at]))
                }
                _ => no(405, "405 Method Not Allowed"),
            }
        }
        _ => no(404, "404 Not found"),
    }
}

fn threads(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    match (&ask.method, rest) {
        (&Method::GET, []) => page(ask, "per_page", 100, store.notes.clone()),
        (&Method::PUT, [id]) => {
            let Some(thread) = store.notes.iter_mut().find(|t| t["id"] == *id) else {
                return no(404, "404 Discussion Not Found");
            };
            thread["notes"][0]["resolved"] = ask.body["resolved"].clone();
            ok(thread.clone())
        }
        (&Method::POST, []) => {
            let position = &ask.body["position"];
            let text = |key: &str| position[key].as_str().is_some_and(|t| !t.is_empty());
            let whole = ["base_sha", "start_sha", "head_sha", "new_path", "old_path"]
                .iter()
                .all(|k| text(k));
            let line = position["new_line"]
                .as_u64()
                .is_some_and(|line| SHOWN.contains(&line));
            if !whole || !line || position["position_type"] != "text" {
                return no(400, "Note {:line_code=>[\"can't be blank\"]}");
            }
            let id = store.id();
            let note = json!({
                "id": id, "body": ask.body["body"], "author": { "username": ask.user },
                "resolved": false, "position": position,
            });
            let thread = json!({ "id": format!("d{id}"), "notes": [note] });
            store.notes.push(thread.clone());
            made(thread)
        }
        _ => no(404, "404 Not found"),
    }
}

fn deployments(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    let state = ask.text("status").unwrap_or_default();
    let fine = ["created", "running", "success", "failed", "canceled"].contains(&state);
    match (&ask.method, rest) {
        (&Method::GET, []) => {
            let wanted = ask.query.get("environment");
            let of = store.deployments.iter().rev();
            let of = of.filter(|d| wanted.is_none_or(|e| d["environment"] == e.as_str()));
            page(ask, "per_page", 100, of.cloned().collect())
        }
        (&Method::POST, [])
            if fine && ask.body["ref"].is_string() && ask.body["tag"].is_boolean() =>
        {
            let mut deployment = ask.body.clone();
            deployment["id"] = store.id().into();
            store.deployments.push(deployment.clone());
            made(deployment)
        }
        (&Method::PUT, [id]) if fine => {
            let Some(known) = store
                .deployments
                .iter_mut()
                .find(|d| d["id"].as_u64() == id.parse().ok())
            else {
                return no(404, "404 Not found");
            };
            if known["status"] == state {
                return no(400, "Cannot transition status");
            }
            known["status"] = state.into();
            ok(known.clone())
        }
        _ => no(400, "400 Bad request"),
    }
}
