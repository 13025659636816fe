//! What the three forges do with branches, commits and new pull requests, by their documented rules: a
//! branch that exists is not made again, a file is replaced only by who knows what it held, and the
//! same branch is offered once.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::sim::{Ask, BASE, Reply, Store, made, no, ok};

/// Mode and bytes by path.
pub(crate) type Files = BTreeMap<String, (String, Vec<u8>)>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    pub(crate) parents: Vec<String>,
    pub(crate) message: String,
    pub(crate) files: Files,
}

/// Commits and branches of a simulated forge.
#[derive(Debug, Default)]
pub(crate) struct Git {
    pub(crate) branches: BTreeMap<String, String>,
    pub(crate) commits: BTreeMap<String, Made>,
    blobs: BTreeMap<String, Vec<u8>>,
    trees: BTreeMap<String, Files>,
}

impl Git {
    /// `main` is this commit with these files.
    pub(crate) fn start(&mut self, commit: &str, files: Files) {
        let first = Made {
            parents: vec![BASE.to_owned()],
            message: "x".to_owned(),
            files,
        };
        self.commits.insert(commit.to_owned(), first);
        self.branches.insert("main".to_owned(), commit.to_owned());
    }

    /// What a branch holds.
    pub(crate) fn on(&self, branch: &str) -> &Made {
        &self.commits[&self.branches[branch]]
    }

    fn add(&mut self, commit: Made) -> String {
        let id = hash(format!("{commit:?}").as_bytes());
        self.commits.insert(id.clone(), commit);
        id
    }
}

fn hash(bytes: &[u8]) -> String {
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, bytes);
    id.unwrap().to_string()
}

/// The id that Git gives to the tree of these files.
fn tree(files: &Files) -> String {
    let blob = |bytes: &[u8]| git2::Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap();
    let files = files.iter();
    let files: Vec<(&str, &str, git2::Oid)> = files
        .map(|(path, (mode, bytes))| (path.as_str(), mode.as_str(), blob(bytes)))
        .collect();
    directory(&files).to_string()
}

fn directory(files: &[(&str, &str, git2::Oid)]) -> git2::Oid {
    let top = |path: &str| path.split_once('/').map(|(top, _)| top.to_owned());
    let mut text = Vec::new();
    for group in files.chunk_by(|one, next| top(one.0).is_some() && top(one.0) == top(next.0)) {
        let (path, mode, id) = group[0];
        let (mode, name, id) = match top(path) {
            None => (mode, path.to_owned(), id),
            Some(name) => {
                let below = group
                    .iter()
                    .map(|(path, mode, id)| (&path[name.len() + 1..], *mode, *id));
                let id = directory(&below.collect::<Vec<_>>());
                ("40000", name, id)
            }
        };
        text.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        text.extend_from_slice(id.as_bytes());
    }
    git2::Oid::hash_object(git2::ObjectType::Tree, &text).unwrap()
}

fn bytes(value: &Value, key: &str) -> Option<Vec<u8>> {
    STANDARD.decode(value[key].as_str()?).ok()
}

fn decoded(segment: &str) -> String {
    let pair = format!("x={segment}");
    let mut found = url::form_urlencoded::parse(pair.as_bytes());
    found
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn opened(store: &Store, head: &str, key: &str, open: &str) -> Option<Value> {
    let pointer = format!("/{key}");
    let mut all = store.pulls.values();
    all.find(|p| p.pointer(&pointer).is_some_and(|v| v == head) && p["state"] == open)
        .cloned()
}

pub(super) fn github(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Option<Reply> {
    let git = &mut store.git;
    Some(match (&ask.method, rest) {
        (&Method::GET, ["branches", branch]) => {
            let branch = decoded(branch);
            let Some(id) = git.branches.get(&branch) else {
                return Some(no(404, "Branch not found"));
            };
            let commit = &git.commits[id];
            let parents: Vec<Value> = commit.parents.iter().map(|p| json!({ "sha": p })).collect();
            let tree = json!({ "sha": tree(&commit.files) });
            ok(json!({ "name": branch, "commit": {
                "sha": id, "commit": { "message": commit.message, "tree": tree }, "parents": parents,
            } }))
        }
        (&Method::GET, ["git", "commits", id]) => {
            let Some(commit) = git.commits.get(*id) else {
                return Some(no(404, "Not Found"));
            };
            let tree = hash(format!("{:?}", commit.files).as_bytes());
            let files = commit.files.clone();
            git.trees.insert(tree.clone(), files);
            ok(json!({ "sha": id, "tree": { "sha": tree } }))
        }
        (&Method::POST, ["git", "blobs"]) => {
            if ask.text("encoding") != Some("base64") {
                return Some(no(422, "encoding is missing"));
            }
            let Some(bytes) = bytes(&ask.body, "content") else {
                return Some(no(422, "content is not valid Base64"));
            };
            let id = hash(&bytes);
            git.blobs.insert(id.clone(), bytes);
            made(json!({ "sha": id }))
        }
        (&Method::POST, ["git", "trees"]) => github_tree(git, ask),
        (&Method::POST, ["git", "commits"]) => github_commit(git, ask),
        (&Method::POST, ["git", "refs"]) => github_ref(git, ask),
        (&Method::GET, ["pulls"]) if ask.query.contains_key("head") => {
            let head = ask.query["head"]
                .strip_prefix("team:")
                .unwrap_or_default()
                .to_owned();
            ok(opened(store, &head, "head/ref", "open")
                .into_iter()
                .collect())
        }
        (&Method::POST, ["pulls"]) => pull(store, ask, 422),
        _ => return None,
    })
}

fn github_commit(git: &mut Git, ask: &Ask<'_>) -> Reply {
    let files = git.trees.get(ask.text("tree").unwrap_or_default()).cloned();
    let parents = ask.body["parents"].as_array().map(|all| {
        let ids = all.iter().filter_map(|p| p.as_str());
        ids.map(str::to_owned).collect()
    });
    let (Some(files), Some(parents)) = (files, parents) else {
        return no(422, "Tree SHA does not exist");
    };
    let message = ask.text("message").unwrap_or_default().to_owned();
    let commit = Made {
        parents,
        message,
        files,
    };
    made(json!({ "sha": git.add(commit) }))
}

fn github_ref(git: &mut Git, ask: &Ask<'_>) -> Reply {
    let Some(branch) = ask.text("ref").and_then(|r| r.strip_prefix("refs/heads/")) else {
        return no(422, "Reference name must start with 'refs/'");
    };
    if git.branches.contains_key(branch) {
        return no(422, "Reference already exists");
    }
    let id = ask.text("sha").unwrap_or_default().to_owned();
    if !git.commits.contains_key(&id) {
        return no(422, "Object does not exist");
    }
    git.branches.insert(branch.to_owned(), id);
    made(json!({ "ref": ask.body["ref"] }))
}

fn github_tree(git: &mut Git, ask: &Ask<'_>) -> Reply {
    let Some(mut files) = git
        .trees
        .get(ask.text("base_tree").unwrap_or_default())
        .cloned()
    else {
        return no(422, "base_tree is not a valid tree oid");
    };
    for entry in ask.body["tree"].as_array().cloned().unwrap_or_default() {
        let path = entry["path"].as_str().unwrap_or_default().to_owned();
        if entry["type"] != "blob" || path.is_empty() || path.starts_with('/') {
            return no(422, "tree.path contains a malformed path component");
        }
        match entry["sha"].as_str() {
            None if entry["sha"].is_null() && entry.get("sha").is_some() => {
                drop(files.remove(&path));
            }
            sha => {
                let blob = git.blobs.get(sha.unwrap_or_default()).cloned();
                let (Some(blob), Some(mode)) = (blob, entry["mode"].as_str()) else {
                    return no(422, "tree.sha does not exist");
                };
                drop(files.insert(path, (mode.to_owned(), blob)));
            }
        }
    }
    let id = hash(format!("{files:?}").as_bytes());
    git.trees.insert(id.clone(), files);
    made(json!({ "sha": id }))
}

/// A pull request in the words of GitHub and Gitea. `twice` is what a second one of a branch meets.
fn pull(store: &mut Store, ask: &Ask<'_>, twice: u16) -> Reply {
    let (head, base) = (ask.text("head").unwrap_or_default(), ask.text("base"));
    let known = store.git.branches.contains_key(head);
    if !known || base != Some("main") || ask.text("title").is_none_or(str::is_empty) {
        return no(422, "Validation Failed");
    }
    if opened(store, head, "head/ref", "open").is_some() {
        return no(twice, "A pull request already exists");
    }
    let number = 100 + store.id();
    let sha = store.git.branches[head].clone();
    let value = json!({
        "number": number, "state": "open", "draft": false, "user": { "login": ask.user },
        "title": ask.body["title"], "body": ask.body["body"],
        "html_url": format!("https://forge.example/team/platform/pull/{number}"),
        "head": { "sha": sha, "ref": head, "repo": { "full_name": "team/platform" } },
        "base": { "sha": BASE, "ref": "main", "repo": { "full_name": "team/platform" } },
    });
    store.pulls.insert(number, value.clone());
    made(value)
}

pub(super) fn gitea(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Option<Reply> {
    let git = &mut store.git;
    Some(match (&ask.method, rest) {
        (&Method::GET, ["branches", branch]) => match git.branches.get(&decoded(branch)) {
            Some(id) => ok(json!({ "commit": { "id": id } })),
            None => no(404, "The target couldn't be found."),
        },
        (&Method::GET, ["git", "commits", id]) => match git.commits.get(*id) {
            Some(commit) => {
                let parents: Vec<Value> =
                    commit.parents.iter().map(|p| json!({ "sha": p })).collect();
                ok(json!({
                    "sha": id, "parents": parents,
                    "commit": { "message": format!("{}\n", commit.message.trim()) },
                }))
            }
            None => no(404, "The target couldn't be found."),
        },
        (&Method::POST, ["branches"]) => {
            let name = ask.text("new_branch_name").unwrap_or_default().to_owned();
            let from = ask.text("old_ref_name").unwrap_or_default().to_owned();
            if git.branches.contains_key(&name) {
                return Some(no(409, "The branch already exists."));
            }
            if name.is_empty() || !git.commits.contains_key(&from) {
                return Some(no(404, "The old branch does not exist"));
            }
            git.branches.insert(name, from);
            made(json!({}))
        }
        (&Method::POST, ["contents"]) => gitea_commit(git, ask),
        (&Method::GET, ["pulls", "main", head]) => {
            match opened(store, &decoded(head), "head/ref", "open") {
                Some(pull) => ok(pull),
                None => no(404, "The target couldn't be found."),
            }
        }
        (&Method::POST, ["pulls"]) => pull(store, ask, 409),
        _ => return None,
    })
}

fn gitea_commit(git: &mut Git, ask: &Ask<'_>) -> Reply {
    let branch = ask.text("branch").unwrap_or_default().to_owned();
    let Some(parent) = git.branches.get(&branch).cloned() else {
        return no(404, "branch does not exist");
    };
    let mut files = git.commits[&parent].files.clone();
    for change in ask.body["files"].as_array().cloned().unwrap_or_default() {
        let path = change["path"].as_str().unwrap_or_default().to_owned();
        let held = files.get(&path).cloned();
        let (verb, known) = (
            change["operation"].as_str(),
            held.as_ref().map(|h| hash(&h.1)),
        );
        if verb != Some("create") && (known.is_none() || change["sha"].as_str() != known.as_deref())
        {
            return no(422, "sha does not match [given: , expected: ]");
        }
        if verb == Some("create") && known.is_some() {
            return no(422, "repository file already exists");
        }
        let mode = held.map_or("100644".to_owned(), |held| held.0);
        match verb {
            Some("delete") => drop(files.remove(&path)),
            _ => match bytes(&change, "content") {
                Some(bytes) => drop(files.insert(path, (mode, bytes))),
                None => return no(422, "content is not valid Base64"),
            },
        }
    }
    let message = ask.text("message").unwrap_or_default().to_owned();
    let id = git.add(Made {
        parents: vec![parent],
        message,
        files,
    });
    git.branches.insert(branch, id.clone());
    made(json!({ "commit": { "sha": id } }))
}

/// Whether a request is about branches, in GitLab's words.
pub(super) fn is_gitlabs(method: &Method, ask: &Ask<'_>, rest: &[&str]) -> bool {
    match (method, rest) {
        (&Method::GET, ["repository", "branches", _])
        | (&Method::POST, ["repository", "commits"] | ["merge_requests"]) => true,
        (&Method::GET, ["merge_requests"]) => ask.query.contains_key("source_branch"),
        _ => false,
    }
}

pub(super) fn gitlab(store: &mut Store, ask: &Ask<'_>, rest: &[&str]) -> Reply {
    let git = &mut store.git;
    match (&ask.method, rest) {
        (&Method::GET, ["repository", "branches", branch]) => {
            match git.branches.get(&decoded(branch)) {
                Some(id) => {
                    let commit = &git.commits[id];
                    ok(json!({ "commit": {
                        "id": id, "message": commit.message, "parent_ids": commit.parents,
                    } }))
                }
                None => no(404, "404 Branch Not Found"),
            }
        }
        (&Method::POST, ["repository", "commits"]) => gitlab_commit(git, ask),
        (&Method::GET, ["merge_requests"]) => {
            let head = ask.query["source_branch"].clone();
            ok(opened(store, &head, "source_branch", "opened")
                .into_iter()
                .collect())
        }
        _ => {
            let head = ask.text("source_branch").unwrap_or_default();
            if !git.branches.contains_key(head) || ask.text("target_branch") != Some("main") {
                return no(400, "source_branch does not exist");
            }
            if opened(store, head, "source_branch", "opened").is_some() {
                return no(
                    409,
                    "Another open merge request already exists for this source branch",
                );
            }
            let number = 100 + store.id();
            let mut value = ask.body.clone();
            value["iid"] = number.into();
            value["state"] = "opened".into();
            value["sha"] = store.git.branches[head].clone().into();
            value["author"] = json!({ "username": ask.user });
            value["web_url"] = format!("https://forge.example/-/merge_requests/{number}").into();
            store.pulls.insert(number, value.clone());
            made(value)
        }
    }
}

fn gitlab_commit(git: &mut Git, ask: &Ask<'_>) -> Reply {
    let branch = ask.text("branch").unwrap_or_default().to_owned();
    if git.branches.contains_key(&branch) {
        let why = "already exists. Switch to that branch in order to make changes";
        return no(400, &format!("A branch called '{branch}' {why}"));
    }
    let start = ask.text("start_sha").unwrap_or_default().to_owned();
    let Some(mut files) = git.commits.get(&start).map(|commit| commit.files.clone()) else {
        return no(400, "Cannot find start_sha");
    };
    for action in ask.body["actions"].as_array().cloned().unwrap_or_default() {
        let path = action["file_path"].as_str().unwrap_or_default().to_owned();
        let held = files.get(&path).cloned();
        match (action["action"].as_str(), &held) {
            (Some("create"), Some(_)) => return no(400, "A file with this name already exists"),
            (Some("update" | "delete"), None) => {
                return no(400, "A file with this name doesn't exist");
            }
            (Some("delete"), Some(_)) => {
                files.remove(&path);
                continue;
            }
            _ => {}
        }
        let content = match action["encoding"].as_str() {
            Some("base64") => bytes(&action, "content"),
            _ => action["content"]
                .as_str()
                .map(|text| text.as_bytes().to_vec()),
        };
        let Some(content) = content else {
            return no(400, "content is missing");
        };
        let mode = held.map_or("100644".to_owned(), |held| held.0);
        files.insert(path, (mode, content));
    }
    let message = ask.text("commit_message").unwrap_or_default().to_owned();
    let id = git.add(Made {
        parents: vec![start],
        message,
        files,
    });
    git.branches.insert(branch, id.clone());
    made(json!({ "id": id }))
}
