//! The order of execution: what may start, what is under way, what can no longer be done.
//!
//! One loop owns all state; everything that talks to the cluster is a future of its own. Waits for
//! health do not take the place of writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use crate::apply::books::{self, Books};
use crate::apply::cluster::{Cluster, Lease, Stored};
use crate::apply::outcome::{Because, Halt, Outcome, Report, StepReport};
use crate::apply::perform::{Effect, Written, target_of};
use crate::apply::problem::{Problem, ProblemKind};
use crate::apply::tries::{leave, perform};
use crate::apply::wait::{self, Pace, Waiting};
use crate::apply::{Progress, Run};
use crate::health::{Health, completion};
use crate::object::ObjectKey;
use crate::plan::Plan;
use crate::plan::observed::Live;
use crate::plan::step::{Step, StepId, Until};

/// What a future brings.
enum Event {
    Performed(usize, Result<Effect, Halt>),
    Left(usize, Result<Written, Halt>),
    Verdict(ObjectKey, Result<Health, Problem>),
    Stored(Result<Stored, Problem>),
    Renewed(Result<Lease, Problem>),
}

/// A step on its way.
enum State {
    Waiting,
    UnderWay,
    Ended(Outcome),
}

/// What one question about a step's turn says.
enum Turn {
    Go,
    NotYet,
    Never(Because),
}

/// The state of one run.
pub(super) struct Executor<'a, C> {
    cluster: &'a C,
    run: Run<'a>,
    states: Vec<State>,
    /// Steps that did not begin, in the plan's order.
    waiting: Vec<usize>,
    /// Steps that did not end.
    open: usize,
    /// Writes that did not end well yet, and those that never will.
    writes_open: usize,
    writes_missing: usize,
    places: BTreeMap<StepId, usize>,
    /// Verdicts that were waited for; none while the wait is on.
    health: BTreeMap<ObjectKey, Option<Health>>,
    /// Waits that are on.
    awaited: usize,
    pace: Arc<Pace>,
    books: Books,
    storing: bool,
    closed: Option<Problem>,
    lease: Lease,
    lease_lost: bool,
    renewing: bool,
    writing: usize,
    deadline: Instant,
    events: FuturesUnordered<BoxFuture<'a, Event>>,
}

impl<'a, C: Cluster> Executor<'a, C> {
    pub(super) fn new(cluster: &'a C, run: Run<'a>, books: Books, lease: Lease) -> Self {
        let steps = &run.plan.steps;
        Self {
            cluster,
            run,
            states: steps.iter().map(|_| State::Waiting).collect(),
            waiting: (0..steps.len()).collect(),
            open: steps.len(),
            writes_open: steps.iter().filter(|step| step.action.writes()).count(),
            writes_missing: 0,
            places: steps
                .iter()
                .enumerate()
                .map(|(at, step)| (step.id, at))
                .collect(),
            health: BTreeMap::new(),
            awaited: 0,
            pace: Arc::default(),
            books,
            storing: false,
            closed: None,
            lease,
            lease_lost: false,
            renewing: true,
            writing: 0,
            deadline: Instant::now() + run.options.patience,
            events: FuturesUnordered::new(),
        }
    }

    /// Until every step has ended, every wait is over and everything is written down; also when
    /// nothing is under way any more, as in a plan whose steps wait for each other.
    pub(super) async fn run(mut self) -> (Report, Lease) {
        let renewal = self.renewal();
        self.events.push(renewal);
        loop {
            self.start_what_may();
            self.write_down();
            if self.finished() || self.events.len() <= usize::from(self.renewing) {
                break;
            }
            let Some(event) = self.events.next().await else {
                break;
            };
            self.take(event);
        }
        self.report()
    }

    /// Everything is done but the renewal of the lease.
    fn finished(&self) -> bool {
        self.open == 0 && !self.storing && self.awaited == 0 && !self.owes()
    }

    fn owes(&self) -> bool {
        self.closed.is_none() && self.books.due(true)
    }

    fn steps(&self) -> &'a [Step] {
        &self.run.plan.steps
    }

    /// Starts every step whose turn it is; repeated, since an end may decide others.
    fn start_what_may(&mut self) {
        let mut decided = true;
        while decided {
            decided = false;
            let mut rest = std::mem::take(&mut self.waiting).into_iter();
            while let Some(at) = rest.next() {
                if self.writing >= self.run.options.at_once {
                    self.waiting.push(at);
                    self.waiting.extend(rest);
                    break;
                }
                match self.turn(at) {
                    Turn::NotYet => self.waiting.push(at),
                    Turn::Go => self.start(at),
                    Turn::Never(because) => {
                        self.end(at, Outcome::NotAttempted { because });
                        decided = true;
                    }
                }
            }
        }
    }

    fn turn(&mut self, at: usize) -> Turn {
        let step = &self.steps()[at];
        if !step.held_by.is_empty() {
            return Turn::Never(Because::Held(step.held_by.clone()));
        }
        if let Some(because) = self.over() {
            return Turn::Never(because);
        }
        let mut turn = Turn::Go;
        for wait in &step.waits_for {
            match self.passed(wait.step, wait.until) {
                Turn::Go => {}
                Turn::NotYet => turn = Turn::NotYet,
                never @ Turn::Never(_) => return never,
            }
        }
        if Plan::after_all_writes(step) {
            match self.all_writes_done() {
                Turn::Go => {}
                Turn::NotYet => turn = Turn::NotYet,
                never @ Turn::Never(_) => return never,
            }
        }
        if matches!(turn, Turn::Go) {
            let needs: Vec<Turn> = step.needs.iter().map(|key| self.healthy(key)).collect();
            for need in needs {
                match need {
                    Turn::Go => {}
                    Turn::NotYet => turn = Turn::NotYet,
                    never @ Turn::Never(_) => return never,
                }
            }
        }
        turn
    }

    /// Why nothing more may begin.
    fn over(&self) -> Option<Because> {
        if self.run.stop.is_cancelled() {
            return Some(Because::CalledOff);
        }
        if self.closed.is_some() {
            return Some(Because::BooksClosed);
        }
        self.lease_lost.then_some(Because::LeaseLost)
    }

    fn passed(&mut self, step: StepId, until: Until) -> Turn {
        let Some(at) = self.places.get(&step).copied() else {
            return Turn::Never(Because::WritesMissing);
        };
        let key = &self.steps()[at].key;
        match (&self.states[at], until) {
            (State::Waiting | State::UnderWay, _) => Turn::NotYet,
            (State::Ended(Outcome::Done), Until::Done) => Turn::Go,
            (State::Ended(Outcome::Done), Until::Healthy) => self.healthy(key),
            (State::Ended(_), _) => Turn::Never(Because::Step(key.clone())),
        }
    }

    fn all_writes_done(&self) -> Turn {
        match (self.writes_open, self.writes_missing) {
            (0, 0) => Turn::Go,
            (_, 0) => Turn::NotYet,
            _ => Turn::Never(Because::WritesMissing),
        }
    }

    /// Whether an object is healthy; begins to wait for it when first asked.
    fn healthy(&mut self, key: &ObjectKey) -> Turn {
        match self.health.get(key) {
            Some(Some(health)) if health.is_settled() => Turn::Go,
            Some(Some(health)) => Turn::Never(Because::Unhealthy {
                key: key.clone(),
                why: health.why().to_owned(),
            }),
            Some(None) => Turn::NotYet,
            None => {
                self.wait_for(key.clone(), None);
                Turn::NotYet
            }
        }
    }

    /// Waits for an object; what the answer to a write shows as healthy needs no other look.
    fn wait_for(&mut self, key: ObjectKey, written: Option<Arc<Live>>) {
        let now = self.cluster.now();
        let verdict = written.as_ref().map(|live| completion(&live.body, now));
        if let Some(settled) = verdict.filter(Health::is_settled) {
            (self.run.progress)(Progress::Waits(&key, &settled));
            self.health.insert(key, Some(settled));
            return;
        }
        self.health.insert(key.clone(), None);
        self.awaited += 1;
        let waiting = self.waiting(&key);
        let (cluster, progress) = (self.cluster, self.run.progress);
        self.events.push(Box::pin(async move {
            let say = |health: &Health| progress(Progress::Waits(&key, health));
            let span = tracing::info_span!("health", kind = %key.group_kind);
            let verdict = wait::healthy(cluster, &waiting, written, &say).instrument(span);
            let verdict = verdict.await;
            Event::Verdict(key, verdict)
        }));
    }

    fn waiting(&self, key: &ObjectKey) -> Waiting {
        Waiting {
            target: target_of(key, self.run.rendered),
            deadline: self.deadline,
            stop: self.run.stop.clone(),
            pace: Arc::clone(&self.pace),
        }
    }

    fn start(&mut self, at: usize) {
        let step = &self.steps()[at];
        let entry = self.books.entry(&step.key).cloned();
        self.states[at] = State::UnderWay;
        self.writing += 1;
        (self.run.progress)(Progress::Begun(step));
        let (cluster, run) = (self.cluster, self.run);
        self.events.push(Box::pin(async move {
            Event::Performed(at, perform(cluster, run, step, entry).await)
        }));
    }

    /// Waits until what was deleted is gone; a replacement is then made.
    fn see_off(&mut self, at: usize, uid: String) {
        let step = &self.steps()[at];
        let waiting = self.waiting(&step.key);
        let (cluster, run) = (self.cluster, self.run);
        self.events.push(Box::pin(async move {
            Event::Left(at, leave(cluster, run, step, (waiting, uid)).await)
        }));
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Performed(at, Ok(Effect::Leaving { uid })) => {
                self.writing -= 1;
                self.see_off(at, uid);
            }
            Event::Performed(at, Ok(Effect::Done(written))) => {
                self.writing -= 1;
                self.done(at, written);
            }
            Event::Performed(at, Err(halt)) => {
                self.writing -= 1;
                self.end(at, halt.into());
            }
            Event::Left(at, Ok(written)) => self.done(at, written),
            Event::Left(at, Err(halt)) => self.end(at, halt.into()),
            Event::Verdict(key, verdict) => {
                let verdict = verdict.unwrap_or_else(|p| Health::Unknown { why: p.to_string() });
                self.health.insert(key, Some(verdict));
                self.awaited -= 1;
            }
            Event::Stored(stored) => self.page_written(stored),
            Event::Renewed(Ok(lease)) => {
                self.lease = lease;
                let renewal = self.renewal();
                self.events.push(renewal);
            }
            Event::Renewed(Err(problem)) => self.renewal_failed(&problem),
        }
    }

    fn done(&mut self, at: usize, written: Written) {
        let step = &self.steps()[at];
        if let Some(live) = &written.live {
            (self.run.progress)(Progress::Written(step, live));
        }
        self.books.note(&step.key, written.record);
        self.end(at, Outcome::Done);
        let waits = self.run.options.wait_for_health && step.action.writes();
        if waits && !self.health.contains_key(&step.key) {
            self.wait_for(step.key.clone(), written.live);
        }
    }

    fn end(&mut self, at: usize, outcome: Outcome) {
        (self.run.progress)(Progress::Ended(&self.steps()[at], &outcome));
        if self.steps()[at].action.writes() {
            self.writes_open -= 1;
            self.writes_missing += usize::from(outcome != Outcome::Done);
        }
        self.states[at] = State::Ended(outcome);
        self.open -= 1;
    }

    /// Writes the books when it is due, one page at a time.
    fn write_down(&mut self) {
        if self.storing || self.closed.is_some() || !self.books.due(self.writing == 0) {
            return;
        }
        self.storing = true;
        let (cluster, page) = (self.cluster, self.books.page());
        self.events.push(Box::pin(async move {
            Event::Stored(books::write(cluster, page).await)
        }));
    }

    fn page_written(&mut self, stored: Result<Stored, Problem>) {
        self.storing = false;
        match stored {
            Ok(stored) => self.books.written(stored),
            Err(problem) => self.closed = Some(problem),
        }
    }

    /// The lease is renewed three times as often as it would run out.
    fn renewal(&self) -> BoxFuture<'a, Event> {
        let (cluster, lease) = (self.cluster, self.lease.clone());
        Box::pin(async move {
            sleep(lease.valid / 3).await;
            let renewed = match cluster.renew_lease(&lease).await {
                Ok(lease) => Ok(lease),
                // A renewal whose answer was lost looks like a loss: the holder's name tells.
                Err(_) => {
                    cluster
                        .take_lease(&lease.set, &lease.holder, Duration::ZERO)
                        .await
                }
            };
            Event::Renewed(renewed)
        })
    }

    /// Someone else's lease ends the run; a call that failed is made again, in time or not: a stale
    /// holder is stopped by the preconditions of its writes.
    fn renewal_failed(&mut self, problem: &Problem) {
        if problem.kind == ProblemKind::Leased {
            self.lease_lost = true;
            self.renewing = false;
            return;
        }
        let renewal = self.renewal();
        self.events.push(renewal);
    }

    fn report(self) -> (Report, Lease) {
        let mut steps = BTreeMap::new();
        let written: BTreeSet<&ObjectKey> =
            self.run.plan.steps.iter().map(|step| &step.key).collect();
        for (step, state) in self.run.plan.steps.iter().zip(self.states) {
            let outcome = match state {
                State::Ended(outcome) => outcome,
                State::Waiting | State::UnderWay => Outcome::NotAttempted {
                    because: Because::CalledOff,
                },
            };
            let health = self.health.get(&step.key).cloned().flatten();
            let health = health.filter(|_| written.contains(&step.key));
            let (key, verb) = (step.key.clone(), step.action.verb());
            steps.insert(
                step.id,
                StepReport {
                    key,
                    verb,
                    outcome,
                    health,
                },
            );
        }
        let report = Report {
            set: self.run.plan.set.clone(),
            steps,
            stored: self.books.into_stored(),
            bookkeeping: self.closed,
        };
        (report, self.lease)
    }
}
