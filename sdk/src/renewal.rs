//! Getting and renewing a session: once, however many calls wait for it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::Shared};
use secrecy::SecretString;

use crate::{
    Error, Timestamp,
    client::payload_of,
    error::{DecodeError, ErrorCode},
    platform::BoxedFuture,
    secret::WireSecret,
    session::{Realm, RefreshSession, RefreshSessionInput, SessionTokens, SignIn, SignInInput},
    token_store::Store,
    transport::Transport,
};

/// A session being got. Whoever waits drives it; when all who wait give up it rests here, and the next call goes on
/// with it. So a call that is dropped half-way never loses tokens that the server has already exchanged.
type Pending = Shared<BoxedFuture<'static, Result<Obtained, Arc<Error>>>>;

/// What came of getting a session.
#[derive(Clone)]
struct Obtained {
    /// None: nobody is signed in, and nobody can be.
    tokens: Option<SessionTokens>,
    /// The session is good, and could not be kept in the store.
    not_kept: Option<Arc<Error>>,
}

/// ```text
/// Unknown ──────────────┐
/// SignedOut ─sign in─► Active ─runs out─► Obtaining ─► Active
///     ▲                  │                   └─ refused ─► Ended
///     └────sign out──────┴──────────────────────────────────┘
/// ```
#[derive(Debug)]
enum Phase {
    /// The first call finds out, from the store or by signing in.
    Unknown,
    SignedOut,
    Active(SessionTokens),
    Obtaining {
        previous: Option<SessionTokens>,
        pending: Pending,
    },
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

/// What a client signs in with by itself.
#[derive(Clone, Debug)]
pub(crate) struct SignInDetails {
    pub(crate) realm: Realm,
    pub(crate) email: String,
    pub(crate) password: SecretString,
}

/// Where a session comes from, besides [`crate::Portico::sign_in`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) store: Store,
    pub(crate) credentials: Option<SignInDetails>,
}

/// The session of a client, shared by its clones.
#[derive(Debug)]
pub(crate) struct Renewal {
    state: Mutex<State>,
    sources: Sources,
    /// How long before its end an access token is renewed.
    ahead: Duration,
}

/// An access token, and which one of the session's it is.
pub(crate) struct Access {
    pub(crate) token: SecretString,
    generation: u64,
}

impl Renewal {
    pub(crate) fn new(tokens: Option<SessionTokens>, sources: Sources, ahead: Duration) -> Self {
        let phase = match tokens {
            Some(tokens) => Phase::Active(tokens),
            None if sources.store.is_there() || sources.credentials.is_some() => Phase::Unknown,
            None => Phase::SignedOut,
        };
        Self {
            state: Mutex::new(State { phase, generation: 0 }),
            sources,
            ahead,
        }
    }

    /// The session of a client that has only just signed in.
    pub(crate) async fn begin(&self, tokens: SessionTokens) -> Result<(), Error> {
        self.lock().enter(Phase::Active(tokens.clone()));
        let _lock = self.sources.store.lock().await?;
        self.sources.store.save(&tokens).await
    }

    /// Forgets the session, here and in the store.
    pub(crate) async fn forget(&self) -> Result<(), Error> {
        self.lock().enter(Phase::SignedOut);
        let _lock = self.sources.store.lock().await?;
        self.sources.store.clear().await
    }

    pub(crate) fn tokens(&self) -> Option<SessionTokens> {
        match &self.lock().phase {
            Phase::Active(tokens) => Some(tokens.clone()),
            Phase::Obtaining { previous, .. } => previous.clone(),
            Phase::Unknown | Phase::SignedOut | Phase::Ended(_) => None,
        }
    }

    /// The tokens that a session has, be it only in the store.
    pub(crate) async fn tokens_or_stored(&self) -> Result<Option<SessionTokens>, Error> {
        let unknown = matches!(self.lock().phase, Phase::Unknown);
        if unknown {
            self.sources.store.load().await
        } else {
            Ok(self.tokens())
        }
    }

    /// A token that should count, got or renewed where need be; None when signed out. `rejected` is one that the server
    /// has just refused: unless the session has another one by now, it is renewed whatever its time says.
    pub(crate) async fn access(
        &self,
        transport: &Arc<Transport>,
        rejected: Option<&Access>,
    ) -> Result<Option<Access>, Error> {
        let (pending, generation) = {
            let mut state = self.lock();
            let generation = state.generation;
            let previous = match &state.phase {
                Phase::SignedOut if self.sources.credentials.is_none() => return Ok(None),
                Phase::Ended(source) => {
                    return Err(Error::Session {
                        ended: true,
                        source: Arc::clone(source),
                    });
                }
                Phase::Active(tokens) => {
                    let refused = rejected.is_some_and(|access| access.generation == generation);
                    if !refused && !runs_out(tokens, self.ahead) {
                        return Ok(Some(Access {
                            token: tokens.access_token.clone(),
                            generation,
                        }));
                    }
                    Some(tokens.clone())
                }
                Phase::Unknown | Phase::SignedOut | Phase::Obtaining { .. } => None,
            };
            match &state.phase {
                Phase::Obtaining { pending, .. } => (pending.clone(), generation),
                _ => {
                    let pending: BoxedFuture<'static, _> = Box::pin(obtain(
                        Arc::clone(transport),
                        self.sources.clone(),
                        previous.clone(),
                        self.ahead,
                    ));
                    let pending = pending.shared();
                    let generation = state.enter(Phase::Obtaining {
                        previous,
                        pending: pending.clone(),
                    });
                    (pending, generation)
                }
            }
        };
        let obtained = pending.await;
        self.settle(generation, &obtained);
        match obtained {
            Ok(Obtained {
                not_kept: Some(source), ..
            }) => Err(Error::Session { ended: false, source }),
            Ok(Obtained { tokens, .. }) => Ok(tokens.map(|tokens| Access {
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
    fn settle(&self, generation: u64, obtained: &Result<Obtained, Arc<Error>>) {
        let mut state = self.lock();
        if state.generation != generation {
            return;
        }
        let Phase::Obtaining { previous, .. } = &state.phase else {
            return;
        };
        let next = match (obtained, previous) {
            (Ok(Obtained { tokens, .. }), _) => tokens.clone().map_or(Phase::SignedOut, Phase::Active),
            (Err(error), _) if ends_session(error) => Phase::Ended(Arc::clone(error)),
            (Err(_), Some(previous)) => Phase::Active(previous.clone()),
            (Err(_), None) => Phase::Unknown,
        };
        state.enter(next);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned one still holds a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn runs_out(tokens: &SessionTokens, ahead: Duration) -> bool {
    let ahead = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
    let left = tokens.access_token_expires_at.unix_milliseconds() - Timestamp::now().unix_milliseconds();
    left <= ahead
}

/// Renews what there is, or signs in; under the store's lock, because a refresh token counts once for all processes.
async fn obtain(
    transport: Arc<Transport>,
    sources: Sources,
    previous: Option<SessionTokens>,
    ahead: Duration,
) -> Result<Obtained, Arc<Error>> {
    let Sources { store, credentials } = sources;
    let _lock = store.lock().await?;
    let stored = store.load().await?;
    let held = match (previous, stored) {
        // Another process has renewed or signed in since.
        (previous, Some(stored)) if previous.as_ref().is_none_or(|previous| !previous.is_same(&stored)) => {
            if !runs_out(&stored, ahead) {
                return Ok(Obtained {
                    tokens: Some(stored),
                    not_kept: None,
                });
            }
            Some(stored)
        }
        (previous, _) => previous,
    };
    if let Some(tokens) = &held {
        match refresh(&transport, tokens).await {
            Ok(tokens) => return Ok(kept(&store, tokens).await),
            Err(error) if !ends_session(&error) => return Err(error.into()),
            Err(error) => {
                store.clear().await?;
                if credentials.is_none() {
                    return Err(error.into());
                }
            }
        }
    }
    match credentials {
        Some(details) => Ok(kept(&store, sign_in(&transport, details).await?).await),
        None => Ok(Obtained {
            tokens: None,
            not_kept: None,
        }),
    }
}

async fn kept(store: &Store, tokens: SessionTokens) -> Obtained {
    let not_kept = store.save(&tokens).await.err().map(Arc::new);
    Obtained {
        tokens: Some(tokens),
        not_kept,
    }
}

async fn refresh(transport: &Transport, tokens: &SessionTokens) -> Result<SessionTokens, Error> {
    let request = transport.mutation::<RefreshSession>(RefreshSessionInput::of(tokens))?;
    let payload = payload_of::<RefreshSession>(transport.send(&request, None).await?)?;
    let session = payload
        .session
        .ok_or_else(|| DecodeError::missing("refreshSession.session"))?;
    Ok(session.into_tokens())
}

async fn sign_in(transport: &Transport, details: SignInDetails) -> Result<SessionTokens, Error> {
    let SignInDetails { realm, email, password } = details;
    let input = SignInInput {
        realm,
        email,
        password: WireSecret(password),
    };
    let request = transport.mutation::<SignIn>(input)?;
    let payload = payload_of::<SignIn>(transport.send(&request, None).await?)?;
    let session = payload.session.ok_or_else(|| DecodeError::missing("signIn.session"))?;
    Ok(session.into_tokens())
}

/// Whether only signing in again helps: the server knows the request and refuses the token, or the password.
fn ends_session(error: &Error) -> bool {
    matches!(error, Error::User(_)) || error.has_code(&ErrorCode::Unauthenticated)
}
