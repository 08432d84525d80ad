//! Whether what is said arrives: the seed's status words.

use leptos::prelude::*;

use crate::app::{i18n::use_texts, model::connection::ConnectionState};

/// See the module.
#[component]
pub(crate) fn ConnectionBadge(#[prop(into)] state: Signal<ConnectionState>) -> impl IntoView {
    let texts = use_texts();
    let words = move || match state.get() {
        ConnectionState::Connecting => texts.connecting,
        ConnectionState::Open => texts.connected,
        ConnectionState::Closed => texts.disconnected,
    };
    view! {
        <p class="connection-badge" role="status" data-connection=move || state.get().as_str()>
            {words}
        </p>
    }
}
