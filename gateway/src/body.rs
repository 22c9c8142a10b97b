//! Bodies on their way through: streamed, one piece at a time, each side no faster than the other.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{exchange::StreamingExchange, progress::Progress};

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client's connection, or its framing, failed.
    #[error("the client broke the request body off")]
    Client(#[source] hyper::Error),
    /// The upstream's connection, or its framing, failed.
    #[error("the upstream broke the response body off")]
    Upstream(#[source] hyper::Error),
    /// Nothing came for too long.
    #[error("the response body stalled")]
    Stalled,
}

/// A request's body on its way to the upstream.
pub(crate) struct RequestBody {
    inner: Option<Incoming>,
    progress: Arc<Progress>,
}

impl RequestBody {
    pub(crate) const fn new(inner: Incoming, progress: Arc<Progress>) -> Self {
        Self {
            inner: Some(inner),
            progress,
        }
    }

    /// No body at all.
    pub(crate) const fn empty(progress: Arc<Progress>) -> Self {
        Self { inner: None, progress }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        let Poll::Ready(polled) = Pin::new(inner).poll_frame(cx) else {
            this.progress.wait_for_client();
            return Poll::Pending;
        };
        match polled {
            Some(Ok(frame)) => {
                this.progress.moved();
                // Trailers are dropped: an upstream that merges them into the headers would believe an X-Consumer-ID
                // that a client put there (RFC 9110 §6.5.1 allows a recipient to discard them).
                Poll::Ready(frame.is_data().then_some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.progress.fail_client();
                Poll::Ready(Some(Err(BodyError::Client(error))))
            }
            None => {
                this.progress.moved();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// An upstream's response body on its way to the client.
pub(crate) struct RelayedBody {
    inner: Incoming,
    idle_limit: Duration,
    idle: Option<Pin<Box<Sleep>>>,
    progress: Arc<Progress>,
    _exchange: Option<StreamingExchange>,
}

impl RelayedBody {
    /// `progress` is that of the request: while its body moves, the response's may rest. `exchange` ends with the body.
    pub(crate) const fn new(
        inner: Incoming,
        idle_limit: Duration,
        progress: Arc<Progress>,
        exchange: Option<StreamingExchange>,
    ) -> Self {
        Self {
            inner,
            idle_limit,
            idle: None,
            progress,
            _exchange: exchange,
        }
    }
}

impl Body for RelayedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(polled) = Pin::new(&mut this.inner).poll_frame(cx) {
            this.idle = None;
            return Poll::Ready(polled.map(|frame| frame.map_err(BodyError::Upstream)));
        }
        let limit = this.idle_limit;
        let idle = this
            .idle
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        loop {
            ready!(idle.as_mut().poll(cx));
            let deadline = this.progress.moved_at() + limit;
            if deadline <= Instant::now() {
                return Poll::Ready(Some(Err(BodyError::Stalled)));
            }
            idle.as_mut().reset(deadline);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
