//! Renewing a session: once, however many calls wait for it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use secrecy::SecretString;

use crate::{
    Error, Timestamp,
    error::{DecodeError, ErrorCode},
    operation::Mutation,
    session::{RefreshSession, RefreshSessionInput, SessionTokens},
    transport::Transport,
};

/// A renewal under way. Whoever waits drives it; when all who wait give up it rests here, and the next call goes on
/// with it. So a call that is dropped half-way never loses tokens that the server has already exchanged.
type Pending = Shared<BoxFuture<'static, Result<SessionTokens, Arc<Error>>>>;

/// ```text
/// SignedOut ─sign in─► Active ─runs out─► Renewing ─► Active
///     ▲                  │                   └─ refused ─► Ended
///     └────sign out──────┴──────────────────────────────────┘
/// ```
#[derive(Debug)]
enum Phase {
    SignedOut,
    Active(SessionTokens),
    Renewing { previous: SessionTokens, pending: Pending },
    Ended(Arc<Error>),
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Counts the phases, so that a renewal's end meets only the phase that it began.
    generation: u64,
}

impl State {
    fn enter(&mut self, phase: Phase) -> u64 {
        self.phase = phase;
        self.generation += 1;
        self.generation
    }
}

/// The session of a client, shared by its clones.
#[derive(Debug)]
pub(crate) struct Renewal {
    state: Mutex<State>,
    /// How long before its end an access token is renewed.
    ahead: Duration,
}

/// An access token, and which one of the session's it is.
pub(crate) struct Access {
    pub(crate) token: SecretString,
    generation: u64,
}

impl Renewal {
    pub(crate) fn new(tokens: Option<SessionTokens>, ahead: Duration) -> Self {
        let phase = tokens.map_or(Phase::SignedOut, Phase::Active);
        Self {
            state: Mutex::new(State { phase, generation: 0 }),
            ahead,
        }
    }

    pub(crate) fn begin(&self, tokens: SessionTokens) {
        self.lock().enter(Phase::Active(tokens));
    }

    pub(crate) fn forget(&self) {
        self.lock().enter(Phase::SignedOut);
    }

    pub(crate) fn tokens(&self) -> Option<SessionTokens> {
        match &self.lock().phase {
            Phase::Active(tokens) | Phase::Renewing { previous: tokens, .. } => Some(tokens.clone()),
            Phase::SignedOut | Phase::Ended(_) => None,
        }
    }

    /// A token that should count, renewed where it is about to run out; None when signed out. `rejected` is one that
    /// the server has just refused: unless the session has another one by now, it is renewed whatever its time says.
    pub(crate) async fn access(
        &self,
        transport: &Arc<Transport>,
        rejected: Option<&Access>,
    ) -> Result<Option<Access>, Error> {
        let (pending, generation) = {
            let mut state = self.lock();
            let generation = state.generation;
            match &state.phase {
                Phase::SignedOut => return Ok(None),
                Phase::Ended(source) => {
                    return Err(Error::Session {
                        ended: true,
                        source: Arc::clone(source),
                    });
                }
                Phase::Renewing { pending, .. } => (pending.clone(), generation),
                Phase::Active(tokens) => {
                    let refused = rejected.is_some_and(|access| access.generation == generation);
                    if !refused && !self.runs_out(tokens) {
                        return Ok(Some(Access {
                            token: tokens.access_token.clone(),
                            generation,
                        }));
                    }
                    let previous = tokens.clone();
                    let pending = renew(Arc::clone(transport), previous.clone()).boxed().shared();
                    let generation = state.enter(Phase::Renewing {
                        previous,
                        pending: pending.clone(),
                    });
                    (pending, generation)
                }
            }
        };
        let renewed = pending.await;
        self.settle(generation, &renewed);
        match renewed {
            Ok(tokens) => Ok(Some(Access {
                token: tokens.access_token,
                generation: generation + 1,
            })),
            Err(source) => Err(Error::Session {
                ended: ends_session(&source),
                source,
            }),
        }
    }

    /// The first of those who waited writes down how it went; signing in or out meanwhile outranks it.
    fn settle(&self, generation: u64, renewed: &Result<SessionTokens, Arc<Error>>) {
        let mut state = self.lock();
        if state.generation != generation {
            return;
        }
        let Phase::Renewing { previous, .. } = &state.phase else {
            return;
        };
        let next = match renewed {
            Ok(tokens) => Phase::Active(tokens.clone()),
            Err(error) if ends_session(error) => Phase::Ended(Arc::clone(error)),
            Err(_) => Phase::Active(previous.clone()),
        };
        state.enter(next);
    }

    fn runs_out(&self, tokens: &SessionTokens) -> bool {
        let ahead = i64::try_from(self.ahead.as_millis()).unwrap_or(i64::MAX);
        let left = tokens.access_token_expires_at.unix_milliseconds() - Timestamp::now().unix_milliseconds();
        left <= ahead
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned one still holds a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn renew(transport: Arc<Transport>, tokens: SessionTokens) -> Result<SessionTokens, Arc<Error>> {
    let operation = RefreshSession::operation(RefreshSessionInput::of(&tokens));
    let response = transport.send(&operation, None).await?;
    let payload = crate::client::payload_of::<RefreshSession>(response)?;
    let session = payload
        .session
        .ok_or_else(|| Error::from(DecodeError::missing("refreshSession.session")))?;
    Ok(session.into_tokens())
}

/// Whether only signing in again helps: the server knows the request and refuses the token.
fn ends_session(error: &Error) -> bool {
    matches!(error, Error::User(_)) || error.has_code(&ErrorCode::Unauthenticated)
}
