//! Waits until one object is as it should be, or gone, or will never be, or time is up.
//!
//! A watch drives it; a read comes first, after every end of the watch, and before "gone" is believed.
//! It holds no place among the writes, ends at its deadline, and at once when it is called off.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::apply::again::may_mend;
use crate::apply::cluster::{Cluster, Seen, Target};
use crate::apply::pods::pods;
use crate::apply::problem::{Problem, ProblemKind};
use crate::health::{Health, completion};
use crate::plan::observed::Live;

/// How often an object is judged again though nothing was seen: some verdicts come with time.
const LOOK: Duration = Duration::from_secs(3);
/// For how long pods must look stuck before the wait is given up.
const STUCK_FOR: Duration = Duration::from_secs(10);
/// The first pause after the end of a watch; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The same where only the place in the watch was missed.
const SHORT_PAUSE: Duration = Duration::from_millis(10);
/// From when on the pods are asked why it takes so long.
const ASK_PODS_AFTER: Duration = Duration::from_secs(1);
/// How often they are asked at most, over all waits of a run.
const ASK_PODS_EVERY: Duration = Duration::from_millis(250);
/// How much longer than an answer took the pause before the next question is: it is asked for what can
/// be seen, and must not take from a busy server what it works on.
const PODS_PAUSE: u32 = 20;
/// The longest of these pauses: well below the time after which a wait looks again, or one that asked
/// would come back just when it may, and nobody else would ever have a turn.
const LONGEST_PODS_PAUSE: Duration = Duration::from_secs(1);

/// Where a Job says that it is deleted when it has ended.
const TIME_TO_LIVE: &str = "/spec/ttlSecondsAfterFinished";

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The object.
    pub target: Target,
    /// The end of patience.
    pub deadline: Instant,
    /// Calls the wait off.
    pub stop: CancellationToken,
    /// What all waits of a run have in common.
    pub pace: Arc<Pace>,
}

/// How often pods may be asked, so that a thousand waits together ask no more than a few.
#[derive(Debug, Default)]
pub struct Pace {
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Whether it is someone's turn to ask.
    fn turn(&self) -> bool {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_some_and(|next| now < next) {
            return false;
        }
        *next = Some(now + ASK_PODS_EVERY);
        true
    }

    /// An answer took so long.
    fn took(&self, time: Duration) {
        let pause = (time * PODS_PAUSE).clamp(ASK_PODS_EVERY, LONGEST_PODS_PAUSE);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(Instant::now() + pause);
    }
}

/// Waits until the object is healthy, what runs to completion until it has succeeded. It begins with
/// what was `seen` already, if anything. `say` hears every change of the verdict. The answer is the last
/// verdict, whatever ended the wait.
pub async fn healthy<C: Cluster>(
    cluster: &C,
    waiting: &Waiting,
    seen: Option<Arc<Live>>,
    say: &(dyn Fn(&Health) + Send + Sync),
) -> Result<Health, Problem> {
    let gone_by_itself = |live: &Live| live.body.pointer(TIME_TO_LIVE).is_some();
    let mut cleans_up = seen.as_ref().is_some_and(|live| gone_by_itself(live));
    let mut watcher = Watcher::new(cluster, waiting, seen);
    let mut opinion = Opinion::new();
    loop {
        let seen = watcher.next().await?;
        if let Look::At(live) = &seen {
            cleans_up = gone_by_itself(live);
        }
        let verdict = match &seen {
            Look::Over => return Ok(opinion.last),
            // How it ended is not known, and no wait will tell.
            Look::Gone if cleans_up => {
                return Ok(unknown(
                    "it ended and was cleaned away before its end was seen",
                ));
            }
            Look::Gone => unknown("it does not exist"),
            Look::Unread(why) => unknown(why),
            Look::At(live) => completion(&live.body, cluster.now()),
        };
        let verdict = match (&verdict, &seen) {
            (Health::InProgress { .. }, Look::At(live)) => {
                opinion.explained(cluster, waiting, live, verdict).await
            }
            _ => verdict,
        };
        if verdict != opinion.last {
            say(&verdict);
            opinion.last = verdict;
        }
        if opinion.last.is_settled() || matches!(opinion.last, Health::Failed { .. }) {
            return Ok(opinion.last);
        }
    }
}

/// What is thought of an object while it is waited for.
struct Opinion {
    /// The last verdict, with what the pods say.
    last: Health,
    /// What it was before the pods were asked.
    plain: Option<Health>,
    since: Instant,
    stuck_since: Option<Instant>,
}

impl Opinion {
    fn new() -> Self {
        Self {
            last: unknown("it was not read yet"),
            plain: None,
            since: Instant::now(),
            stuck_since: None,
        }
    }

    /// A verdict with what the pods say, where it is time to ask them; else what they said before.
    async fn explained<C: Cluster>(
        &mut self,
        cluster: &C,
        waiting: &Waiting,
        live: &Live,
        verdict: Health,
    ) -> Health {
        if self.since.elapsed() < ASK_PODS_AFTER || !waiting.pace.turn() {
            let same = self.plain.as_ref() == Some(&verdict);
            return if same { self.last.clone() } else { verdict };
        }
        let asked = Instant::now();
        let (explained, stuck) = explain(cluster, live, &verdict).await;
        waiting.pace.took(asked.elapsed());
        self.plain = Some(verdict);
        self.stuck_since = self
            .stuck_since
            .filter(|_| stuck)
            .or_else(|| stuck.then(Instant::now));
        match self.stuck_since {
            Some(since) if since.elapsed() >= STUCK_FOR => Health::Failed {
                why: explained.why().to_owned(),
            },
            _ => explained,
        }
    }
}

/// Judges once more what was not healthy, and waits until the deadline where it may mend: a failure that
/// an object reports of itself can end when another object appears. At least one look is taken.
pub async fn again<C: Cluster>(cluster: &C, waiting: &Waiting) -> Result<Health, Problem> {
    let Some(live) = cluster.read(&waiting.target).await? else {
        return Ok(unknown("it does not exist"));
    };
    let mut last = completion(&live.body, cluster.now());
    if !may_mend(&waiting.target.key.group_kind, &live.body) {
        return Ok(last);
    }
    let mut watcher = Watcher::new(cluster, waiting, None);
    while !last.is_settled() {
        last = match watcher.next().await? {
            Look::Over => return Ok(last),
            Look::Gone => unknown("it does not exist"),
            Look::Unread(why) => unknown(&why),
            Look::At(live) => completion(&live.body, cluster.now()),
        };
    }
    Ok(last)
}

/// Waits until no object of this UID exists; otherwise says what it waits for.
pub async fn gone<C: Cluster>(
    cluster: &C,
    waiting: &Waiting,
    uid: &str,
) -> Result<Result<(), String>, Problem> {
    let mut watcher = Watcher::new(cluster, waiting, None);
    let mut why = "it was not read yet".to_owned();
    loop {
        match watcher.next().await? {
            Look::Over => return Ok(Err(why)),
            Look::Gone => return Ok(Ok(())),
            Look::At(live) if live.uid != uid => return Ok(Ok(())),
            Look::Unread(said) => why = said,
            Look::At(live) => {
                why = match live.finalizers().join(", ") {
                    none if none.is_empty() => "it is being deleted".into(),
                    names => format!("it waits for its finalizers: {names}"),
                };
            }
        }
    }
}

/// Says what the pods say; and whether they are stuck.
async fn explain<C: Cluster>(cluster: &C, live: &Live, verdict: &Health) -> (Health, bool) {
    let Some(pods) = pods(cluster, live).await else {
        return (verdict.clone(), false);
    };
    let why = match pods.sentence() {
        Some(sentence) => format!("{}; {sentence}", verdict.why()),
        None => verdict.why().to_owned(),
    };
    (Health::InProgress { why }, pods.stuck())
}

fn unknown(why: &str) -> Health {
    Health::Unknown {
        why: why.to_owned(),
    }
}

/// One look at the object.
enum Look {
    /// It is so.
    At(Arc<Live>),
    /// The API server says that it does not exist.
    Gone,
    /// It could not be read just now.
    Unread(String),
    /// Time is up, or the wait was called off.
    Over,
}

type Events = futures::stream::BoxStream<'static, Result<Seen, Problem>>;

/// Reads, then watches, then reads again.
struct Watcher<'a, C> {
    cluster: &'a C,
    waiting: &'a Waiting,
    events: Option<Events>,
    last: Option<Arc<Live>>,
    pause: Duration,
}

impl<'a, C: Cluster> Watcher<'a, C> {
    fn new(cluster: &'a C, waiting: &'a Waiting, seen: Option<Arc<Live>>) -> Self {
        let events = seen
            .as_ref()
            .map(|live| cluster.watch(&waiting.target, live));
        Self {
            cluster,
            waiting,
            events,
            last: seen,
            pause: Duration::ZERO,
        }
    }

    /// The next look; an error only where waiting cannot help.
    async fn next(&mut self) -> Result<Look, Problem> {
        let (deadline, stop) = (self.waiting.deadline, self.waiting.stop.clone());
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(Look::Over),
            () = sleep_until(deadline) => Ok(Look::Over),
            look = self.look() => look,
        }
    }

    async fn look(&mut self) -> Result<Look, Problem> {
        if let (Some(events), Some(last)) = (&mut self.events, &self.last) {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(Seen::Present(live))) => {
                        self.last = Some(live.clone());
                        self.pause = Duration::ZERO;
                        return Ok(Look::At(live));
                    }
                    Some(Ok(Seen::Gone)) => self.events = None,
                    Some(Err(problem)) if problem.kind == ProblemKind::Stale => {
                        self.events = None;
                        self.pause = (self.pause * 2).clamp(SHORT_PAUSE, LONGEST_PAUSE);
                    }
                    Some(Err(_)) | None => {
                        self.events = None;
                        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    }
                },
                () = tokio::time::sleep(LOOK) => return Ok(Look::At(last.clone())),
            }
        }
        self.read().await
    }

    async fn read(&mut self) -> Result<Look, Problem> {
        tokio::time::sleep(self.pause).await;
        match self.cluster.read(&self.waiting.target).await {
            Ok(Some(live)) => {
                self.events = Some(self.cluster.watch(&self.waiting.target, &live));
                let live = Arc::new(live);
                self.last = Some(live.clone());
                Ok(Look::At(live))
            }
            Ok(None) => {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                Ok(Look::Gone)
            }
            Err(problem) if problem.kind.passes() => {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                Ok(Look::Unread(problem.to_string()))
            }
            Err(problem) => Err(problem),
        }
    }
}
