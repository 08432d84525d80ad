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

/// Called by `public/live.js` when the module has loaded: takes over what the server rendered, or draws it `anew` if it was
/// changed on its way. Fails by an exception if the document is of another build.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn start(anew: bool) {
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    let initial_data = client::dom::page::initial_data().expect("of this build");
    let element = client::dom::page::app_element().expect("one of ours");
    client::executor::begin_effects_later(|| {
        if anew {
            element.set_inner_html("");
            leptos::mount::mount_to(element, || app::hydrated(initial_data)).forget();
        } else {
            leptos::mount::hydrate_from(element, || app::hydrated(initial_data)).forget();
        }
        leptos::task::spawn_local(async { client::dom::page::mark_hydrated() });
    });
}

/// Called by `public/live.js` after a panic: ends what this instance of the module has begun.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn stop() {
    client::executor::stop();
}
