//! Runs the tasks of Leptos in the browser: its effects are such. `lib.rs` calls it once, to take over the page.
//!
//! Taking over a page draws nothing, but it walks all of the page, and then every effect runs for the first time. In one
//! go that holds up the browser for as long as both take together, so each effect begins in a turn of its own.

use std::cell::Cell;

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

thread_local! {
    static IS_TAKING_OVER: Cell<bool> = const { Cell::new(false) };
}

/// Calls `apply_local`, and lets the tasks that it spawns begin in later turns of the browser, in their order.
pub fn begin_effects_later(apply_local: impl FnOnce()) {
    // An error says that there is one already, by which effects begin at once: slower to answer, and right.
    Executor::init_custom_executor(BrowserExecutor).ok();
    IS_TAKING_OVER.set(true);
    apply_local();
    IS_TAKING_OVER.set(false);
}

struct BrowserExecutor;

impl CustomExecutor for BrowserExecutor {
    fn spawn(&self, task: PinnedFuture<()>) {
        self.spawn_local(task);
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        if !IS_TAKING_OVER.get() {
            return spawn_local(task);
        }
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            task.await;
        });
    }

    fn poll_local(&self) {}
}
