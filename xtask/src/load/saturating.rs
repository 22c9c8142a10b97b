//! Each connection sends its next request as soon as it has an answer.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use super::{LoadOptions, LoadResult, Picker, answer};

pub(super) fn run(options: &LoadOptions, requests: Vec<Vec<u8>>) -> io::Result<LoadResult> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let requests = Arc::new(requests);
    runtime.block_on(async {
        let until = Instant::now() + options.duration();
        let mut connections = JoinSet::new();
        for at in 0..options.connections {
            let socket = TcpStream::connect(options.target).await?;
            socket.set_nodelay(true)?;
            connections.spawn(drive(socket, Arc::clone(&requests), Picker::new(at as u64 + 1), until));
        }
        let mut total = LoadResult::default();
        while let Some(done) = connections.join_next().await {
            let done = done.map_err(io::Error::other)?;
            total.answered += done.answered;
            total.failed += done.failed;
        }
        Ok(total)
    })
}

/// A server that does not answer for this long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn drive(mut socket: TcpStream, requests: Arc<Vec<Vec<u8>>>, mut picker: Picker, until: Instant) -> LoadResult {
    let mut result = LoadResult::default();
    let sending = async {
        let mut buffer = vec![0; 64 * 1024];
        while Instant::now() < until {
            socket.write_all(&requests[picker.next(requests.len())]).await?;
            match read_answer(&mut socket, &mut buffer).await? {
                200 => result.answered += 1,
                _ => result.failed += 1,
            }
        }
        Ok::<(), io::Error>(())
    };
    let left = until.saturating_duration_since(Instant::now()) + PATIENCE;
    match tokio::time::timeout(left, sending).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) => result.failed += 1,
    }
    result
}

async fn read_answer(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<u16> {
    let mut filled = 0;
    let mut head = None;
    loop {
        match socket.read(&mut buffer[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
        if head.is_none() {
            head = answer::head(&buffer[..filled]).map_err(io::Error::other)?;
        }
        if let Some(head) = head
            && filled >= head.length
        {
            return Ok(head.status);
        }
    }
}
