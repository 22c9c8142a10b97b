//! A connection to an upstream that carries plain exchanges, one after the other.

use std::{
    future::{Future as _, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _},
    task::unconstrained,
};

use crate::connector::UpstreamIo;

/// How much is read at once of a response that is not known to be long.
const PIECE: usize = 8 * 1024;

/// A connection, and what has come on it and was not yet used.
#[derive(Debug)]
pub(crate) struct PlainUpstream {
    io: TokioIo<UpstreamIo>,
    pub(super) bytes: Vec<u8>,
}

impl PlainUpstream {
    pub(crate) fn new(io: UpstreamIo) -> Self {
        Self {
            io: TokioIo::new(io),
            bytes: Vec::with_capacity(PIECE),
        }
    }

    /// Sends from `sent` on, and tells when all has gone out.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, request: &[u8], sent: &mut usize) -> Poll<io::Result<()>> {
        while let Some(rest) = request.get(*sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.io).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => *sent += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Reads more, at most `room` bytes where that is known; tells how many came, none at the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        self.bytes.reserve(room);
        pin!(self.io.read_buf(&mut self.bytes)).poll(cx)
    }

    /// Forgets what has come, and keeps no more room than most responses need.
    pub(crate) fn rest(&mut self) {
        if self.bytes.capacity() > PIECE {
            self.bytes = Vec::with_capacity(PIECE);
        } else {
            self.bytes.clear();
        }
    }

    /// Whether it can carry a request: the upstream has neither closed it nor sent what nobody asked for.
    pub(crate) fn is_clean(&mut self) -> bool {
        // Whatever is left of this task's share of time: a look that is put off would find every connection clean.
        let look = pin!(unconstrained(poll_fn(|cx| Poll::Ready(
            self.poll_fill(cx, 1).is_pending()
        ))));
        look.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    /// The connection and what has come on it, for a reader of more than plain responses.
    pub(super) fn into_parts(self) -> (UpstreamIo, Vec<u8>) {
        (self.io.into_inner(), self.bytes)
    }
}

/// How much to read at once, of a body of which so much is missing.
pub(super) fn room_for(missing: u64) -> usize {
    const MOST: usize = 64 * 1024;
    usize::try_from(missing).unwrap_or(MOST).clamp(1, MOST)
}

/// How much to read at once of a response's head, with what comes behind it.
pub(super) const HEAD_ROOM: usize = PIECE;
