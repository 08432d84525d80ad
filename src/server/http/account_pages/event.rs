//! `/feed/{channel}/{event}`: an event alone, with its newest state, the rooms where somebody talks about it, and the form
//! that begins to. The feed's link *Discuss* and the messages that quote an event lead here, so all of it works without a
//! script. A room is named only to those who may enter it.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside_reader, forbidden},
    document::Document,
    fields::problem_note,
    not_found,
    outcome::Outcome,
    rejected::rejected,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        i18n::Language,
        model::{direction::isolated, room::RejectionReason},
        routes::{self, Permalink},
    },
    protocol::{
        chat::Room,
        feed::{Body, Entry},
        name::RoomId,
    },
    server::{
        chat::Talk,
        error::Error,
        http::{
            extract::{body::FormBody, path::PathPair, query::Lenient},
            favourites,
            pages::{
                PageRequest, event_state,
                event_state::EventState,
                language_of, page_data,
                talk::{EventAddress, quote, subject_of},
            },
            redirect::back_to,
        },
    },
};

/// Serves the page. An event that the reader may not read has the page for unknown addresses, as one that never was.
pub(super) async fn show(
    PathPair(channel, event): PathPair,
    asked: PageRequest,
    Lenient(outcome): Lenient<Outcome>,
    Lenient(Answered { answered }): Lenient<Answered>,
) -> Result<Response, Error> {
    match forbidden(&asked) {
        Some(answer) => Ok(answer),
        None => {
            let form =
                Form { problem: outcome.problem(), is_late: answered.is_some(), chosen: String::new() };
            page(&channel, &event, asked, form).await
        }
    }
}

/// The query of somebody whose answer to a question was not the first.
#[derive(Deserialize)]
pub(super) struct Answered {
    answered: Option<String>,
}

/// The outcome of the form that led here.
struct Form {
    /// The reason why the last change was rejected.
    problem: Option<RejectionReason>,
    /// Somebody else had answered the question before.
    is_late: bool,
    /// The room of the rejected form.
    chosen: String,
}

async fn page(channel: &str, event: &str, asked: PageRequest, form: Form) -> Result<Response, Error> {
    let (state, who) = (&asked.state, asked.caller.0.as_ref());
    let address = EventAddress::of(channel, event);
    let entry = match &address {
        Some(address) => address.load(state, who).await?,
        None => None,
    };
    let Some((entry, address)) = entry.zip(address) else { return Ok(not_found(asked).await) };
    let newest = match entry.body.key() {
        Some(key) => state.feed.newest_of(who, &entry.channel, key).await?,
        None => None,
    };
    let rooms = page_data::rooms_of(state, who).await?;
    let talks = state.chat.talks(who, &[subject_of(&entry)]).await?.pop().unwrap_or_default();
    let favourites = favourites::read(&state.site, &asked.headers);
    let document = EventPage {
        language: language_of(&state.site, &asked.headers),
        path: format!("{}/{}", routes::feed(Some(&address.channel)), address.event),
        newest: newest.filter(|newest| newest.offset > entry.offset),
        entry,
        talks,
        rooms: who.map(|_| to_choose(rooms, &favourites)),
        form,
    };
    beside_reader(&asked, document).await
}

/// The rooms that are open to writing, the favourites first, as in the sidebar.
fn to_choose(mut rooms: Vec<Room>, favourites: &[RoomId]) -> Vec<Room> {
    rooms.retain(|room| !room.archived);
    rooms.sort_by_key(|room| favourites.iter().position(|id| *id == room.id).unwrap_or(favourites.len()));
    rooms
}

/// The field of the form.
#[derive(Deserialize)]
pub(super) struct RoomForm {
    room: String,
}

/// Begins the talk in a room, or finds the one that is there, and leads to it.
pub(super) async fn discuss(
    PathPair(channel, event): PathPair,
    SignedIn { asked, identity }: SignedIn,
    FormBody(form): FormBody<RoomForm>,
) -> Result<Response, Error> {
    let state = &asked.state;
    let Some(address) = EventAddress::of(&channel, &event) else { return Ok(not_found(asked).await) };
    let Some(entry) = address.load(state, Some(&identity)).await? else { return Ok(not_found(asked).await) };
    let path = format!("{}/{}", routes::feed(Some(&address.channel)), address.event);
    let begun = async {
        let room = state.chat.room(&form.room, Some(&identity)).await?;
        let link = super::invitations::address_of(&asked, &path);
        let text = quote(language_of(&state.site, &asked.headers), &entry, &link);
        let root = state.chat.discuss(&room, &identity, &subject_of(&entry), &text).await?;
        Ok::<_, Error>(routes::thread(&room, &Permalink::Message(root, String::new())))
    };
    Ok(match begun.await {
        Ok(thread) => back_to(&thread, None),
        Err(error) => {
            let again = async |asked, reason| {
                let form = Form { problem: Some(reason), is_late: false, chosen: form.room };
                page(&channel, &event, asked, form).await
            };
            rejected(asked, &path, &[], error, again).await
        }
    })
}

/// The data of the page.
struct EventPage {
    language: Language,
    path: String,
    entry: Entry,
    /// A newer entry with the same key.
    newest: Option<Entry>,
    talks: Vec<Talk>,
    /// The rooms to choose from; `None`: the reader may not write.
    rooms: Option<Vec<Room>>,
    form: Form,
}

impl Document for EventPage {
    fn title(&self, _: &Texts) -> String {
        EventState::of(self.language, &self.entry).title
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { language, path, entry, newest, talks, rooms, form: Form { problem, is_late, chosen } } =
            self;
        let late = is_late.then(|| view! { <p class="note" role="alert">{texts.answered_before}</p> });
        let choices = newest.is_none().then(|| choices_form(&entry));
        let now = newest.map(|newest| {
            let title = EventState::of(language, &newest).title;
            view! {
                <section class="panel stack" aria-labelledby="now">
                    <h2 id="now">{texts.newest_state}</h2>
                    <p><b dir="auto">{title}</b></p>
                    {event(language, &newest)}
                </section>
            }
        });
        let talk = |Talk { room, root, answers }: Talk| {
            let address = routes::thread(&room.id, &Permalink::Message(root, String::new()));
            let (name, answers) = (format!("#{}", isolated(&room.name)), (texts.answers)(answers));
            view! { <li><a href=address translate="no">{name}</a> " " <span class="muted">{answers}</span></li> }
        };
        let talks: Vec<_> = talks.into_iter().map(talk).collect();
        let discussed = (!talks.is_empty()).then(|| {
            view! {
                <section class="panel stack" aria-labelledby="talks">
                    <h2 id="talks">{texts.discussed_in}</h2>
                    <ul class="rows stack">{talks}</ul>
                </section>
            }
        });
        view! {
            <h1 dir="auto">{title}</h1>
            {late}
            <section class="panel stack">
                <p><a href=routes::feed(Some(&entry.channel)) translate="no">{entry.channel.clone()}</a></p>
                {event(language, &entry)}
                {choices}
            </section>
            {now}
            {discussed}
            {rooms.map(|rooms| form(texts, path, rooms, problem, &chosen))}
        }
        .into_any()
    }
}

/// The level, the time, the text, the tags and the links of an event.
fn event(language: Language, entry: &Entry) -> AnyView {
    let state = EventState::of(language, entry);
    let text = match &entry.body {
        Body::Notification { details, .. } if details.html.is_some() => {
            view! { <div class="formatted" inner_html=details.html.clone()></div> }.into_any()
        }
        _ if state.text.is_empty() => ().into_any(),
        _ => view! { <p class="pre" dir="auto">{state.text.clone()}</p> }.into_any(),
    };
    let (tags, links) = match &entry.body {
        Body::Notification { tags, link, details, .. } => {
            let actions = details.actions.iter().map(|action| (action.url.clone(), action.label.clone()));
            let link = link.iter().map(|link| (link.clone(), link.clone()));
            (tags.clone(), link.chain(actions).collect())
        }
        _ => (Vec::new(), Vec::new()),
    };
    let tags: Vec<_> =
        tags.into_iter().map(|tag| view! { <li><bdi translate="no">{tag}</bdi></li> }).collect();
    let links: Vec<_> = links
        .into_iter()
        .map(|(address, label): (String, String)| {
            // As the feed's: to another site, which gets no referrer.
            view! { <p><a href=address target="_blank" rel="noopener noreferrer nofollow ugc" dir="auto">{label}</a></p> }
        })
        .collect();
    view! {
        <p class="row__head">{event_state::badge(&state)} {time(entry.timestamp)}</p>
        {text}
        {(!tags.is_empty()).then(|| view! { <ul class="tags">{tags}</ul> })}
        {links}
    }
    .into_any()
}

/// The choices of a question that is open.
fn choices_form(entry: &Entry) -> Option<AnyView> {
    let Body::Notification { details, .. } = &entry.body else { return None };
    let button = |choice: &String| {
        view! { <button name="choice" value=choice.clone() dir="auto" translate="no">{choice.clone()}</button> }
    };
    let buttons: Vec<_> = details.choices.iter().map(button).collect();
    let action = routes::feed(Some(&entry.channel)) + "/answers";
    let form = || {
        view! {
            <form class="row__actions" method="post" action=action>
                <input type="hidden" name="question" value=entry.offset.to_string() />
                {buttons}
            </form>
        }
        .into_any()
    };
    (!details.choices.is_empty()).then(form)
}

fn form(
    texts: &'static Texts,
    path: String,
    rooms: Vec<Room>,
    problem: Option<RejectionReason>,
    chosen: &str,
) -> AnyView {
    if rooms.is_empty() {
        return view! { <p>{texts.no_room}</p> }.into_any();
    }
    let option = |Room { id, name, .. }: Room| {
        let is_chosen = id.as_str() == chosen;
        view! { <option value=id.as_str().to_owned() selected=is_chosen dir="auto">{name}</option> }
    };
    let options: Vec<_> = rooms.into_iter().map(option).collect();
    view! {
        <form class="panel stack" id="discuss" method="post" action=path aria-labelledby="discuss-heading">
            <h2 id="discuss-heading">{texts.discuss}</h2>
            {problem_note(texts, problem)}
            <p class="muted" id="discuss-hint">{texts.discuss_hint}</p>
            <div class="labelled">
                <label for="room">{texts.room}</label>
                <select id="room" name="room" required translate="no" aria-describedby="discuss-hint">{options}</select>
            </div>
            <button type="submit" class="primary">{texts.discuss}</button>
        </form>
    }
    .into_any()
}
