//! `/reports`: the messages that people reported in the rooms which the user moderates, as they are now, with what can be
//! done. And the form of the message's own page that reports it.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    answer::{SignedIn, beside},
    document::{Document, Done},
    fields::{done_note, problem_note},
    outcome::Outcome,
    rejected::rejected_beside,
    room_parts::{time_field, time_of},
    room_settings::actor_of,
    texts::Texts,
    time::time,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    protocol::{
        change::{ChangeKind, NewChange},
        chat::Room,
        problem::{Code, Rejection},
    },
    server::{
        authz::Report,
        chat::ReportOfMessage,
        error::Error,
        http::{
            api::{changes::offset_of, moderation::author_of},
            extract::{
                body::FormBody,
                path::{PathPair, PathText},
                query::Lenient,
            },
            redirect::see,
        },
    },
};

/// Serves the page.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    page(signed_in, outcome.problem(), outcome.done()).await
}

async fn page(
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
    done: Option<Done>,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let (chat, actor) = (&asked.state.chat, actor_of(&signed_in));
    let reported = asked.state.rights.reported_rooms().await?;
    let rooms = chat.rooms(Some(identity)).await?.into_iter();
    let mut found = Vec::new();
    for room in rooms.filter(|room| reported.contains(&room.id) && chat.may_moderate(&room.id, &actor)) {
        let reports = chat.reports(&room.id, &actor).await?;
        found.push((room, reports));
    }
    beside(&signed_in, Reports { rooms: found, problem, done }).await
}

/// The field of the form that reports.
#[derive(Deserialize)]
pub(super) struct ReportForm {
    #[serde(default)]
    note: String,
}

/// Reports the message, and shows it again.
pub(super) async fn report(
    PathPair(room, message): PathPair,
    SignedIn { asked, identity }: SignedIn,
    FormBody(ReportForm { note }): FormBody<ReportForm>,
) -> Result<Response, Error> {
    let chat = &asked.state.chat;
    let room = chat.room(&room, Some(&identity)).await?;
    let offset = offset_of(&message)?;
    let path = routes::message(&room, offset);
    Ok(match chat.report(&room, &identity, offset, Some(&note)).await {
        Ok(()) => see(&path, &[("done", Done::Saved.as_str())]),
        Err(error) => {
            let page = async |signed_in, reason| {
                super::message::page(room.as_str(), &message, signed_in, Some(reason), None, None).await
            };
            rejected_beside(asked, &path, &[], error, page).await
        }
    })
}

/// The answer to a reported message.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Delete,
    Mute,
    Dismiss,
}

/// The fields of the forms that answer reports.
#[derive(Deserialize)]
pub(super) struct AnswerForm {
    message: String,
    answer: Answer,
    #[serde(default)]
    minutes: u32,
}

/// Does something with a reported message, and shows the others.
pub(super) async fn answer(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(AnswerForm { message, answer, minutes }): FormBody<AnswerForm>,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let SignedIn { asked, identity } = signed_in;
    let chat = &asked.state.chat;
    let room = chat.room(&room, Some(&identity)).await?;
    let offset = offset_of(&message)?;
    let answered = async {
        chat.check_moderator(&room, &actor)?;
        match answer {
            Answer::Delete => {
                // The operator of a server of guests is an administrator by this page alone.
                let who = crate::server::auth::Identity { is_admin: actor.is_admin, ..identity.clone() };
                let (id, kind) = (Uuid::new_v4().to_string(), ChangeKind::Delete);
                chat.change(&room, &who, offset, NewChange { id, kind, text: None, emoji: None }).await?;
                Ok(())
            }
            Answer::Mute => {
                let author = author_of(&asked.state, &room, &actor, offset).await?;
                chat.mute(&room, &actor, &author, time_of(minutes)).await.map(drop)
            }
            Answer::Dismiss => chat.dismiss_reports(&room, &actor, offset).await,
        }
    };
    Ok(match answered.await {
        Ok(()) => see(routes::REPORTS, &[("done", Done::Saved.as_str())]),
        // Somebody else was quicker.
        Err(Error::Rejected(Rejection { code: Code::MessageDeleted, .. })) => {
            see(routes::REPORTS, &[("done", Done::Saved.as_str())])
        }
        Err(error) => {
            let page = async |signed_in, reason| page(signed_in, Some(reason), None).await;
            rejected_beside(asked, routes::REPORTS, &[], error, page).await
        }
    })
}

/// The data of the page.
struct Reports {
    rooms: Vec<(Room, Vec<ReportOfMessage>)>,
    problem: Option<RejectionReason>,
    done: Option<Done>,
}

impl Document for Reports {
    fn title(&self, texts: &Texts) -> String {
        texts.reports.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { rooms, problem, done } = self;
        let is_empty = rooms.iter().all(|(_, reports)| reports.is_empty());
        let sections: Vec<_> =
            rooms.into_iter().map(|(room, reports)| section(texts, &room, reports)).collect();
        view! {
            <h1>{title}</h1>
            {done_note(done.map(|_| texts.saved))}
            {problem_note(texts, problem)}
            {is_empty.then(|| view! { <p class="panel">{texts.no_reports}</p> })}
            {sections}
        }
        .into_any()
    }
}

fn section(texts: &'static Texts, room: &Room, reports: Vec<ReportOfMessage>) -> AnyView {
    let heading = format!("reports-{}", room.id);
    let rows: Vec<_> = reports.into_iter().map(|report| row(texts, report)).collect();
    view! {
        <section class="panel stack" aria-labelledby=heading.clone()>
            <h2 id=heading.clone()><a href=routes::room(&room.id)><bdi translate="no">{room.name.clone()}</bdi></a></h2>
            <ul class="rows stack">{rows}</ul>
        </section>
    }
    .into_any()
}

fn row(texts: &'static Texts, ReportOfMessage { message, reported }: ReportOfMessage) -> AnyView {
    let (room, offset) = (reported.room, reported.offset);
    let action = format!("{}/settings/reports", routes::room(&room));
    let page = routes::message(&room, offset);
    let is_there = message.as_ref().is_some_and(|message| !message.deleted);
    let shown = match message.filter(|message| !message.deleted) {
        None => view! { <p class="muted">{texts.message_deleted}</p> }.into_any(),
        Some(message) => view! {
            <p class="row__head"><b><bdi translate="no">{message.user}</bdi></b> " " <a href=page>{time(message.timestamp)}</a></p>
            <p class="pre" dir="auto">{message.text}</p>
        }
        .into_any(),
    };
    let by = |Report { by, at, note }: Report| {
        let note = (!note.is_empty()).then(|| view! { <span class="pre" dir="auto">{note}</span> });
        view! { <li class="muted">{texts.reported_by} " " <bdi translate="no">{by.name}</bdi> " " {time(at)} " " {note}</li> }
    };
    let by: Vec<_> = reported.reports.into_iter().map(by).collect();
    let form = move |answer: &'static str, button: &'static str, more: AnyView| {
        view! {
            <form class="stack" method="post" action=action.clone()>
                <input type="hidden" name="message" value=offset.to_string() />
                <input type="hidden" name="answer" value=answer />
                {more}
                <button type="submit">{button}</button>
            </form>
        }
        .into_any()
    };
    let minutes = time_field(texts, &format!("minutes-{room}-{offset}")).into_any();
    let forms = [
        is_there.then(|| form("delete", texts.delete_message, ().into_any())),
        is_there.then(|| form("mute", texts.mute_author, minutes)),
        Some(form("dismiss", texts.dismiss, ().into_any())),
    ];
    view! {
        <li class="stack">
            {shown}
            <ul>{by}</ul>
            {forms.into_iter().flatten().collect::<Vec<_>>()}
        </li>
    }
    .into_any()
}
