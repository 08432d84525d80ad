//! The view of a rejected draft or change: the reason, and what can be done. The list of messages and the reactions use it.

use leptos::prelude::*;

use crate::app::{
    i18n::use_texts,
    model::{control_name::control_name, room::RejectionReason},
};

/// The reason of a rejection, with buttons to try again and to drop what was rejected. `text` tells which one they are
/// for.
pub(super) fn rejected(
    reason: RejectionReason,
    text: &str,
    retry: impl Fn() + 'static,
    discard: impl Fn() + 'static,
) -> AnyView {
    let texts = use_texts();
    view! {
        <div class="message__state" role="alert">
            <p>{texts.failed} ": " {texts.rejection(reason)}</p>
            <button type="button" aria-label=control_name(texts.retry, text) on:click=move |_| retry()>{texts.retry}</button>
            <button type="button" aria-label=control_name(texts.discard, text) on:click=move |_| discard()>{texts.discard}</button>
        </div>
    }
    .into_any()
}
