//! One seed: two replicas that die and come back, while Git, people and other controllers change what they
//! look after. When it is over, everything must be as Git says, and stay so without a write.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::dice::Dice;
use super::git::{self, HOME, Remote};
use super::hand::{Hand, World};
use super::judge::{SCALED, missing};
use super::replica::{Replica, live};
use super::server::{Server, WIDGET, applied};
use crate::adapters::sync::{Drift, History, Mode, SyncSpec};
use crate::object::{Manifest, ObjectKey, Rendered};
use crate::plan::inventory::Entry;

/// Things that happen in one story.
const TURNS: u64 = 12;
/// After so long no retry is due any more that bad weather put off.
const CALM: Duration = Duration::from_secs(300);
/// For how long the world may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(1200);
/// How often the Sync is looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(20);

/// The story of one seed.
struct Story {
    world: Arc<World>,
    dice: Dice,
    /// What stays in Git, since it moved from one set to another.
    fixed: Vec<ObjectKey>,
    /// Fields that people added: they stay as long as their object does.
    added: Vec<(ObjectKey, String, String, Value)>,
}

pub(super) fn spec() -> SyncSpec {
    SyncSpec {
        repository: "https://git.example/shop".to_owned(),
        reference: "refs/heads/main".to_owned(),
        path: String::new(),
        environment: "dev".to_owned(),
        cluster: "hq".to_owned(),
        tenants: None,
        interval: "20s".to_owned(),
        mode: Mode::Auto,
        suspend: false,
        prune: true,
        drift: Drift::Revert,
        approved: Vec::new(),
        confirm_deletes: None,
        notify: Vec::new(),
        verify: None,
        history: History::Follow,
        confirm_history: None,
    }
}

/// Tells one seed; what was wrong in it.
pub(super) async fn tell(seed: u64) -> Vec<String> {
    let remote = Remote::new(git::first());
    let mut server = Server::new(spec());
    let judge = &mut server.judge;
    judge.homes.insert("web".to_owned(), HOME.to_owned());
    judge.commits.insert(remote.head.clone(), git::first());
    let world = Arc::new(World::new(server, remote));
    let mut dice = Dice::new(seed);
    let stop = CancellationToken::new();
    for name in ["one", "two"] {
        let replica = supervise(Arc::clone(&world), name, dice.fork(), stop.clone());
        drop(tokio::spawn(replica));
    }
    drop(tokio::spawn(operator(Arc::clone(&world))));
    let mut story = Story {
        world,
        dice,
        fixed: Vec::new(),
        added: Vec::new(),
    };
    story.pass_by().await;
    let mut wrong = story.end().await;
    stop.cancel();
    wrong.append(&mut story.world.server().judge.wrong);
    wrong
}

/// The other controllers of the cluster.
async fn operator(world: Arc<World>) {
    loop {
        sleep(Duration::from_secs(3)).await;
        world.server().operate(world.time());
    }
}

/// One life of a replica after the other: each dies, or is told to stop.
async fn supervise(world: Arc<World>, name: &str, mut dice: Dice, stop: CancellationToken) {
    for number in 0_u64.. {
        let (death, leave) = (CancellationToken::new(), stop.child_token());
        let life = format!("{name}-{number}");
        let hand = Hand::new(&world, life, death.clone(), dice.fork());
        let replica = Arc::new(Replica::new(hand));
        let mut running = tokio::spawn(live(replica, leave.clone()));
        let span = dice.seconds(20, 200);
        tokio::select! {
            biased;
            () = death.cancelled() => running.abort(),
            _ = &mut running => {}
            () = told_to_stop(&world, span) => {
                leave.cancel();
                // What does not end in time is killed.
                if tokio::time::timeout(Duration::from_secs(30), &mut running).await.is_err() {
                    death.cancel();
                    running.abort();
                }
            }
        }
        if stop.is_cancelled() {
            return;
        }
        let pause = dice.millis(100, 20_000);
        sleep(pause).await;
    }
}

/// After some time, unless the weather is good by then.
async fn told_to_stop(world: &World, span: Duration) {
    sleep(span).await;
    if world.weather.load(Ordering::Relaxed) == 0 {
        std::future::pending::<()>().await;
    }
}

impl Story {
    async fn pass_by(&mut self) {
        self.world.weather.store(20, Ordering::Relaxed);
        for _ in 0..TURNS {
            let pause = self.dice.millis(200, 25_000);
            sleep(pause).await;
            match self.dice.below(16) {
                0..=3 => self.commit(),
                4 => self.mistake(),
                5 => self.force_push(),
                6 => {
                    let mut remote = self.world.remote();
                    remote.down = !remote.down;
                }
                7 => {
                    let weather = self.dice.pick(&[5, 20, 60]).copied().unwrap();
                    self.world.weather.store(weather, Ordering::Relaxed);
                }
                8 => self.suspend(|suspended| !suspended),
                9 => self.make(),
                10 => self.remove(),
                11 => self.scale(),
                12 => self.hold_back(),
                13 => self.add(),
                _ => self.change(),
            }
        }
    }

    /// Commits what sets want.
    fn push(&mut self, sets: Vec<Rendered>, valid: bool) {
        let id = self.world.remote().push(sets.clone(), valid);
        if valid {
            self.world.server().judge.commits.insert(id, sets);
        }
    }

    fn commit(&mut self) {
        let before = self.world.remote().valid().sets.clone();
        let sets = git::edited(&before, &mut self.fixed, &mut self.dice);
        self.push(sets, true);
    }

    fn mistake(&mut self) {
        let before = self.world.remote().valid().sets.clone();
        self.push(before, false);
    }

    /// Goes back to what was wanted long ago, under another name; what was there is gone, or is not.
    fn force_push(&mut self) {
        let (old, now) = {
            let mut remote = self.world.remote();
            let lost = self.dice.one_in(2);
            let all: Vec<Vec<Rendered>> = remote
                .commits
                .values_mut()
                .filter(|commit| commit.valid)
                .map(|commit| {
                    commit.there &= !lost;
                    commit.sets.clone()
                })
                .collect();
            let old = self.dice.pick(&all).cloned().unwrap();
            (old, remote.valid().sets.clone())
        };
        let sets = self.with_fixed(old, &now);
        self.push(sets, true);
    }

    /// What is fixed stays where it is.
    fn with_fixed(&self, mut sets: Vec<Rendered>, now: &[Rendered]) -> Vec<Rendered> {
        for key in &self.fixed {
            for (rendered, now) in sets.iter_mut().zip(now) {
                rendered.objects.remove(key);
                if let Some(object) = now.objects.get(key) {
                    rendered.objects.insert(key.clone(), object.clone());
                }
            }
        }
        for rendered in &mut sets {
            let keys: Vec<ObjectKey> = rendered.objects.keys().cloned().collect();
            for object in rendered.objects.values_mut() {
                object.needs.retain(|need| keys.contains(need));
            }
        }
        sets
    }

    fn suspend(&mut self, how: impl FnOnce(bool) -> bool) {
        let mut server = self.world.server();
        let before = server.spec.suspend;
        server.spec.suspend = how(before);
        if server.spec.suspend != before {
            server.generation += 1;
            self.world.specs.send_replace(server.generation);
        }
    }

    /// An object that is there.
    fn some(&mut self) -> Option<ObjectKey> {
        let keys: Vec<ObjectKey> = self.world.server().objects.keys().cloned().collect();
        self.dice.pick(&keys).cloned()
    }

    fn touch(&self, key: &ObjectKey) {
        let now = self.world.time();
        self.world.server().judge.touched(key, now);
    }

    /// Somebody makes an object of a name that Git may want.
    fn make(&mut self) {
        let body = git::any(&mut self.dice);
        let key = Manifest::new(body.clone()).unwrap().key;
        self.touch(&key);
        self.world.server().make(&key, &body);
    }

    fn remove(&mut self) {
        if let Some(key) = self.some() {
            self.touch(&key);
            self.world.server().remove(&key);
        }
    }

    /// A person changes what Git says.
    fn change(&mut self) {
        let Some(key) = self.some() else { return };
        let path = match key.group_kind.kind.as_str() {
            WIDGET => "/spec/data/a",
            _ => "/data/a",
        };
        let value: Value = format!("by hand {}", self.dice.below(9)).into();
        self.touch(&key);
        let who = ("kubectl-edit", "");
        self.world.server().edit(&key, who, path, value);
    }

    /// A person adds what Git does not speak of.
    fn add(&mut self) {
        let Some(key) = self.some() else { return };
        let path = format!("/metadata/annotations/people.example~1{}", self.added.len());
        let value: Value = "added".into();
        self.touch(&key);
        let mut server = self.world.server();
        let object = server.objects.get(&key);
        let uid = object.and_then(|o| o.body["metadata"]["uid"].as_str());
        let uid = uid.unwrap_or_default().to_owned();
        server.edit(&key, ("kubectl-annotate", ""), &path, value.clone());
        self.added.push((key, uid, path, value));
    }

    /// An autoscaler takes the number of pods.
    fn scale(&mut self) {
        let Some(key) = self.some().filter(|key| key.group_kind.kind == WIDGET) else {
            return;
        };
        let value: Value = (3 + self.dice.below(5)).into();
        self.touch(&key);
        let who = ("kube-controller-manager", "scale");
        self.world.server().edit(&key, who, SCALED, value);
    }

    /// Something keeps an object from going, or lets it go.
    fn hold_back(&mut self) {
        let Some(key) = self.some() else { return };
        let value = match self.dice.one_in(2) {
            true => json!(["example.dev/hold"]),
            false => json!([]),
        };
        self.touch(&key);
        let who = ("holder", "");
        let path = "/metadata/finalizers";
        self.world.server().edit(&key, who, path, value);
    }

    /// The end of all trouble; what does not come to rest.
    async fn end(&mut self) -> Vec<String> {
        self.world.weather.store(0, Ordering::Relaxed);
        self.world.remote().down = false;
        self.suspend(|_| false);
        let sets = self.world.remote().valid().sets.clone();
        self.push(sets, true);
        sleep(CALM).await;
        let sets = self.last_commit();
        self.push(sets.clone(), true);
        let began = self.world.time();
        while let Some(first) = self.unsettled(&sets).first().cloned() {
            if self.world.time() > began + PATIENCE {
                let said = self.world.server().status.story.clone();
                return vec![format!("it does not come to rest: {first} ({said})")];
            }
            sleep(Duration::from_secs(5)).await;
        }
        sleep(INTERVAL).await;
        let before = self.world.server().writes;
        sleep(INTERVAL * 10).await;
        let written = self.world.server().writes - before;
        let mut wrong = self.unsettled(&sets);
        if written > 0 {
            wrong.push(format!("{written} writes, and nothing to do"));
        }
        wrong
    }

    /// What a person commits who cleans up: at most one object goes of each set, and nothing of that name
    /// belongs to others.
    fn last_commit(&mut self) -> Vec<Rendered> {
        let mut sets = self.world.remote().valid().sets.clone();
        let commits = self.world.server().judge.commits.clone();
        let mut server = self.world.server();
        let wanted = sets.iter().flat_map(|r| r.objects.keys().cloned());
        let mut wanted: Vec<ObjectKey> = wanted.collect();
        for rendered in &mut sets {
            let Some((_, books)) = server.books.get(&rendered.set) else {
                continue;
            };
            let gone = books.entries.keys().filter(|key| !wanted.contains(key));
            let gone: Vec<ObjectKey> = gone.skip(1).cloned().collect();
            for key in gone {
                let mut all = commits.values().flatten();
                let before = all.find_map(|r| r.objects.get(&key)).unwrap();
                let mut object = before.clone();
                object.needs.clear();
                rendered.objects.insert(key.clone(), object);
                wanted.push(key);
            }
        }
        let (all, now) = (server.objects.keys().cloned(), self.world.time());
        for key in all.collect::<Vec<_>>() {
            server.judge.touched(&key, now);
            server.edit(&key, ("holder", ""), "/metadata/finalizers", json!([]));
            if server
                .objects
                .get(&key)
                .is_some_and(|object| !object.is_ours())
            {
                server.remove(&key);
            }
        }
        sets
    }

    /// I3, I4 and I7 at the end.
    fn unsettled(&self, sets: &[Rendered]) -> Vec<String> {
        let (server, head) = (self.world.server(), self.world.remote().head.clone());
        let mut out = Vec::new();
        if applied(&server.status) != Some(head.as_str()) {
            out.push(format!("the status does not say that {head} is applied"));
        }
        for rendered in sets {
            let wrong = missing(rendered, &server.objects).into_iter();
            out.extend(wrong.map(|(key, why)| format!("{key} {why}")));
            let books = server.books.get(&rendered.set).map(|(_, books)| books);
            let entries = books.map(|books| &books.entries);
            let entries = entries.into_iter().flatten();
            out.extend(
                entries
                    .filter(|(key, _)| !rendered.objects.contains_key(key))
                    .map(|(key, _)| format!("{key} is in the books still")),
            );
            for key in rendered.objects.keys() {
                let entry = books.and_then(|books| books.entries.get(key));
                let object = server.objects.get(key);
                let uid = object.and_then(|o| o.body["metadata"]["uid"].as_str());
                if uid.is_none() || entry.and_then(Entry::uid) != uid {
                    out.push(format!("{key} is not in the books as it is"));
                }
            }
        }
        let wanted = |key: &ObjectKey| sets.iter().any(|r| r.objects.contains_key(key));
        let ours = server.objects.iter().filter(|(_, object)| object.is_ours());
        out.extend(
            ours.filter(|(key, _)| !wanted(key))
                .map(|(key, _)| format!("{key} is ours and nobody wants it")),
        );
        for (key, uid, path, value) in &self.added {
            let object = server.objects.get(key).map(|object| &object.body);
            let same = object.filter(|body| body["metadata"]["uid"] == uid.as_str());
            if same.is_some_and(|body| body.pointer(path) != Some(value)) {
                out.push(format!("{path} of {key} was added by people and is gone"));
            }
        }
        out
    }
}
