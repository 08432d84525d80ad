//! The reactions under a message: a button for each emoji, which gives one's own or takes it back, and one that adds
//! another. Whoever may not write sees them as text.
//!
//! A reaction must not draw its message again: the focus, a selection and what a screen reader reads would be lost. So
//! the row follows the model by itself, and hears of its own message's reactions only: a list may have a thousand
//! rows. Without a script its buttons lead to the message's own page.

use leptos::{ev, prelude::*};

use super::{
    icon::{Icon, icon},
    live_text::live_text,
    message_actions::MessageActions,
    message_menu::picker_of,
    rejected::rejected,
};
use crate::{
    app::{
        i18n::{Texts, use_texts},
        model::{
            control_name::control_name,
            direction::isolated,
            room::{DraftState, PendingChange, ShownReaction},
        },
        reactive::{Key, list, show_when},
        routes,
    },
    client::dom::{page, popover},
    protocol::{chat::Message, cursor::Offset},
};

/// The reactions of one message.
#[derive(Clone, Copy)]
struct Row {
    actions: MessageActions,
    offset: Offset,
    /// Changes when they have to be read again.
    version: RwSignal<Option<u64>>,
    texts: &'static Texts,
    /// The text of the message, by which the controls are told apart.
    text: StoredValue<String>,
}

/// The row of a message; nothing while it has no reactions.
pub(super) fn reactions(actions: MessageActions, message: &Message) -> AnyView {
    let offset = message.offset;
    let version = actions.reaction_versions.of(offset);
    let text = StoredValue::new(message.text.clone());
    let row = Row { actions, offset, version, texts: use_texts(), text };
    let page = routes::message(&message.room, offset);
    show_when(move || version.get().is_some(), move || row.view(page.clone()))
}

impl Row {
    fn view(self, page: String) -> AnyView {
        let label = self.text.with_value(|text| control_name(self.texts.reactions, text));
        let buttons =
            list(move || self.emoji(), |emoji| Key::Name(emoji.clone()), move |emoji| self.button(emoji));
        view! {
            // Read aloud only on request: the list of messages is a live region.
            <form class="reactions" action=page aria-live="off">
                <div class="reactions__row" role="group" aria-label=label>
                    {buttons}
                    {self.actions.may_write().then(|| self.add_button())}
                </div>
                {list(move || self.rejected(), |pending| Key::Name(pending.id.clone()), move |pending| self.rejection(pending))}
            </form>
        }
        .into_any()
    }

    fn emoji(self) -> Vec<String> {
        self.version.track();
        let shown = self.actions.model.with_untracked(|model| model.reactions(self.offset));
        shown.into_iter().map(|reaction| reaction.emoji).collect()
    }

    fn shown(self, emoji: StoredValue<String>) -> ShownReaction {
        self.version.track();
        let model = self.actions.model;
        emoji.with_value(|emoji| model.with_untracked(|model| model.reaction(self.offset, emoji)))
    }

    /// The people of a reaction: the user first.
    fn people(self, reaction: &ShownReaction) -> String {
        let you = reaction.is_mine.then(|| self.texts.you.to_owned());
        let names: Vec<_> =
            you.into_iter().chain(reaction.others.iter().map(|name| isolated(name))).collect();
        (self.texts.people_with)(&names, reaction.unnamed())
    }

    fn button(self, emoji: String) -> AnyView {
        let stored = StoredValue::new(emoji.clone());
        let count = live_text(move || self.shown(stored).count.to_string());
        let people = live_text(move || self.people(&self.shown(stored)));
        if !self.actions.may_write() {
            return view! {
                <span class="reaction" translate="no"><span class="reaction__emoji">{emoji}</span> " " {count} " " <span class="reaction__people">{people}</span></span>
            }
            .into_any();
        }
        let label = move || {
            let shown = self.shown(stored);
            format!("{} {}: {}", shown.emoji, shown.count, self.people(&shown))
        };
        view! {
            <button
                class="reaction"
                translate="no"
                aria-pressed=move || self.shown(stored).is_mine.to_string()
                aria-label=label
                on:click=move |event| self.toggle(&event, stored)
            >
                <span class="reaction__emoji">{emoji}</span>
                " "
                {count}
                <span class="reaction__people" aria-hidden="true">{people}</span>
            </button>
        }
        .into_any()
    }

    fn toggle(self, event: &ev::MouseEvent, emoji: StoredValue<String>) {
        event.prevent_default();
        let left = emoji.with_value(|emoji| {
            self.actions.react(self.offset, emoji);
            self.actions.model.with_untracked(|model| model.reaction(self.offset, emoji).count)
        });
        if left == 0 {
            // With the last one its button goes, and the focus would.
            page::focus_near(event, ".message", ".message__more");
        }
    }

    fn add_button(self) -> AnyView {
        let label = self.text.with_value(|text| control_name(self.texts.add_reaction, text));
        let open = move |event: ev::MouseEvent| {
            event.prevent_default();
            self.actions.target.set(self.offset);
            popover::show(picker_of(self.actions), &event);
        };
        view! {
            <button class="reaction reaction--add" aria-label=label title=self.texts.add_reaction aria-haspopup="dialog" on:click=open>
                {icon(Icon::SmilePlus)}
            </button>
        }
        .into_any()
    }

    fn rejected(self) -> Vec<PendingChange> {
        self.version.track();
        self.actions.model.with_untracked(|model| model.rejected_reactions(self.offset))
    }

    /// A reaction that was rejected, with the reason.
    fn rejection(self, pending: PendingChange) -> AnyView {
        let DraftState::Failed(reason) = pending.state else { return ().into_any() };
        let emoji = pending.emoji.clone().unwrap_or_default();
        let retry = move || self.actions.send_again(pending.clone());
        let discard = move || self.actions.discard(self.offset);
        rejected(reason, &emoji, retry, discard)
    }
}
