//! The state of a connection in the seed's words, and the number of messages that wait for it.

use leptos::prelude::*;

use super::live_text::live_text;
use crate::{
    app::{i18n::use_texts, model::connection::ConnectionState},
    protocol::transport::Transport,
};

/// The badge. `unsent` counts the user's own messages that are not stored yet.
#[component]
pub(crate) fn ConnectionBadge(
    state: Memo<ConnectionState>,
    transport: RwSignal<Option<Transport>>,
    unsent: Memo<usize>,
) -> impl IntoView {
    let texts = use_texts();
    let words = move || match (state.get(), unsent.get()) {
        (ConnectionState::Connecting, _) => texts.connecting.to_owned(),
        (ConnectionState::CatchingUp, _) => texts.catching_up.to_owned(),
        (ConnectionState::Open, _) => texts.connected.to_owned(),
        (ConnectionState::SignedOut, _) => texts.signed_out.to_owned(),
        (ConnectionState::Closed, 0) => texts.disconnected.to_owned(),
        (ConnectionState::Closed, unsent) => format!("{} · {}", texts.disconnected, (texts.unsent)(unsent)),
    };
    view! {
        <p
            class="connection-badge"
            role="status"
            data-connection=move || Some(state.get().as_str())
            data-transport=move || transport.get().map(Transport::as_str)
        >
            {live_text(words)}
        </p>
    }
}
