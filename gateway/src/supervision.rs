//! Watching over connections: their time limits, and the permits of what they carry.
//!
//! A timer for each wait of each request costs more than the rest of the wait. So a connection only notes what it waits
//! for, and since when by a coarse clock; the supervisor of its worker looks at all of them a few times a second, and
//! at once when the snapshot changes.
//!
//! ```text
//!   Idle ── call allowed ─► Waiting ── response's head ─► Streaming ── body's end ─► Idle
//!    └ request_head: cut      └ response_head, body_idle,    └ permit ends: cut
//!                               permit ends: answered
//! ```
//!
//! A response may be over before the request's body is: the call streams until both are.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use domain::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::{answer::Refused, config::Timeouts, permit::Permit, progress::Progress, snapshot::SnapshotReader};

/// After a change, the next one is looked at no sooner than this. Many changes then cost each exchange a few looks a
/// second, and none outlives its permit by a second.
const SHORTEST_BETWEEN_CHECKS: Duration = Duration::from_millis(200);
/// The longest between two looks at the clock, and so how much later than configured a limit may strike.
const LONGEST_TICK: Duration = Duration::from_millis(250);
const SHORTEST_TICK: Duration = Duration::from_millis(10);

/// Milliseconds since the worker began, as of the last tick: reading it costs next to nothing.
#[derive(Debug)]
pub(crate) struct CoarseClock {
    began: Instant,
    millis: AtomicU64,
}

impl CoarseClock {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            millis: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.millis.load(Ordering::Relaxed)
    }

    fn tick(&self) -> u64 {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
        millis
    }
}

/// What a connection is doing.
#[derive(Debug)]
enum Phase {
    /// Waiting for a request's head, or reading one, since then.
    Idle { since: u64 },
    /// A call is with its upstream.
    Waiting {
        permit: Permit,
        since: u64,
        progress: Option<Arc<Progress>>,
    },
    /// A response streams, or it is over and the rest of the request's body still does.
    Streaming {
        permit: Permit,
        progress: Option<Arc<Progress>>,
        is_answered: bool,
    },
    /// A tunnel, which looks after itself.
    Tunnel,
}

/// The connection is to be broken off.
const CUT: u8 = 1;
/// The gateway stops: the next answer is the last.
const STOP: u8 = 2;
/// No further request is taken.
const CLOSE: u8 = 4;

/// One connection, as its supervisor sees it.
#[derive(Debug)]
pub(crate) struct Watched {
    phase: Mutex<Phase>,
    signals: AtomicU8,
    /// Whether `ended` holds something.
    has_ended: AtomicBool,
    ended: Mutex<Option<Refused>>,
    waker: Mutex<Option<Waker>>,
    clock: Arc<CoarseClock>,
}

impl Watched {
    fn new(clock: Arc<CoarseClock>) -> Self {
        Self {
            phase: Mutex::new(Phase::Idle { since: clock.now() }),
            signals: AtomicU8::new(0),
            has_ended: AtomicBool::new(false),
            ended: Mutex::new(None),
            waker: Mutex::new(None),
            clock,
        }
    }

    pub(crate) const fn clock(&self) -> &Arc<CoarseClock> {
        &self.clock
    }

    /// Notes the connection's task, which is woken when something is to be said to it.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        *lock(&self.waker) = Some(cx.waker().clone());
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.signals.load(Ordering::Relaxed) & CUT != 0
    }

    /// Whether the answer that is given now is the connection's last.
    pub(crate) fn is_stopping(&self) -> bool {
        self.signals.load(Ordering::Relaxed) & STOP != 0
    }

    /// Whether the connection is to be closed as soon as nothing is under way.
    pub(crate) fn is_closing(&self) -> bool {
        self.signals.load(Ordering::Relaxed) & CLOSE != 0
    }

    /// A call is about to go to its upstream. Between the look at the snapshot that gave the permit and this, the task
    /// may not yield: a change could pass unseen.
    pub(crate) fn wait(&self, permit: Permit, progress: Option<Arc<Progress>>) {
        self.has_ended.store(false, Ordering::Relaxed);
        *lock(&self.phase) = Phase::Waiting {
            permit,
            since: self.clock.now(),
            progress,
        };
    }

    /// The answer to give instead of waiting further, if there is one.
    pub(crate) fn ended(&self) -> Option<Refused> {
        if self.has_ended.load(Ordering::Relaxed) {
            *lock(&self.ended)
        } else {
            None
        }
    }

    /// The response's head is there, and its body streams.
    pub(crate) fn stream(&self) {
        let mut phase = lock(&self.phase);
        let before = std::mem::replace(&mut *phase, Phase::Tunnel);
        *phase = match before {
            Phase::Waiting { permit, progress, .. } => Phase::Streaming {
                permit,
                progress,
                is_answered: false,
            },
            other => other,
        };
    }

    /// The connection becomes a tunnel, which takes the call's permit with it.
    pub(crate) fn become_tunnel(&self) -> Option<Permit> {
        match std::mem::replace(&mut *lock(&self.phase), Phase::Tunnel) {
            Phase::Waiting { permit, .. } => Some(permit),
            Phase::Idle { .. } | Phase::Streaming { .. } | Phase::Tunnel => None,
        }
    }

    /// The exchange is over; the next head may come.
    pub(crate) fn rest(&self) {
        let mut phase = lock(&self.phase);
        if !matches!(*phase, Phase::Tunnel) {
            *phase = Phase::Idle {
                since: self.clock.now(),
            };
        }
    }

    /// The response is over. So is the exchange, unless the request's body still goes to the upstream.
    pub(crate) fn response_ended(&self) {
        if let Phase::Streaming {
            progress: Some(progress),
            is_answered,
            ..
        } = &mut *lock(&self.phase)
            && !progress.has_ended()
        {
            *is_answered = true;
            return;
        }
        self.rest();
    }

    /// The request's body whose progress this is has ended. So has the exchange, if it is still this one and was
    /// answered before.
    pub(crate) fn upload_ended(&self, ended: &Arc<Progress>) {
        let is_over = matches!(
            &*lock(&self.phase),
            Phase::Streaming { progress: Some(progress), is_answered: true, .. } if Arc::ptr_eq(progress, ended)
        );
        if is_over {
            self.rest();
        }
    }

    /// Bytes went to the client: the time for its next head begins anew.
    pub(crate) fn wrote(&self) {
        if let Phase::Idle { since } = &mut *lock(&self.phase) {
            *since = self.clock.now();
        }
    }

    fn signal(&self, signal: u8) {
        self.signals.fetch_or(signal, Ordering::Relaxed);
        self.wake();
    }

    fn end(&self, refused: Refused) {
        *lock(&self.ended) = Some(refused);
        self.has_ended.store(true, Ordering::Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = lock(&self.waker).as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Looks whether a limit is over or a permit has ended. With `has_changed`, every permit is asked again.
    fn look(&self, look: &Look<'_>) {
        let mut phase = lock(&self.phase);
        let check = |permit: &mut Permit| {
            let is_over = permit.ends_at().is_some_and(|at| at <= look.now);
            if look.has_changed || is_over {
                permit.check(look.reader, look.now)
            } else {
                Ok(())
            }
        };
        match &mut *phase {
            Phase::Idle { since } => {
                if look.is_over(*since, look.timeouts.request_head) {
                    tracing::debug!("a client sent no request in time");
                    drop(phase);
                    self.signal(CUT);
                } else if look.closes_idle && !self.is_closing() {
                    drop(phase);
                    self.signal(CLOSE);
                }
            }
            Phase::Waiting {
                permit,
                since,
                progress,
            } => {
                let waits_for_client = progress.as_ref().is_some_and(|progress| progress.waits_for_client());
                let moved_at = progress
                    .as_ref()
                    .map_or(*since, |progress| progress.moved_at().max(*since));
                let (limit, too_late) = if waits_for_client {
                    (look.timeouts.body_idle, Refused::RequestTimeout)
                } else {
                    (look.timeouts.response_head, Refused::UpstreamTimeout)
                };
                let refused = match check(permit) {
                    Err(refused) => Some(refused),
                    Ok(()) => look.is_over(moved_at, limit).then_some(too_late),
                };
                if let Some(refused) = refused {
                    drop(phase);
                    self.end(refused);
                }
            }
            Phase::Streaming {
                permit,
                progress,
                is_answered,
            } => {
                // While the response streams, its own body looks after stalls.
                let stalls = *is_answered
                    && progress
                        .as_ref()
                        .is_some_and(|progress| look.is_over(progress.moved_at(), look.timeouts.body_idle));
                if stalls {
                    tracing::debug!("a request's body stalled after the answer to it");
                    drop(phase);
                    self.signal(CUT);
                } else if let Err(refused) = check(permit) {
                    drop(phase);
                    tracing::info!(
                        status = refused.status().as_u16(),
                        "a response was cut off: its permit has ended"
                    );
                    self.signal(CUT);
                }
            }
            Phase::Tunnel => {}
        }
    }
}

/// One look at all connections.
struct Look<'a> {
    reader: &'a SnapshotReader,
    timeouts: &'a Timeouts,
    now: Timestamp,
    clock: u64,
    tick: Duration,
    has_changed: bool,
    /// The gateway stops, and has waited for requests that were on their way.
    closes_idle: bool,
}

impl Look<'_> {
    /// Whether `limit` has passed since a time by the coarse clock, which may lag behind by a tick: never too early.
    fn is_over(&self, since: u64, limit: Duration) -> bool {
        Duration::from_millis(self.clock.saturating_sub(since)) >= limit + self.tick
    }
}

/// Watches over the connections of one worker.
#[derive(Debug)]
pub(crate) struct Supervisor {
    clock: Arc<CoarseClock>,
    reader: SnapshotReader,
    timeouts: Timeouts,
    tick: Duration,
    watched: Mutex<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    next: u64,
    connections: HashMap<u64, Arc<Watched>>,
    /// Since when, by the coarse clock.
    stopping_since: Option<u64>,
}

impl Supervisor {
    pub(crate) fn new(reader: SnapshotReader, timeouts: Timeouts) -> Self {
        let shortest = timeouts
            .request_head
            .min(timeouts.response_head)
            .min(timeouts.body_idle)
            .min(timeouts.upstream_keep_alive);
        Self {
            clock: Arc::new(CoarseClock::new()),
            reader,
            timeouts,
            tick: (shortest / 8).clamp(SHORTEST_TICK, LONGEST_TICK),
            watched: Mutex::default(),
        }
    }

    /// A connection begins; it is watched until the guard is dropped.
    pub(crate) fn watch(self: &Arc<Self>) -> WatchGuard {
        let watched = Arc::new(Watched::new(Arc::clone(&self.clock)));
        let mut registry = lock(&self.watched);
        let id = registry.next;
        registry.next += 1;
        if registry.stopping_since.is_some() {
            watched.signal(STOP);
        }
        registry.connections.insert(id, Arc::clone(&watched));
        WatchGuard {
            supervisor: Arc::clone(self),
            id,
            watched,
        }
    }

    /// Looks after the connections until it is dropped; `on_tick` is called at every tick of the clock.
    pub(crate) async fn run(&self, mut on_tick: impl FnMut(u64)) {
        let mut changes = self.reader.changes();
        let mut has_writer = true;
        let mut ticks = interval(self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked_at = Instant::now();
        loop {
            let changed = async {
                sleep_until(looked_at + SHORTEST_BETWEEN_CHECKS).await;
                changes.changed().await.is_ok()
            };
            let has_changed = tokio::select! {
                is_change = changed, if has_writer => {
                    has_writer = is_change;
                    looked_at = Instant::now();
                    is_change
                }
                _ = ticks.tick() => false,
            };
            let clock = self.clock.tick();
            let stopping_since = lock(&self.watched).stopping_since;
            let look = Look {
                reader: &self.reader,
                timeouts: &self.timeouts,
                now: self.reader.now(),
                clock,
                tick: self.tick,
                has_changed,
                closes_idle: stopping_since.is_some_and(|since| {
                    Duration::from_millis(clock.saturating_sub(since)) >= self.timeouts.shutdown_idle
                }),
            };
            for watched in self.all() {
                watched.look(&look);
            }
            on_tick(clock);
        }
    }

    fn all(&self) -> Vec<Arc<Watched>> {
        lock(&self.watched).connections.values().cloned().collect()
    }

    /// From now on each connection's next answer is its last; those that no request comes on are closed in a while.
    pub(crate) fn stop(&self) {
        lock(&self.watched).stopping_since = Some(self.clock.now());
        for watched in self.all() {
            watched.signal(STOP);
        }
    }

    /// Breaks all connections off.
    pub(crate) fn cut_all(&self) {
        for watched in self.all() {
            watched.signal(CUT);
        }
    }
}

/// A connection's place with its supervisor.
#[derive(Debug)]
pub(crate) struct WatchGuard {
    supervisor: Arc<Supervisor>,
    id: u64,
    watched: Arc<Watched>,
}

impl WatchGuard {
    pub(crate) const fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        lock(&self.supervisor.watched).connections.remove(&self.id);
    }
}

/// What is guarded is whole between any two statements, so that a panic elsewhere changes nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
