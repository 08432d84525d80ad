//! Runs the tasks of the browser half: those of Leptos and those of the transports. `lib.rs` calls it once, to hydrate the
//! page.
//!
//! Hydration draws nothing, but it walks the whole page, and then every effect runs for the first time. In one task
//! that blocks the browser for as long as both take together, so each effect starts in a task of its own.
//!
//! After [`stop`] no task runs any more. A panic ends the function that it is in and nothing else, so without that the
//! timers and connections of a dead page would go on.

use std::{cell::Cell, future::poll_fn, task::Poll};

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use gloo_timers::future::TimeoutFuture;

thread_local! {
    static IS_HYDRATING: Cell<bool> = const { Cell::new(false) };
    static IS_STOPPED: Cell<bool> = const { Cell::new(false) };
}

/// Calls `hydrate`. The tasks that it spawns start in later tasks of the browser's event loop, in their order.
pub fn begin_effects_later(hydrate: impl FnOnce()) {
    // An error means that an executor is set already. Then effects start at once: correct, and slower to respond.
    Executor::init_custom_executor(BrowserExecutor).ok();
    IS_HYDRATING.set(true);
    hydrate();
    IS_HYDRATING.set(false);
}

/// Ends every task at its next turn. Never undone: another instance of the module takes over, or none.
pub fn stop() {
    IS_STOPPED.set(true);
}

/// Runs a task until it is done, or until [`stop`].
pub(crate) fn spawn_local(task: impl Future<Output = ()> + 'static) {
    // Boxed, so that the code around it is compiled once.
    spawn_boxed(Box::pin(task));
}

fn spawn_boxed(mut task: PinnedLocalFuture<()>) {
    wasm_bindgen_futures::spawn_local(poll_fn(move |context| {
        if IS_STOPPED.get() { Poll::Ready(()) } else { task.as_mut().poll(context) }
    }));
}

struct BrowserExecutor;

impl CustomExecutor for BrowserExecutor {
    fn spawn(&self, task: PinnedFuture<()>) {
        self.spawn_local(task);
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        if !IS_HYDRATING.get() {
            return spawn_boxed(task);
        }
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            task.await;
        });
    }

    fn poll_local(&self) {}
}
