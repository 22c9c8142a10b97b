//! What differs between native targets and the browser (`wasm32-unknown-unknown`): timers, and whether futures are `Send`.

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::{
    Stream,
    future::{Either, select},
};

/// A future in a box: `Send`, except in the browser, where nothing is.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
#[cfg(target_arch = "wasm32")]
pub(crate) type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A stream in a box: `Send`, except in the browser.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type BoxedStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(crate) type BoxedStream<T> = Pin<Box<dyn Stream<Item = T>>>;

/// `Send`, except in the browser, where it asks for nothing.
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + ?Sized> MaybeSend for T {}
#[cfg(target_arch = "wasm32")]
pub trait MaybeSend {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> MaybeSend for T {}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(target_arch = "wasm32")]
pub(crate) async fn sleep(duration: Duration) {
    gloo_timers::future::sleep(duration).await;
}

/// What the future yields; None when the time is over first.
pub(crate) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (future, timer) = (std::pin::pin!(future), std::pin::pin!(sleep(time)));
    match select(future, timer).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(((), _)) => None,
    }
}
