//! The quote of the message that a message answers: author and beginning of the text, which lead to the answered message.
//! The list of messages and the composer draw it.

use leptos::{prelude::*, task::spawn_local};

use super::{
    icon::{Icon, icon},
    live_text::name_view,
    message_actions::MessageActions,
};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_message,
        model::room::{Answered, RoomModel},
        reactive::effect,
    },
    protocol::{chat::Message, cursor::Offset},
};

/// Characters of the answered text that stand in the page: more than a line has.
const TEXT_CHARACTERS: usize = 160;

/// The link from an answer to the message at `offset`.
pub(super) fn quote(actions: MessageActions, offset: Offset, answered: &Answered) -> AnyView {
    let texts = use_texts();
    if *answered == Answered::Unknown {
        load(actions.model, offset);
    }
    let to = view! { <span class="visually-hidden">{texts.in_reply_to}" "</span> }.into_any();
    match answered {
        Answered::Message(message) if !message.deleted => {
            let href = actions.address(message);
            view! { <a class="quote" href=href>{icon(Icon::Reply)} {to} {author_and_text(message)}</a> }
                .into_any()
        }
        Answered::Unknown => view! { <p class="quote">{icon(Icon::Reply)} {to} "…"</p> }.into_any(),
        missing => {
            let words = missing_words(missing);
            view! { <p class="quote quote--gone">{icon(Icon::Reply)} {to} {words}</p> }.into_any()
        }
    }
}

/// The words for an answered message that is not there.
pub(super) fn missing_words(answered: &Answered) -> &'static str {
    let texts = use_texts();
    match answered {
        Answered::Message(_) => (texts.problem)(crate::protocol::problem::Code::MessageDeleted),
        Answered::Gone => texts.answered_gone,
        Answered::Unknown => "…",
    }
}

/// The author and the beginning of the text of an answered message.
pub(super) fn author_and_text(message: &Message) -> AnyView {
    let texts = use_texts();
    let author = if message.user.is_empty() { texts.unknown_author.to_owned() } else { message.user.clone() };
    let mut text: String = message.text.chars().take(TEXT_CHARACTERS).collect();
    if message.html.is_some() {
        text = ["**", "~~", "`"].iter().fold(text, |text, mark| text.replace(mark, ""));
    }
    view! {
        <b class="quote__user">{name_view(author)}</b>
        " "
        <bdi class="quote__text">{text}</bdi>
    }
    .into_any()
}

/// Requests an answered message that the page does not have, once it is in the browser.
pub(super) fn load(model: RwSignal<RoomModel>, offset: Offset) {
    effect(move || {
        let room = model.with_untracked(|model| model.room.id.clone());
        spawn_local(async move {
            // If it fails, the next drawing asks again.
            if let Some(page) = load_message(&room, offset).await {
                model.try_update(|model| model.quote(offset, page));
            }
        });
    });
}
