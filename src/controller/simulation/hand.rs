//! What one life of a replica reaches the world with: calls that take time, fail before or after their
//! effect, arrive late, or are the last thing that the life does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::dice::Dice;
use super::git::Remote;
use super::judge::{Caller, Sent};
use super::server::{Change, Server};
use crate::adapters::sync::{Shard, SyncStatus};
use crate::apply::cluster::Identity;
use crate::apply::problem::{Problem, ProblemKind};
use crate::controller::leader;
use crate::object::{GroupKind, ObjectKey};

/// Everything outside of the replicas.
pub(super) struct World {
    server: Mutex<Server>,
    remote: Mutex<Remote>,
    /// How many of a thousand calls go wrong in one way.
    pub(super) weather: AtomicU64,
    /// The generation of the Sync.
    pub(super) specs: watch::Sender<i64>,
    began: Instant,
}

impl World {
    pub(super) fn new(server: Server, remote: Remote) -> Self {
        Self {
            server: Mutex::new(server),
            remote: Mutex::new(remote),
            weather: AtomicU64::new(0),
            specs: watch::channel(1).0,
            began: Instant::now(),
        }
    }

    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap()
    }

    pub(super) fn remote(&self) -> MutexGuard<'_, Remote> {
        self.remote.lock().unwrap()
    }

    /// Time since the beginning.
    pub(super) fn time(&self) -> Duration {
        self.began.elapsed()
    }
}

/// One life.
pub(super) struct Hand {
    pub(super) world: Arc<World>,
    /// Its name, also on leases.
    pub(super) name: String,
    /// Cancelled when it dies.
    pub(super) death: CancellationToken,
    dice: Mutex<Dice>,
}

/// How a change goes.
enum Luck {
    Fine,
    Refused,
    Lost,
    Late,
}

impl Hand {
    pub(super) fn new(
        world: &Arc<World>,
        name: String,
        death: CancellationToken,
        dice: Dice,
    ) -> Self {
        Self {
            world: Arc::clone(world),
            name,
            death,
            dice: Mutex::new(dice),
        }
    }

    pub(super) fn dice(&self) -> MutexGuard<'_, Dice> {
        self.dice.lock().unwrap()
    }

    /// Who is dead does nothing any more.
    pub(super) async fn alive(&self) {
        if self.death.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn weather(&self) -> u64 {
        self.world.weather.load(Ordering::Relaxed)
    }

    /// Something that happens now and then while the weather is bad.
    pub(super) fn one_in(&self, n: u64) -> bool {
        self.weather() > 0 && self.dice().one_in(n)
    }

    fn fails(&self) -> bool {
        let weather = self.weather();
        self.dice().below(1000) < weather
    }

    async fn travel(&self) {
        let time = match self.one_in(100) {
            true => self.dice().millis(1000, 4000),
            false => self.dice().millis(1, 40),
        };
        sleep(time).await;
    }

    fn trouble(&self, what: &str) -> Problem {
        let kinds = [
            ProblemKind::Server,
            ProblemKind::NoCluster,
            ProblemKind::Throttled,
            ProblemKind::Timeout,
        ];
        let kind = self.dice().pick(&kinds).copied().unwrap();
        Problem::new(kind, what, "bad weather")
    }

    fn luck(&self) -> Luck {
        let weather = self.weather();
        let drawn = self.dice().below(1000);
        if drawn < weather {
            Luck::Refused
        } else if drawn < weather * 2 {
            Luck::Lost
        } else if drawn < weather * 5 / 2 {
            Luck::Late
        } else {
            Luck::Fine
        }
    }

    /// A question.
    pub(super) async fn ask<T: Send>(
        &self,
        what: &str,
        question: impl FnOnce(&mut Server) -> T + Send,
    ) -> Result<T, Problem> {
        self.alive().await;
        self.travel().await;
        if self.fails() {
            return Err(self.trouble(what));
        }
        let answer = question(&mut self.world.server());
        self.travel().await;
        self.alive().await;
        Ok(answer)
    }

    /// A change. With `late` it may have its effect after nobody waits for it any more.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        what: &str,
        late: bool,
        effect: impl FnOnce(&mut Server) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.alive().await;
        let lost = || Problem::new(ProblemKind::Unknown, what, "the connection broke");
        if self.one_in(120) {
            // The last call of this life; it arrives or not.
            if self.dice().one_in(2) {
                drop(effect(&mut self.world.server()));
            }
            self.death.cancel();
            return std::future::pending().await;
        }
        self.travel().await;
        self.alive().await;
        let luck = match self.luck() {
            Luck::Late if !late => Luck::Lost,
            luck => luck,
        };
        let done = match luck {
            Luck::Refused => return Err(self.trouble(what)),
            Luck::Late => {
                let (world, time) = (Arc::clone(&self.world), self.dice().seconds(1, 20));
                drop(tokio::spawn(async move {
                    sleep(time).await;
                    drop(effect(&mut world.server()));
                }));
                return Err(lost());
            }
            Luck::Lost | Luck::Fine => effect(&mut self.world.server()),
        };
        if self.one_in(120) {
            self.death.cancel();
        }
        self.alive().await;
        self.travel().await;
        self.alive().await;
        match luck {
            Luck::Lost => Err(lost()),
            Luck::Fine | Luck::Refused | Luck::Late => done,
        }
    }

    pub(super) fn caller(&self, identity: &Identity) -> Caller {
        Caller {
            life: self.name.clone(),
            identity: identity.clone(),
        }
    }

    /// Shows the judge what is sent, by who lives.
    pub(super) fn sends(&self, by: &Caller, key: &ObjectKey, sent: &Sent<'_>) {
        if self.death.is_cancelled() {
            return;
        }
        let (seat, now) = (leader::seat(&Shard::default()), self.world.time());
        let mut server = self.world.server();
        server.judge.sends(by, key, sent, (&seat, now));
    }

    /// What is there of a kind, and since when changes follow.
    pub(super) async fn list_kind(&self, kind: &GroupKind) -> Result<(Vec<Change>, u64), Problem> {
        let kind = kind.clone();
        self.ask("list a kind", move |server| {
            let objects = server.objects.iter();
            let of = objects.filter(|(key, _)| key.group_kind == kind);
            let all = of.map(|(key, object)| (0, key.clone(), Some(object.whole())));
            (all.collect(), server.version())
        })
        .await
    }

    /// Writes the status of the Sync, after a pass with the time when it began. False if that failed.
    pub(super) async fn report(&self, status: &SyncStatus, began: Option<Duration>) -> bool {
        let (life, status) = (self.name.clone(), status.clone());
        let (world, seat) = (Arc::clone(&self.world), leader::seat(&Shard::default()));
        let written = self.change("write the status", false, move |server| {
            server.judge.reports(&life, (&seat, world.time()));
            server.report(&life, &status, began);
            Ok(())
        });
        written.await.is_ok()
    }
}
