//! The end of a listener, at which no client that has connected is lost.
//!
//! A listening socket that is closed resets whoever waits in its queue. So first no more may come, then those in the
//! queue are taken, and only then it is closed: who comes later finds nobody, and knows that nothing was taken.

use std::{future::poll_fn, net::SocketAddr, task::Poll, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout_at},
};

/// How long those who have begun to connect may take to finish.
const HANDSHAKES: Duration = Duration::from_millis(100);

/// Takes the connections that were made, and closes the listener.
pub async fn drain(listener: TcpListener, mut take: impl FnMut(TcpStream, SocketAddr)) {
    refuse_newcomers(&listener);
    let end = Instant::now() + HANDSHAKES;
    loop {
        match timeout_at(end, listener.accept()).await {
            Ok(Ok((socket, peer))) => take(socket, peer),
            Ok(Err(error)) => tracing::warn!(%error, "a connection could not be accepted at the end"),
            Err(_) => break,
        }
        if Instant::now() >= end {
            break;
        }
    }
    // Whatever is there at this instant; where newcomers cannot be kept out, there is no end to wait for.
    let left = |cx: &mut std::task::Context<'_>| match listener.poll_accept(cx) {
        Poll::Ready(Ok(accepted)) => Poll::Ready(Some(accepted)),
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
    };
    while let Some((socket, peer)) = poll_fn(left).await {
        take(socket, peer);
    }
}

/// Lets the kernel drop the first packet of every new connection. The client tries again, and finds the port closed.
#[cfg(target_os = "linux")]
fn refuse_newcomers(listener: &TcpListener) {
    use socket2::{SockFilter, SockRef};

    // Classic BPF (see the kernel's Documentation/networking/filter.rst), over the TCP header: what has SYN is dropped.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    let program = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    if let Err(error) = SockRef::from(listener).attach_filter(&program) {
        tracing::debug!(%error, "new connections are not kept out while the listener closes");
    }
}

#[cfg(not(target_os = "linux"))]
const fn refuse_newcomers(_: &TcpListener) {}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn whoever_has_connected_is_served_and_later_ones_are_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(TcpStream::connect(address).await.unwrap());
        }
        let mut taken = Vec::new();
        drain(listener, |socket, _| taken.push(socket)).await;
        assert_eq!(taken.len(), waiting.len());
        for socket in &mut taken {
            socket.write_all(b"!").await.unwrap();
        }
        for client in &mut waiting {
            assert_eq!(client.read_u8().await.unwrap(), b'!');
        }
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn newcomers_are_kept_out_before_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let early = TcpStream::connect(address).await.unwrap();
        refuse_newcomers(&listener);
        // The kernel tries again for as long as it takes: this ends when the listener has.
        let late = tokio::spawn(TcpStream::connect(address));
        let mut taken = Vec::new();
        drain(listener, |_, peer| taken.push(peer)).await;
        assert_eq!(taken, [early.local_addr().unwrap()]);
        assert!(late.await.unwrap().is_err());
    }
}
