//! A network between two programs, that can be cut and mended.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Passes connections on to another address, until it is cut.
pub struct Relay {
    local: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    target: SocketAddr,
    /// `None` while the network is cut.
    up: Option<CancellationToken>,
}

impl Relay {
    /// A network that leads to `target`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            target,
            up: Some(CancellationToken::new()),
        }));
        let task = tokio::spawn(pass_on(listener, Arc::clone(&state)));
        Self { local, state, task }
    }

    /// Where it begins.
    pub fn url(&self) -> String {
        format!("http://{}", self.local)
    }

    /// Breaks every connection off, and lets no new one through.
    pub fn cut(&self) {
        let up = self.state.lock().unwrap().up.take();
        up.expect("the network is up").cancel();
    }

    /// Lets connections through again, to `target`.
    pub fn mend(&self, target: SocketAddr) {
        let mut state = self.state.lock().unwrap();
        state.target = target;
        state.up = Some(CancellationToken::new());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        let (target, up) = {
            let state = state.lock().unwrap();
            (state.target, state.up.clone())
        };
        let Some(up) = up else {
            continue;
        };
        tokio::spawn(async move {
            let passing = async {
                // Broken off in whatever way, it is over.
                if let Ok(mut far) = TcpStream::connect(target).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            };
            tokio::select! {
                () = passing => {}
                () = up.cancelled() => {}
            }
        });
    }
}
