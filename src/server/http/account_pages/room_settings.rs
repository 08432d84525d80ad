//! `/rooms/{room}/settings`: the page on which a room's owner and administrators rename, describe, archive and remove it and
//! name its moderators, and on which these mute people.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, actor, beside},
    document::{Document, Done},
    fields::{ABOUT, done_note, labelled_input, problem_note},
    outcome::Outcome,
    rejected::rejected_beside,
    room_of_page::room_of_page,
    room_parts::{People, moderators, mutes},
    texts::Texts,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::{
        chat::Room,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::Actor,
        authz::Mute,
        chat::RoomChange,
        clock::now_ms,
        error::Error,
        http::{
            extract::{body::FormBody, path::PathText, query::Lenient},
            redirect::{back_to, see},
        },
        store::normalized_name::normalized_name,
    },
};

/// The form that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Describe,
    Archive,
    Remove,
    Moderator,
    Mute,
}

/// The text that was typed into a rejected form.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    pub(super) name: Option<String>,
    pub(super) topic: Option<String>,
    /// Of a moderator, or of somebody to mute.
    pub(super) person: Option<String>,
}

/// The user of a page as somebody who changes a room.
pub(super) fn actor_of(signed_in: &SignedIn) -> Actor {
    actor(&signed_in.asked)
}

/// Serves the page. For everybody who may not change the room it is the page for unknown addresses.
pub(super) async fn show(
    PathText(room): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    let rejected = outcome.problem().map(|reason| (Form::Describe, reason));
    page(&room, signed_in, rejected, Typed::default(), outcome.done()).await
}

pub(super) async fn page(
    room: &str,
    signed_in: SignedIn,
    rejected: Option<(Form, RejectionReason)>,
    typed: Typed,
    done: Option<Done>,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let may_see = |room: &RoomId| signed_in.asked.state.chat.may_moderate(room, &actor);
    let known = match room_of_page(&signed_in, room, may_see, routes::room_settings).await? {
        Ok(known) => known,
        Err(elsewhere) => return Ok(elsewhere.answer(signed_in.asked).await),
    };
    let asked = &signed_in.asked;
    let rights = &asked.state.rights;
    let document = RoomSettings {
        may_manage: asked.state.chat.may_manage(&known.id, &actor),
        moderators: rights.moderators(&known.id),
        mutes: rights.muted(&known.id, now_ms()),
        room: known,
        rejected,
        typed,
        done,
    };
    beside(&signed_in, document).await
}

/// Changes the room by `form`, and shows the page again.
async fn change(
    room: &str,
    signed_in: SignedIn,
    form: Form,
    change: RoomChange,
    typed: Typed,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let SignedIn { asked, identity } = signed_in;
    let room = asked.state.chat.room(room, Some(&identity)).await?;
    let path = routes::room_settings(&room);
    Ok(match asked.state.chat.change_room(&room, &actor, change).await {
        Ok(_) => see(&path, &[("done", Done::Saved.as_str())]),
        Err(error) => {
            let page = async |signed_in, reason| {
                page(room.as_str(), signed_in, Some((form, reason)), typed, None).await
            };
            rejected_beside(asked, &path, &[], error, page).await
        }
    })
}

/// The fields of the form that renames and describes.
#[derive(Deserialize)]
pub(super) struct DescribeForm {
    name: String,
    #[serde(default)]
    topic: String,
}

/// Renames and describes the room.
pub(super) async fn describe(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(DescribeForm { name, topic }): FormBody<DescribeForm>,
) -> Result<Response, Error> {
    let typed = Typed { name: Some(name.clone()), topic: Some(topic.clone()), person: None };
    let wanted = RoomChange { name: Some(name), topic: Some(topic), archived: None };
    change(&room, signed_in, Form::Describe, wanted, typed).await
}

/// The field of the form that archives.
#[derive(Deserialize)]
pub(super) struct ArchiveForm {
    archived: bool,
}

/// Archives the room, or takes it back.
pub(super) async fn archive(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(ArchiveForm { archived }): FormBody<ArchiveForm>,
) -> Result<Response, Error> {
    let wanted = RoomChange { archived: Some(archived), ..RoomChange::default() };
    change(&room, signed_in, Form::Archive, wanted, Typed::default()).await
}

/// The field of the form that removes.
#[derive(Deserialize)]
pub(super) struct RemoveForm {
    confirm: String,
}

/// Removes the room, if its name was typed, and shows the feed.
pub(super) async fn remove(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(RemoveForm { confirm }): FormBody<RemoveForm>,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let SignedIn { asked, identity } = signed_in;
    let chat = &asked.state.chat;
    let room = chat.room(&room, Some(&identity)).await?;
    let removed = async {
        let rooms = chat.rooms(Some(&identity)).await?;
        let name = rooms.into_iter().find(|known| known.id == room).map(|room| normalized_name(&room.name));
        if name != Some(normalized_name(confirm.split_whitespace().collect::<Vec<_>>().join(" ").as_str())) {
            return Err(Rejection::new(Code::BadName, "This is not the name of the room.").into());
        }
        chat.remove_room(&room, &actor).await
    };
    Ok(match removed.await {
        Ok(()) => back_to("/", None),
        Err(error) => {
            let page = async |signed_in, reason| {
                page(room.as_str(), signed_in, Some((Form::Remove, reason)), Typed::default(), None).await
            };
            rejected_beside(asked, &routes::room_settings(&room), &[], error, page).await
        }
    })
}

/// The data of the page.
struct RoomSettings {
    room: Room,
    /// The user may change the room; otherwise they are a moderator.
    may_manage: bool,
    moderators: Vec<User>,
    mutes: Vec<(User, Mute)>,
    rejected: Option<(Form, RejectionReason)>,
    typed: Typed,
    done: Option<Done>,
}

impl RoomSettings {
    /// The people of the part with this form.
    fn people(&self, form: Form) -> People<'_> {
        let problem = self.problem(form);
        let typed = self.typed.person.as_deref().filter(|_| problem.is_some()).unwrap_or_default();
        People { moderators: &self.moderators, mutes: &self.mutes, problem, typed }
    }

    /// The reason for which this form was rejected.
    fn problem(&self, of: Form) -> Option<RejectionReason> {
        self.rejected.filter(|(form, _)| *form == of).map(|(_, reason)| reason)
    }
}

impl Document for RoomSettings {
    fn title(&self, texts: &Texts) -> String {
        (texts.settings_of)(&isolated(&self.room.name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let address = routes::room_settings(&self.room.id);
        let done = self.done.map(|_| texts.saved);
        view! {
            <h1>{title}</h1>
            {done_note(done)}
            {self.may_manage.then(|| describe_form(texts, &self, &address))}
            {self.may_manage.then(|| moderators(texts, &self.people(Form::Moderator), &address))}
            {mutes(texts, &self.people(Form::Mute), &address)}
            <section class="panel stack">
                <p><a href=routes::REPORTS>{texts.reports}</a></p>
                {self.may_manage.then(|| view! { <p><a href=routes::room_hooks(&self.room.id)>{texts.hooks}</a></p> })}
                {self.may_manage.then(|| view! { <p><a href=routes::room_outgoing(&self.room.id)>{texts.outgoing}</a></p> })}
                {self.may_manage.then(|| view! { <p><a href=routes::room_actions(&self.room.id)>{texts.actions}</a></p> })}
            </section>
            {self.may_manage.then(|| export_link(texts, &self.room.id))}
            {self.may_manage.then(|| archive_form(texts, &self, &address))}
            {self.may_manage.then(|| remove_form(texts, &self, &address))}
            <p><a href=routes::room(&self.room.id)>{texts.back_to_room}</a></p>
        }
        .into_any()
    }
}

fn describe_form(texts: &'static Texts, page: &RoomSettings, address: &str) -> AnyView {
    let problem = page.problem(Form::Describe);
    let name = page.typed.name.clone().unwrap_or_else(|| page.room.name.clone());
    let topic = page.typed.topic.clone().unwrap_or_else(|| page.room.topic.clone());
    view! {
        <form class="panel stack" method="post" action=address.to_owned() aria-labelledby="describe-heading">
            <h2 id="describe-heading">{texts.name_and_topic}</h2>
            {problem_note(texts, problem)}
            {labelled_input("name", texts.name, name, Some(texts.address_stays), problem)}
            <div class="labelled">
                <label for="topic">{texts.topic}</label>
                <input
                    id="topic"
                    name="topic"
                    value=topic
                    dir="auto"
                    autocomplete="off"
                    aria-describedby="topic-hint"
                />
                <p class="muted" id="topic-hint">{texts.topic_hint}</p>
            </div>
            <button type="submit" class="primary">{texts.save}</button>
        </form>
    }
    .into_any()
}

fn export_link(texts: &'static Texts, room: &RoomId) -> AnyView {
    view! {
        <section class="panel stack">
            <h2>{texts.export_room}</h2>
            <p class="muted">{texts.export_room_text}</p>
            <p><a href=format!("/api/rooms/{room}/export") rel="external" download>{texts.export_room}</a></p>
        </section>
    }
    .into_any()
}

fn archive_form(texts: &'static Texts, page: &RoomSettings, address: &str) -> AnyView {
    let is_archived = page.room.archived;
    let (text, button) = match is_archived {
        false => (texts.archive_hint, texts.archive),
        true => (texts.archived_hint, texts.take_back),
    };
    view! {
        <form
            class="panel stack"
            method="post"
            action=format!("{address}/archive")
            aria-labelledby="archive-heading"
        >
            <h2 id="archive-heading">{texts.archive_heading}</h2>
            {problem_note(texts, page.problem(Form::Archive))}
            <p class="muted">{text}</p>
            <input type="hidden" name="archived" value=(!is_archived).to_string() />
            <button type="submit">{button}</button>
        </form>
    }
    .into_any()
}

fn remove_form(texts: &'static Texts, page: &RoomSettings, address: &str) -> AnyView {
    let problem = page.problem(Form::Remove);
    let note = match problem.map(|reason| reason.code) {
        Some(Code::BadName) => {
            view! { <p class="note" role="alert" id=ABOUT>{texts.not_the_rooms_name}</p> }.into_any()
        }
        _ => problem_note(texts, problem).into_any(),
    };
    view! {
        <form
            class="panel stack"
            method="post"
            action=format!("{address}/remove")
            aria-labelledby="remove-heading"
        >
            <h2 id="remove-heading">{texts.remove_room}</h2>
            {note}
            <p class="muted">{texts.remove_room_text}</p>
            {labelled_input("confirm", texts.rooms_name, String::new(), None, problem)}
            <button type="submit">{texts.remove_room}</button>
        </form>
    }
    .into_any()
}
