//! The judge itself: one history that is right, and the same with one thing wrong each.

use serde_json::json;

use super::super::git::{HOME, first, tenant};
use super::super::server::Server;
use super::*;
use crate::adapters::sync::Shard;
use crate::controller::leader::seat;
use crate::kinds::tenant::IDENTITY;
use crate::object::ResourceId;

const LIFE: &str = "one-0";
const COMMIT: &str = "a";
const NOW: Duration = Duration::from_secs(1000);

fn caller(namespace: Option<&str>) -> Caller {
    let identity = match namespace {
        None => Identity::Own,
        Some(namespace) => Identity::ServiceAccount {
            namespace: namespace.to_owned(),
            name: IDENTITY.to_owned(),
        },
    };
    Caller {
        life: LIFE.to_owned(),
        identity,
    }
}

fn tenants() -> Rendered {
    first()
        .into_iter()
        .find(|r| r.set.owner == tenant())
        .unwrap()
}

fn books(uid: &str) -> Inventory {
    let (set, key) = (tenants().set, key());
    let resource = ResourceId {
        kind: "test".to_owned(),
        tenant: None,
        name: key.name.clone(),
    };
    let owned = Entry::Owned {
        resource,
        uid: uid.to_owned(),
        record: None,
    };
    let mut books = Inventory::new(set);
    books.entries.insert(key, owned);
    books
}

fn key() -> ObjectKey {
    tenants().objects.into_keys().next().unwrap()
}

/// What is sent for the tenant's object.
fn body() -> Value {
    let (rendered, key) = (tenants(), key());
    normalize::desired_body(&rendered.objects[&key], &rendered.set)
}

/// A replica that leads, holds the lease of the tenant's set, and passes over a valid commit.
fn at_work() -> Judge {
    let mut judge = Judge::default();
    judge.homes.insert("web".to_owned(), HOME.to_owned());
    judge.commits.insert(COMMIT.to_owned(), first());
    judge.begins(LIFE, COMMIT);
    judge.leased(LIFE, &seat(&Shard::default()), NOW);
    judge.leased(LIFE, &tenants().set, NOW);
    judge.books.insert(tenants().set, books("uid-1"));
    judge
}

fn sends(judge: &mut Judge, by: &Caller, sent: &Sent<'_>) {
    let seat = seat(&Shard::default());
    judge.sends(by, &key(), sent, (&seat, NOW + RUN_OUT));
}

#[test]
fn what_is_right_is_right() {
    let mut judge = at_work();
    let by = caller(Some(HOME));
    sends(&mut judge, &by, &Sent::Write(&body()));
    let label = tenants().set.label();
    judge.written(&by, (&key(), &label), true, &[]);
    let patch = json!({"metadata": {"managedFields": [], "resourceVersion": "1"}});
    sends(&mut judge, &by, &Sent::Patch(&patch));
    // Once Git does not want it any more, it may go.
    let mut sets = first();
    sets[1].objects.clear();
    judge.commits.insert("b".to_owned(), sets);
    judge.begins(LIFE, "b");
    sends(&mut judge, &by, &Sent::Delete { uid: "uid-1" });
    assert_eq!(judge.wrong, Vec::<String>::new());
}

/// Histories in which something is wrong, each with what is to be told of it.
const WRONG: [(&str, fn(&mut Judge)); 14] = [
    ("no inventory owns it", |judge| {
        judge.books.clear();
        sends(judge, &caller(Some(HOME)), &Sent::Delete { uid: "uid-1" });
    }),
    ("no inventory owns it", |judge| {
        sends(judge, &caller(Some(HOME)), &Sent::Delete { uid: "uid-2" });
    }),
    ("is deleted and wanted", |judge| {
        sends(judge, &caller(Some(HOME)), &Sent::Delete { uid: "uid-1" });
    }),
    ("without the lead", |judge| {
        judge.leased("two-0", &seat(&Shard::default()), NOW);
        sends(judge, &caller(Some(HOME)), &Sent::Write(&body()));
    }),
    ("without the lease of", |judge| {
        judge.gives_back(LIFE, &tenants().set);
        sends(judge, &caller(Some(HOME)), &Sent::Write(&body()));
    }),
    ("without the lead", |judge| {
        judge.gives_back(LIFE, &seat(&Shard::default()));
        sends(judge, &caller(Some(HOME)), &Sent::Write(&body()));
    }),
    ("status is written without the lead", |judge| {
        judge.gives_back(LIFE, &seat(&Shard::default()));
        judge.reports(LIFE, (&seat(&Shard::default()), NOW));
    }),
    ("as Own", |judge| {
        sends(judge, &caller(None), &Sent::Write(&body()));
    }),
    ("as ServiceAccount", |judge| {
        sends(judge, &caller(Some("base")), &Sent::Write(&body()));
    }),
    ("is not written as a says", |judge| {
        let mut body = body();
        body["data"]["a"] = "otherwise".into();
        sends(judge, &caller(Some(HOME)), &Sent::Write(&body));
    }),
    ("is patched", |judge| {
        let patch = json!({"metadata": {"labels": {}}});
        sends(judge, &caller(Some(HOME)), &Sent::Patch(&patch));
    }),
    ("is made, and no inventory has it", |judge| {
        judge.books.clear();
        let label = tenants().set.label();
        judge.written(&caller(Some(HOME)), (&key(), &label), true, &[]);
    }),
    ("is taken from keda", |judge| {
        let taken = [(SCALED.to_owned(), "keda".to_owned())];
        let label = tenants().set.label();
        judge.written(&caller(Some(HOME)), (&key(), &label), false, &taken);
    }),
    ("for valid, which is not", |judge| judge.begins(LIFE, "b")),
];

#[test]
fn each_thing_that_is_wrong_is_told() {
    for (said, history) in WRONG {
        let mut judge = at_work();
        history(&mut judge);
        let told = judge.wrong.iter().any(|wrong| wrong.contains(said));
        assert!(told, "`{said}` is not told: {:?}", judge.wrong);
    }
}

#[test]
fn what_is_said_to_be_applied_is_looked_for() {
    let mut judge = at_work();
    judge.applied(LIFE, COMMIT, &BTreeMap::new(), NOW);
    assert!(
        judge
            .wrong
            .iter()
            .any(|wrong| wrong.ends_with("is not there"))
    );
    // People who have just written to it explain it.
    let mut judge = at_work();
    for rendered in first() {
        for key in rendered.objects.keys() {
            judge.touched(key, NOW);
        }
    }
    judge.applied(LIFE, COMMIT, &BTreeMap::new(), NOW);
    assert_eq!(judge.wrong, Vec::<String>::new());
}

#[test]
fn objects_of_others_are_not_written() {
    use crate::apply::cluster::{Expect, Target, Write};
    let mut server = Server::new(super::super::story::spec());
    server.make(&key(), &body());
    let uid = server.objects[&key()].body["metadata"]["uid"].clone();
    let write = Write {
        target: Target::of(&key()),
        body: body(),
        expect: Expect::Same {
            uid: uid.as_str().unwrap().to_owned(),
        },
        force: true,
        dry_run: false,
    };
    server.apply(&caller(Some(HOME)), &write).unwrap();
    let wrong = &server.judge.wrong;
    assert!(wrong.iter().any(|w| w.contains("of somebody else")));
}
