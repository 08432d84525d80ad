//! `/rooms/{room}/messages/{message}`: a message alone, with its reactions, its earlier texts and the forms that answer it
//! and, for those who may, edit and delete it. The menu of a message leads here without a script.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    answer::{SignedIn, beside},
    document::{Document, Done},
    fields::{ABOUT, done_note, problem_note, text_of_area},
    not_found,
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::{
        change::{ChangeKind, NewChange, Reaction},
        chat::Message,
    },
    server::{
        chat::EarlierText,
        error::Error,
        http::{
            api::changes::offset_of,
            extract::{body::FormBody, path::PathPair, query::Lenient},
            redirect::back_to,
        },
    },
};

/// Serves the page. A message that the user may not read has the page for unknown addresses.
pub(super) async fn show(
    PathPair(room, message): PathPair,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    page(&room, &message, signed_in, outcome.problem(), None, outcome.done()).await
}

/// Serves the page, with the rejected text that was typed.
pub(super) async fn page(
    room: &str,
    message: &str,
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
    typed: Option<String>,
    done: Option<Done>,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let chat = &asked.state.chat;
    let found = async {
        let room = chat.room(room, Some(identity)).await?;
        chat.message(&room, Some(identity), offset_of(message)?).await
    };
    let (message, earlier) = match found.await {
        Ok(found) => found,
        Err(Error::Rejected(_)) => return Ok(not_found(signed_in.asked).await),
        Err(error) => return Err(error),
    };
    let is_own = message.user_id == identity.user.id;
    let may_delete = !message.deleted && (is_own || chat.is_moderator(&message.room, identity));
    let may_edit = is_own && !message.deleted;
    let may_report = !message.deleted && !is_own && !asked.state.rights.is_direct(&message.room);
    let me = identity.user.id.clone();
    let document =
        MessagePage { may_edit, may_delete, may_report, me, message, earlier, problem, typed, done };
    beside(&signed_in, document).await
}

/// The fields of the forms.
#[derive(Deserialize)]
pub(super) struct ChangeForm {
    id: String,
    kind: ChangeKind,
    text: Option<String>,
    emoji: Option<String>,
}

/// Changes the message. The room is shown next; after a reaction the message, because one reacts where one sees them.
pub(super) async fn change(
    PathPair(room, message): PathPair,
    SignedIn { asked, identity }: SignedIn,
    FormBody(ChangeForm { id, kind, text, emoji }): FormBody<ChangeForm>,
) -> Result<Response, Error> {
    let room = asked.state.chat.room(&room, Some(&identity)).await?;
    let offset = offset_of(&message)?;
    let next = match kind {
        ChangeKind::React | ChangeKind::Unreact => routes::message(&room, offset),
        _ => routes::room(&room),
    };
    let change = NewChange { id, kind, text: text.clone(), emoji };
    Ok(match asked.state.chat.change(&room, &identity, offset, change).await {
        Ok(_) => back_to(&next, None),
        Err(error) => {
            let page = async |signed_in, reason| {
                page(room.as_str(), &message, signed_in, Some(reason), text, None).await
            };
            rejected_beside(asked, &routes::message(&room, offset), &[], error, page).await
        }
    })
}

/// The data of the page.
struct MessagePage {
    message: Message,
    /// Oldest first.
    earlier: Vec<EarlierText>,
    may_edit: bool,
    may_delete: bool,
    may_report: bool,
    /// The id of who asks.
    me: String,
    /// The reason why the last change was rejected.
    problem: Option<RejectionReason>,
    /// The rejected text.
    typed: Option<String>,
    /// The message was reported.
    done: Option<Done>,
}

impl Document for MessagePage {
    fn title(&self, texts: &Texts) -> String {
        texts.message.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { message, earlier, may_edit, may_delete, may_report, me, problem, typed, done } = self;
        let report = may_report.then(|| report_form(texts, &message));
        let address = routes::message(&message.room, message.offset);
        let text = match message.deleted {
            true => view! { <p class="muted">{texts.message_deleted}</p> }.into_any(),
            false => view! { <p class="pre" dir="auto">{message.text.clone()}</p> }.into_any(),
        };
        let edit =
            may_edit.then(|| edit_form(texts, &address, typed.as_ref().unwrap_or(&message.text), problem));
        let reactions = (!message.deleted).then(|| reactions(texts, &address, &message, &me));
        let delete = may_delete.then(|| delete_form(texts, &address));
        let answer = (!message.deleted).then(|| answer_form(texts, &message));
        view! {
            <h1>{title}</h1>
            {done_note(done.map(|_| texts.reported))}
            <section class="panel stack">
                <p class="row__head"><b><bdi translate="no">{message.user}</bdi></b> " " {time(message.timestamp)}</p>
                {text}
                {(!may_edit).then(|| problem_note(texts, problem))}
            </section>
            {answer}
            {reactions}
            {edit}
            {(!message.deleted).then(|| pin_form(texts, &address, message.pinned))}
            {report}
            {delete}
            {(!earlier.is_empty()).then(|| earlier_texts(texts, earlier))}
            <p><a href=routes::room(&message.room)>{texts.back_to_room}</a></p>
        }
        .into_any()
    }
}

/// The reactions with their people, each with the form that gives one's own or takes it back, and one for another emoji.
fn reactions(texts: &'static Texts, address: &str, message: &Message, me: &str) -> impl IntoView + use<> {
    let rows: Vec<_> =
        message.reactions.iter().map(|reaction| reaction_form(texts, address, reaction, me)).collect();
    view! {
        <section class="panel stack" aria-labelledby="reactions-heading">
            <h2 id="reactions-heading">{texts.reactions}</h2>
            {(!rows.is_empty()).then(|| view! { <ul class="rows stack">{rows}</ul> })}
            <form class="labelled" method="post" action=address.to_owned()>
                <label for="emoji">{texts.emoji_or_shortcode}</label>
                {hidden_fields(ChangeKind::React)}
                <div class="field">
                    <input
                        id="emoji"
                        name="emoji"
                        required
                        maxlength="60"
                        placeholder=":tada:"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                    />
                    <button type="submit">{texts.add_reaction}</button>
                </div>
            </form>
        </section>
    }
}

fn reaction_form(
    texts: &'static Texts,
    address: &str,
    Reaction { emoji, count, users }: &Reaction,
    me: &str,
) -> impl IntoView + use<> {
    let is_mine = users.iter().any(|user| user.id == me);
    let kind = if is_mine { ChangeKind::Unreact } else { ChangeKind::React };
    let names: Vec<_> = users.iter().map(|user| isolated(&user.name)).collect();
    let people = (texts.people_with)(&names, count.saturating_sub(users.len() as u64));
    view! {
        <li>
            <form class="reaction-row" method="post" action=address.to_owned()>
                {hidden_fields(kind)}
                <input type="hidden" name="emoji" value=emoji.clone() />
                <button
                    type="submit"
                    class="reaction"
                    translate="no"
                    aria-pressed=is_mine.to_string()
                    aria-label=format!("{emoji} {count}: {people}")
                >
                    <span class="reaction__emoji">{emoji.clone()}</span> " " {count.to_string()}
                </button>
                <span translate="no">{people.clone()}</span>
            </form>
        </li>
    }
}

fn edit_form(
    texts: &'static Texts,
    address: &str,
    text: &str,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    view! {
        <form class="panel stack" method="post" action=address.to_owned() aria-labelledby="edit-heading">
            <h2 id="edit-heading">{texts.edit_message}</h2>
            {problem_note(texts, problem)}
            {hidden_fields(ChangeKind::Edit)}
            <textarea
                name="text"
                rows="5"
                dir="auto"
                required
                aria-labelledby="edit-heading"
                aria-invalid=problem.map(|_| "true")
                aria-describedby=problem.map(|_| ABOUT)
                inner_html=text_of_area(text)
            ></textarea>
            <button type="submit" class="primary">{texts.save}</button>
        </form>
    }
}

fn pin_form(texts: &'static Texts, address: &str, is_pinned: bool) -> impl IntoView + use<> {
    let (kind, label) =
        if is_pinned { (ChangeKind::Unpin, texts.unpin) } else { (ChangeKind::Pin, texts.pin) };
    view! {
        <form class="panel stack" method="post" action=address.to_owned()>
            {hidden_fields(kind)}
            <button type="submit">{label}</button>
        </form>
    }
}

/// The form that answers the message. Its one-time id makes a form that is sent twice post once.
fn answer_form(texts: &'static Texts, message: &Message) -> impl IntoView + use<> {
    let action = format!("{}?once={}", routes::room(&message.room), Uuid::new_v4());
    view! {
        <form class="panel stack" method="post" action=action aria-labelledby="answer-heading">
            <h2 id="answer-heading">{texts.reply}</h2>
            <input type="hidden" name="reply_to" value=message.offset.to_string() />
            <textarea name="text" rows="3" dir="auto" required aria-labelledby="answer-heading"></textarea>
            <button type="submit" class="primary">{texts.send}</button>
        </form>
    }
}

fn delete_form(texts: &'static Texts, address: &str) -> impl IntoView + use<> {
    view! {
        <form class="panel stack" method="post" action=address.to_owned()>
            {hidden_fields(ChangeKind::Delete)}
            <p class="muted" id="delete-hint">{texts.delete_hint}</p>
            <button type="submit" aria-describedby="delete-hint">{texts.delete_message}</button>
        </form>
    }
}

/// The form that reports the message to those who moderate the room.
fn report_form(texts: &'static Texts, message: &Message) -> impl IntoView + use<> {
    let action = format!("{}/report", routes::message(&message.room, message.offset));
    view! {
        <form class="panel stack" id="report" method="post" action=action aria-labelledby="report-heading">
            <h2 id="report-heading">{texts.report}</h2>
            <div class="labelled">
                <label for="note">{texts.report_note}</label>
                <input id="note" name="note" dir="auto" autocomplete="off" aria-describedby="note-hint" />
                <p class="muted" id="note-hint">{texts.report_hint}</p>
            </div>
            <button type="submit">{texts.report}</button>
        </form>
    }
}

/// The kind of the change, and its id: the same form sent again changes nothing twice.
fn hidden_fields(kind: ChangeKind) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="kind" value=kind.as_str() />
        <input type="hidden" name="id" value=Uuid::new_v4().to_string() />
    }
}

fn earlier_texts(texts: &'static Texts, earlier: Vec<EarlierText>) -> impl IntoView + use<> {
    let row = |EarlierText { text, until }| {
        view! {
            <li class="stack">
                <p class="muted">{texts.until} " " {time(until)}</p>
                <p class="pre" dir="auto">{text}</p>
            </li>
        }
    };
    view! {
        <section class="panel stack" aria-labelledby="earlier-heading">
            <h2 id="earlier-heading">{texts.earlier_texts}</h2>
            <ul class="rows">{earlier.into_iter().rev().map(row).collect::<Vec<_>>()}</ul>
        </section>
    }
}
