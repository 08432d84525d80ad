//! Idobata: a live event feed with chat rooms beside it.
//!
//! Each *topic* (the feed, every room) is a log of entries with offsets 1, 2, 3 …, and every reader is a cursor into
//! it. Live delivery, resume after a drop, catching up and history are one code path.
//!
//! * [`protocol`]: the contract. Plain data and its rules, for both targets.
//! * [`app`]: the pages, for both targets: rendered on the server, hydrated in the browser.
//! * [`client`]: sockets, streams and time-outs of the browser; called from effects and event handlers only.
//! * `server`: the server, in the program only.
//!
//! Each imports only those after it: server → app → client → protocol. docs/architecture.md follows a message and an
//! event through the files.
//!
//! This is the only file with feature gates. Shared code needs none: effects never run on the server.

// Page trees are deeply nested types; both builds exceed the default.
#![recursion_limit = "512"]

pub mod app;
pub mod client;
pub mod protocol;
#[cfg(feature = "ssr")]
pub mod server;

/// Called by the page's script when the module has loaded: takes over what the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    // Without it the document is not one of ours, or of another build: it stays a plain page.
    if let Some(initial_data) = client::dom::page::initial_data() {
        client::executor::begin_effects_later(|| leptos::mount::hydrate_body(|| app::hydrated(initial_data)));
    }
}
