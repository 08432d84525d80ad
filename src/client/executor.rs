//! Runs the tasks of Leptos in the browser; effects are such tasks. `lib.rs` calls it once, to hydrate the page.
//!
//! Hydration draws nothing, but it walks the whole page, and then every effect runs for the first time. In one task
//! that blocks the browser for as long as both take together, so each effect starts in a task of its own.

use std::cell::Cell;

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

thread_local! {
    static IS_HYDRATING: Cell<bool> = const { Cell::new(false) };
}

/// Calls `hydrate`. The tasks that it spawns start in later tasks of the browser's event loop, in their order.
pub fn begin_effects_later(hydrate: impl FnOnce()) {
    // An error means that an executor is set already. Then effects start at once: correct, and slower to respond.
    Executor::init_custom_executor(BrowserExecutor).ok();
    IS_HYDRATING.set(true);
    hydrate();
    IS_HYDRATING.set(false);
}

struct BrowserExecutor;

impl CustomExecutor for BrowserExecutor {
    fn spawn(&self, task: PinnedFuture<()>) {
        self.spawn_local(task);
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        if !IS_HYDRATING.get() {
            return spawn_local(task);
        }
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            // Still hydrating: a panic ended it. The page is drawn anew, by another instance of the module.
            if !IS_HYDRATING.get() {
                task.await;
            }
        });
    }

    fn poll_local(&self) {}
}
