//! Commands in comments of pull requests: heard by calls of the forge, read from the forge itself and judged
//! by what it says of their author when they are carried out, answered in one comment.
//!
//! ```text
//! call → the comment, its author and the pull request, asked of the forge → words, decide (pure) → plan, hold or apply → answer
//! ```
//!
//! Commands of one repository are carried out one after the other, few wait, and each comment counts once.
//! Nothing of an unmerged commit reaches a cluster, and nothing that somebody wrote reaches a shell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::book::Book;
use self::decide::{Allowed, Decision, Facts, May, decide};
use self::lanes::{Lanes, Place};
use self::reading::{Room, Scene};
use self::words::{Command, Odd};
use super::forges::Desk;
use super::{Kept, Shared, verdict};
use crate::adapters::sync::{Release, Sync};
use crate::apply::cluster::Cluster as _;
use crate::plan::display::escape;
use crate::report::forge::webhook::{Deliveries, Delivery, Event};
use crate::report::forge::{
    Forge as _, ForgeError, Instance, Permission, Pull, PullNumber, Remark, comment,
};
use crate::source::address::RemoteAddress;

mod apply;
mod book;
pub mod decide;
mod entitled;
mod hold;
mod lanes;
mod plan;
mod reading;
pub mod words;

/// Commands that are carried out at the same time.
const AT_ONCE: usize = 2;
/// The shortest time between two commands of one repository.
const BEAT: Duration = Duration::from_secs(2);
/// Longest time for one command.
const LONGEST: Duration = Duration::from_mins(5);
/// A command that waited for longer is about something else by now.
const STALE: Duration = Duration::from_mins(10);
/// A comment that is older was told before, and not by a forge that tries again: which ones were heard is
/// forgotten with every start.
const OLD: SignedDuration = SignedDuration::from_hours(1);
/// Syncs that one command is about.
const MOST_SYNCS: usize = 50;
/// Most characters of a name in the log.
const MOST_NAME: usize = 100;

/// A command that was heard, and not yet believed.
#[derive(Debug, Clone)]
pub struct Call {
    /// The Sync whose secret signed it.
    pub name: String,
    /// The repository, as the call says.
    pub repository: String,
    /// The pull request.
    pub pull: PullNumber,
    /// The comment.
    pub comment: u64,
    /// Who wrote it, as the call says.
    pub user: String,
    /// What is asked, as the call says.
    pub command: Result<Command, Odd>,
    at: Instant,
}

impl Call {
    /// The command in an event, if there is one.
    pub fn of(name: &str, event: &Event) -> Option<Self> {
        match event {
            Event::Comment {
                repository,
                id,
                pull,
                user,
                text,
            } => Some(Self {
                name: name.to_owned(),
                repository: repository.clone(),
                pull: *pull,
                comment: *id,
                user: user.clone(),
                command: words::read(text)?,
                at: Instant::now(),
            }),
            Event::Push { .. } | Event::Pull(_) | Event::Ping | Event::Other => None,
        }
    }

    fn log(&self, ended: &str, said: &str) {
        let command = self
            .command
            .as_ref()
            .map_or("odd", |command| command.word());
        let user: String = escape::line(&self.user).chars().take(MOST_NAME).collect();
        tracing::info!(
            sync = self.name,
            pull = %self.pull,
            comment = self.comment,
            user,
            command,
            ended,
            said,
            "a command in a comment"
        );
    }
}

/// What became of a command.
enum Answer {
    /// Nothing was answered.
    Silence(&'static str),
    /// It was refused, in one sentence.
    Refused(String),
    /// It was done.
    Done,
}

/// Carries commands out.
pub(super) struct Commander {
    allowed: Allowed,
    known: Mutex<Deliveries>,
    lanes: Arc<Lanes>,
    places: Arc<Semaphore>,
}

impl Commander {
    /// One that carries out what is switched on.
    pub(super) fn new(allowed: Allowed) -> Arc<Self> {
        Arc::new(Self {
            allowed,
            known: Mutex::default(),
            lanes: Arc::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Whether anything is switched on.
    pub(super) fn listens(&self) -> bool {
        self.allowed.any()
    }

    /// Begins with a command, unless it is known or too many wait.
    pub(super) fn hear(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        (kept, tasks): (&BTreeMap<String, Kept>, &mut JoinSet<()>),
        call: Call,
        term: &CancellationToken,
    ) {
        let Some((repository, meant)) = of_repository(kept, &call.name) else {
            call.log("silence", "the Sync is not kept");
            return;
        };
        if !is_path_of(&repository, &call.repository) {
            call.log("silence", "it is about another repository than the Sync");
            return;
        }
        let repository = repository.to_string();
        if !self.is_new(&repository, &call) {
            call.log("silence", "the comment was heard before");
            return;
        }
        let Some(place) = self.lanes.place(repository, &call.user) else {
            call.log("silence", "too many commands wait");
            return;
        };
        let (this, shared) = (Arc::clone(self), Arc::clone(shared));
        let stop = term.child_token();
        drop(tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = Box::pin(this.carry_out(&shared, &call, &meant, &place)) => {}
            }
        }));
    }

    fn is_new(&self, repository: &str, call: &Call) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_new(&Delivery {
            id: Some(format!("{repository} {}", call.comment)),
            event: Event::Other,
        })
    }

    async fn carry_out(&self, shared: &Shared, call: &Call, meant: &Meant, place: &Place) {
        let turn = place.turn.lock().await;
        let room = Arc::clone(&self.places).acquire_owned().await;
        let room = room.ok().map(Arc::new);
        let ended = match call.at.elapsed() > STALE {
            true => Ok(Ok(Answer::Silence("it waited for too long"))),
            false => {
                let attempt = self.attempt(shared, (call, place), meant, &room);
                timeout(LONGEST, Box::pin(attempt)).await
            }
        };
        drop(room);
        match ended {
            Ok(Ok(Answer::Done)) => call.log("done", ""),
            Ok(Ok(Answer::Refused(why))) => call.log("refused", &why),
            Ok(Ok(Answer::Silence(why))) => call.log("silence", why),
            Ok(Err(error)) => call.log("failed", &error.to_string()),
            Err(_) => call.log("failed", "it took too long"),
        }
        sleep(BEAT).await;
        drop(turn);
    }

    async fn attempt(
        &self,
        shared: &Shared,
        (call, place): (&Call, &Place),
        Meant { syncs, gates }: &Meant,
        room: &Room,
    ) -> Result<Answer, ForgeError> {
        let named = syncs.iter().find(|sync| sync.name_any() == call.name);
        let Some(named) = named else {
            return Ok(Answer::Silence("the Sync is not kept"));
        };
        let Some(desk) = shared.tools.forges.desk(&named.spec.repository)? else {
            return Ok(Answer::Silence("no forge is known for its host"));
        };
        let Some(remark) = desk.forge.remark(call.pull, call.comment).await? else {
            return Ok(Answer::Silence("the forge knows of no such comment"));
        };
        if let Some(why) = past(&remark, shared.tools.cluster.now()) {
            return Ok(Answer::Silence(why));
        }
        let Some(command) = words::read(&remark.text) else {
            return Ok(Answer::Silence("the comment holds no command"));
        };
        let may = may(&desk, &remark.author).await?;
        if remark.author.eq_ignore_ascii_case(&call.user) {
            place.learn(may > May::Nothing);
        }
        let pull = desk.forge.pull(call.pull).await?;
        let (following, left) = following(syncs, named, &pull);
        let facts = Facts {
            pull: &pull,
            followed: !following.is_empty(),
            may,
            allowed: self.allowed,
        };
        let decision = decide(&command, facts);
        let scene = Scene {
            tools: &shared.tools,
            desk: &desk,
            pull: &pull,
            syncs: &following,
            gates,
            left,
            user: &remark.author,
            may,
            room,
        };
        let name = format!("{}-commands", call.name);
        let Some(instance) = verdict::instance(&named.spec.cluster, &name) else {
            return Ok(Answer::Silence("the cluster has no name to answer with"));
        };
        let book = Book::new(&scene, named, (call.comment, &command));
        answer(shared, (&scene, &book), (&instance, call.comment), decision).await
    }
}

/// Where plans of Syncs are let go, by their names.
type Gates = BTreeMap<String, mpsc::Sender<Release>>;

/// Whom the commands of a repository may be for.
struct Meant {
    syncs: Vec<Arc<Sync>>,
    gates: Gates,
}

/// Does what was decided, and says so, in the audit trail first.
async fn answer(
    shared: &Shared,
    (scene, book): (&Scene<'_>, &Book<'_>),
    (instance, comment): (&Instance, u64),
    decision: Decision,
) -> Result<Answer, ForgeError> {
    let reply = |said: &str| comment::reply(instance, comment, &format!("kubemate: {said}."));
    let said = match decision {
        Decision::Silence(why) => return Ok(Answer::Silence(why)),
        Decision::Refuse(why) => Err(why),
        Decision::Plan => {
            let plan = plan::plan(scene, instance).await;
            plan.map_err(|why| format!("there is no plan: {why}"))
        }
        Decision::Hold(asked) => match book.asked().await {
            Ok(()) => {
                let held = hold::hold(scene, shared.client.clone(), &asked).await;
                held.map(|sentence| reply(&sentence))
            }
            Err(why) => Err(why),
        },
        Decision::Apply(None) => {
            let (said, lines) = apply::told(scene.syncs);
            let said = format!("kubemate: {said}.");
            Ok(comment::reply_with(instance, comment, &said, &lines))
        }
        Decision::Apply(Some(plan)) => match book.asked().await {
            Ok(()) => {
                let gone = apply::let_go(scene, &plan).await;
                gone.map(|sentence| reply(&sentence))
            }
            Err(why) => Err(why),
        },
    };
    book.answered(said.as_ref().err()).await;
    let (text, answer) = match said {
        Ok(text) => (text, Answer::Done),
        Err(why) => (reply(&why), Answer::Refused(why)),
    };
    let forge = &scene.desk.forge;
    forge.put_comment(scene.pull.number, &text).await?;
    Ok(answer)
}

/// Why a comment does not say what somebody wants now.
fn past(remark: &Remark, now: Timestamp) -> Option<&'static str> {
    if remark.edited {
        return Some("the comment was edited");
    }
    let old = now.duration_since(remark.written) > OLD;
    old.then_some("the comment was written long ago")
}

/// What somebody may, by the word of the forge at this moment.
async fn may(desk: &Desk, user: &str) -> Result<May, ForgeError> {
    let permission = desk.forge.permission(user).await?;
    // Only of those who may do no more than everybody may is it asked whether they were let in.
    let collaborator = match permission {
        Permission::Read => desk.forge.is_collaborator(user).await?,
        Permission::None | Permission::Write | Permission::Admin => false,
    };
    Ok(May::of(permission, collaborator))
}

/// Whether a forge calls the repository at this address so.
fn is_path_of(address: &RemoteAddress, called: &str) -> bool {
    let path = address.path();
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.eq_ignore_ascii_case(called)
}

/// All Syncs of the repository of a named one, with its address.
fn of_repository(kept: &BTreeMap<String, Kept>, name: &str) -> Option<(RemoteAddress, Meant)> {
    let address = |kept: &Kept| RemoteAddress::parse(&kept.specs.borrow().spec.repository).ok();
    let ours = kept.get(name).and_then(address)?;
    let (mut syncs, mut gates) = (Vec::new(), Gates::new());
    for (name, kept) in kept {
        if address(kept).as_ref() == Some(&ours) {
            syncs.push(Arc::clone(&kept.specs.borrow()));
            gates.insert(name.clone(), kept.gate.clone());
        }
    }
    Some((ours, Meant { syncs, gates }))
}

/// The Syncs that follow the branch of a pull request, for one directory, and how many are left out.
fn following(syncs: &[Arc<Sync>], named: &Arc<Sync>, pull: &Pull) -> (Vec<Arc<Sync>>, usize) {
    let branch = format!("refs/heads/{}", pull.target);
    let follows = |sync: &&Arc<Sync>| sync.spec.reference == branch;
    let first = [named].into_iter().chain(syncs).find(follows);
    let path = first.map(|sync| sync.spec.path.clone());
    let all: Vec<&Arc<Sync>> = syncs.iter().filter(follows).collect();
    let meant = all
        .iter()
        .filter(|sync| Some(&sync.spec.path) == path.as_ref());
    let meant: Vec<Arc<Sync>> = meant.take(MOST_SYNCS).copied().cloned().collect();
    let left = all.len() - meant.len();
    (meant, left)
}

#[cfg(test)]
mod tests;
