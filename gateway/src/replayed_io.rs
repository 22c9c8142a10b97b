//! A connection to an upstream on which a request has gone out already, and perhaps a part of the answer has come.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::connector::UpstreamIo;

/// hyper's connection to an upstream.
///
/// ```text
///   Sent ── hyper writes the request once more: taken, not sent ─► Answered ── what had come is read ─► Live
/// ```
#[derive(Debug)]
pub(crate) struct ReplayedIo {
    io: UpstreamIo,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The request went out by another hand.
    Sent {
        answer: Vec<u8>,
        reader: Option<Waker>,
    },
    /// hyper has written it, too, and reads what had come of the answer.
    Answered {
        answer: Vec<u8>,
        at: usize,
    },
    Live,
}

impl ReplayedIo {
    /// A connection as it is.
    pub(crate) const fn live(io: UpstreamIo) -> Self {
        Self { io, state: State::Live }
    }

    /// A connection on which the request that hyper is about to send has been sent, and so much of an answer has come:
    /// something.
    pub(crate) const fn sent(io: UpstreamIo, answer: Vec<u8>) -> Self {
        let state = State::Sent { answer, reader: None };
        Self { io, state }
    }

    /// Takes what hyper writes, where it has gone out before.
    fn is_taken(&mut self) -> bool {
        match &mut self.state {
            State::Live => false,
            State::Answered { .. } => true,
            State::Sent { answer, reader } => {
                let answer = std::mem::take(answer);
                if let Some(reader) = reader.take() {
                    reader.wake();
                }
                self.state = State::Answered { answer, at: 0 };
                true
            }
        }
    }
}

impl Read for ReplayedIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.state {
            State::Live => Pin::new(&mut this.io).poll_read(cx, buf),
            // An answer before the request would be taken for a broken connection.
            State::Sent { reader, .. } => {
                *reader = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Answered { answer, at } => {
                let rest = answer.get(*at..).unwrap_or_default();
                let given = rest.len().min(buf.remaining());
                buf.put_slice(&rest[..given]);
                *at += given;
                if *at == answer.len() {
                    this.state = State::Live;
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl Write for ReplayedIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_taken() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut this.io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_taken() {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        Pin::new(&mut this.io).poll_write_vectored(cx, slices)
    }
}
