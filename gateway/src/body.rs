//! Bodies on their way through: streamed, one piece at a time, each side no faster than the other.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{progress::Progress, supervision::Watched, upstream::Lease};

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
#[derive(Debug)]
pub(crate) struct RequestBody(Option<Upload>);

#[derive(Debug)]
struct Upload {
    inner: Incoming,
    progress: Arc<Progress>,
    watched: Arc<Watched>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.progress.end();
        self.watched.upload_ended(&self.progress);
    }
}

impl RequestBody {
    /// The exchange that is `watched` goes on until the body's end, even where the response was quicker.
    pub(crate) const fn new(inner: Incoming, progress: Arc<Progress>, watched: Arc<Watched>) -> Self {
        Self(Some(Upload {
            inner,
            progress,
            watched,
        }))
    }

    /// No body at all.
    pub(crate) const fn empty() -> Self {
        Self(None)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn progress(&self) -> Option<&Arc<Progress>> {
        self.0.as_ref().map(|upload| &upload.progress)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(Upload { inner, progress, .. }) = &mut self.get_mut().0 else {
            return Poll::Ready(None);
        };
        let Poll::Ready(polled) = Pin::new(inner).poll_frame(cx) else {
            progress.wait_for_client();
            return Poll::Pending;
        };
        match polled {
            Some(Ok(frame)) => {
                progress.moved();
                // Trailers are dropped: an upstream that merges them into the headers would believe an X-Consumer-ID
                // that a client put there (RFC 9110 §6.5.1 allows a recipient to discard them).
                Poll::Ready(frame.is_data().then_some(Ok(frame)))
            }
            Some(Err(error)) => {
                progress.fail_client();
                Poll::Ready(Some(Err(BodyError::Client(error))))
            }
            None => {
                progress.moved();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|upload| upload.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |upload| upload.inner.size_hint())
    }
}

/// The body of every response that leaves the gateway.
#[derive(Debug, Default)]
pub(crate) enum ResponseBody {
    /// None, or no more.
    #[default]
    Empty,
    /// The gateway's own words.
    Own(Bytes),
    /// An upstream's.
    Relayed(RelayedBody),
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Own(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Relayed(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Own(_) => false,
            Self::Relayed(body) => body.has_ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Relayed(body) => body.inner.size_hint(),
        }
    }
}

/// An upstream's response body on its way to the client.
#[derive(Debug)]
pub(crate) struct RelayedBody {
    inner: Incoming,
    has_ended: bool,
    /// Why it broke off, to be told in the next poll.
    failed: Option<BodyError>,
    lease: Lease,
    watched: Arc<Watched>,
    idle_limit: Duration,
    idle: Option<Pin<Box<Sleep>>>,
    /// That of the request's body, if it has one: while it moves, the response's may rest.
    progress: Option<Arc<Progress>>,
}

impl RelayedBody {
    /// `lease` and the exchange that is `watched` end with the body.
    pub(crate) fn new(
        answered: (Incoming, Lease),
        watched: Arc<Watched>,
        idle_limit: Duration,
        progress: Option<Arc<Progress>>,
    ) -> Self {
        let (inner, lease) = answered;
        watched.stream();
        Self {
            has_ended: inner.is_end_stream(),
            inner,
            failed: None,
            lease,
            watched,
            idle_limit,
            idle: None,
            progress,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let inner = &mut self.inner;
        // What has come already needs no driving.
        let mut polled = Pin::new(&mut *inner).poll_frame(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() {
            polled = self.lease.poll_body(cx, |cx| Pin::new(inner).poll_frame(cx));
        }
        if let Poll::Ready(polled) = polled {
            self.idle = None;
            if let Some(Err(error)) = polled {
                // Told in the next poll: hyper sends what it has before it waits, and what has come is the client's.
                self.failed = Some(BodyError::Upstream(error));
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.has_ended = polled.is_none() || self.inner.is_end_stream();
            return Poll::Ready(polled.map(|frame| frame.map_err(BodyError::Upstream)));
        }
        let limit = self.idle_limit;
        let clock = self.watched.clock();
        let idle = self
            .idle
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        loop {
            ready!(idle.as_mut().poll(cx));
            let rested = self.progress.as_ref().map_or(limit, |progress| {
                Duration::from_millis(clock.now().saturating_sub(progress.moved_at()))
            });
            if rested >= limit {
                return Poll::Ready(Some(Err(BodyError::Stalled)));
            }
            idle.as_mut().reset(Instant::now() + (limit - rested));
        }
    }
}

impl Drop for RelayedBody {
    fn drop(&mut self) {
        if self.has_ended {
            self.lease.give_back(self.watched.clock().now());
        }
        self.watched.response_ended();
    }
}
