//! POST handlers of the pages' HTML forms, and the language link, for browsers without JavaScript. Each handler makes
//! the change, then redirects the browser to a page; `router` mounts them.
//!
//! With JavaScript the pages send the same over the socket and `/api`. A rejection is answered with the page itself and
//! what was typed in its field: an address has no room for a long text, and others may read it. A client that accepts no
//! pages is redirected, with the reason as `?problem=CODE`.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    account_pages::{SignedIn, takes_pages},
    extract::{
        body::FormBody, client_address::ClientAddress, cookies, path::PathText, query::Lenient,
        user::cookie_of,
    },
    pages::{self, PageRequest, Typed, one_time_form::Once},
    redirect::{back_to, page_of_ours, see},
};
use crate::{
    app::{
        i18n::Language,
        look::Choice,
        routes::{self, Permalink},
    },
    protocol::{
        chat::NewMessage,
        cursor::Offset,
        mark::{MarkKind, NewMark, RoomLevel},
        name::{RoomId, parse_name},
        problem::{Code, Rejection},
        session::Session,
    },
    server::{auth::Identity, error::Error, state::AppState},
};

/// Lifetime of the cookies for language, theme, density and the aside: a year, because a person who chose does not want to
/// choose again.
const CHOICE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// The fields of the composer's form.
#[derive(Deserialize)]
pub(super) struct PostForm {
    text: String,
    /// Present if the form was sent by its preview button: nothing is posted.
    preview: Option<String>,
    /// The message that it answers.
    reply_to: Option<Offset>,
    /// The first message of the thread that it is to be in.
    thread: Option<Offset>,
}

/// Posts a message to a room, from the composer's form.
pub(super) async fn post_message(
    State(state): State<AppState>,
    SignedIn { asked, identity }: SignedIn,
    PathText(room): PathText,
    Lenient(Once { once }): Lenient<Once>,
    FormBody(PostForm { text, preview, reply_to, thread }): FormBody<PostForm>,
) -> Response {
    let entered = state.chat.room(&room, Some(&identity)).await;
    // A user who may not see the room is sent back to the address that they used: the room's own spelling would reveal
    // that it exists.
    let back = entered.as_ref().map_or_else(|_| RoomId::parse(&room).ok(), |room| Some(room.clone()));
    let path = back.map_or_else(
        || "/".to_owned(),
        |room| match thread {
            Some(root) => routes::thread(&room, &Permalink::Message(root, String::new())),
            None => routes::room(&room),
        },
    );
    let typed = |text| if thread.is_some() { Typed::Answer(text) } else { Typed::Message(text) };
    if preview.is_some() {
        return match entered {
            Ok(_) => show_preview(&state, asked, &identity, &path, text).await,
            Err(error) => rejected(asked, &path, error, typed(text)).await,
        };
    }
    let post = async {
        let room = entered?;
        let [answered, root] = [reply_to, thread].map(|offset| offset.unwrap_or_default().to_string());
        let contents = ["message", room.as_str(), &text, &answered, &root];
        let id = state.submissions.of(&identity.user.id, once.as_deref(), &contents).client_id();
        let message = NewMessage { id, text: text.clone(), reply_to, thread, files: Vec::new() };
        state.chat.post(&room, &identity, message).await
    };
    match post.await {
        Ok(_) => back_to(&path, None),
        Err(error) => rejected(asked, &path, error, typed(text)).await,
    }
}

/// Shows the room's page with the preview of a text, which stays in its field.
async fn show_preview(
    state: &AppState,
    asked: PageRequest,
    identity: &Identity,
    path: &str,
    text: String,
) -> Response {
    match state.chat.preview(&identity.user, &text).await {
        Ok(html) => pages::typed_form(asked, path, &Typed::Preview(text, html)).await,
        Err(rejection) => rejected(asked, path, rejection.into(), Typed::Message(text)).await,
    }
}

/// The field of the form of a room's level.
#[derive(Deserialize)]
pub(super) struct LevelForm {
    level: RoomLevel,
}

/// Sets what the user is told of a room, and leads back to it.
pub(super) async fn choose_level(
    State(state): State<AppState>,
    SignedIn { identity, .. }: SignedIn,
    PathText(room): PathText,
    FormBody(LevelForm { level }): FormBody<LevelForm>,
) -> Response {
    let path = RoomId::parse(&room).map_or_else(|_| "/".to_owned(), |room| routes::room(&room));
    let (id, kind) = (Uuid::new_v4().to_string(), MarkKind::Level);
    let mark = NewMark { id, kind, room, cursor: None, offset: None, generation: None, level: Some(level) };
    back_to(&path, state.chat.mark(&identity, mark).await.err())
}

/// The fields of the form of a question.
#[derive(Deserialize)]
pub(super) struct AnswerForm {
    question: Offset,
    choice: String,
}

/// Answers a question of the feed, and leads to its channel, which shows the answer. Whoever was not the first is led to the
/// page of the question, which says so.
pub(super) async fn answer_question(
    State(state): State<AppState>,
    SignedIn { identity, .. }: SignedIn,
    PathText(channel): PathText,
    FormBody(AnswerForm { question, choice }): FormBody<AnswerForm>,
) -> Response {
    let path = routes::feed(Some(&channel));
    if !state.feed.is_readable(Some(&identity), &channel) {
        return back_to(&path, Some(Rejection::new(Code::NotFound, "There is no such question.").into()));
    }
    let name = &identity.user.name;
    match state.feed.answer(&channel, question, Some(&choice), Some(name)).await {
        Ok(state) if state.by.as_ref() == Some(name) && state.answer == Some(choice) => back_to(&path, None),
        Ok(_) => see(&format!("{}/{question}", page_of_ours(&path)), &[("answered", "before")]),
        Err(error) => back_to(&path, Some(error)),
    }
}

/// The fields of the form that creates a room.
#[derive(Deserialize)]
pub(super) struct RoomForm {
    name: String,
    /// Browsers do not send a checkbox that is not ticked.
    #[serde(default)]
    private: bool,
    back: Option<String>,
}

/// Creates a room and redirects to it. The one-time id in `once` makes a form that is sent twice create one room.
pub(super) async fn create_room(
    State(state): State<AppState>,
    SignedIn { asked, identity }: SignedIn,
    Lenient(Once { once }): Lenient<Once>,
    FormBody(RoomForm { name, private, back }): FormBody<RoomForm>,
) -> Response {
    let contents = ["room", &name, if private { "private" } else { "" }];
    let submission = state.submissions.of(&identity.user.id, once.as_deref(), &contents);
    match state.chat.create_room_once(&identity, &name, private, Some(&submission)).await {
        Ok(room) => back_to(&routes::room(&room.id), None),
        Err(error) => {
            rejected(asked, back.as_deref().unwrap_or("/"), error, Typed::NewRoom(name, private)).await
        }
    }
}

/// The fields of the form that renames a guest.
#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
    back: Option<String>,
}

/// Changes a guest's name; the session stays the same.
pub(super) async fn rename(
    State(state): State<AppState>,
    SignedIn { asked, identity }: SignedIn,
    ClientAddress(address): ClientAddress,
    FormBody(NameForm { name, back }): FormBody<NameForm>,
) -> Response {
    let back = back.as_deref().unwrap_or("/");
    match renamed(&state, &identity, address, &name).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&state.site, &session)), back_to(back, None)).into_response()
        }
        Err(rejection) => rejected(asked, back, rejection.into(), Typed::Name(name)).await,
    }
}

/// Answers with the page at `path` and what was typed, or redirects a client that accepts no pages.
async fn rejected(asked: PageRequest, path: &str, error: Error, typed: Typed) -> Response {
    if !takes_pages(&asked.headers) {
        return back_to(path, Some(error));
    }
    pages::rejected_form(asked, &page_of_ours(path), error.into_rejection(), &typed).await
}

async fn renamed(
    state: &AppState,
    identity: &Identity,
    address: IpAddr,
    name: &str,
) -> Result<Session, Rejection> {
    let name = parse_name(name)?;
    state.limits.session(address).await?;
    let session = state.auth.rename_guest(identity, name);
    if let Some(session) = &session {
        state.chat.note_person(&session.user).await;
    }
    session.ok_or_else(|| Rejection::new(Code::NotAllowed, "Change your name on the account page."))
}

/// A query that names the page to return to.
#[derive(Deserialize)]
pub(super) struct Back {
    back: Option<String>,
}

/// Sets the language of the pages, in a cookie, and returns to the page.
pub(super) async fn choose_language(
    State(state): State<AppState>,
    PathText(language): PathText,
    Lenient(Back { back }): Lenient<Back>,
) -> Response {
    let Some(language) = Language::parse(&language) else {
        return back_to("/", Some(Rejection::new(Code::NotFound, "").into()));
    };
    let cookie = cookies::make(&state.site, Language::COOKIE, language.as_str().to_owned(), CHOICE_LIFETIME);
    (CookieJar::new().add(cookie), back_to_same(back.as_deref().unwrap_or("/"))).into_response()
}

/// Sets the theme, the density or the aside of the pages, in a cookie, and returns to the page.
pub(super) async fn choose<C: Choice>(
    State(state): State<AppState>,
    PathText(choice): PathText,
    Lenient(Back { back }): Lenient<Back>,
) -> Response {
    let Some(choice) = C::parse(&choice) else {
        return back_to("/", Some(Rejection::new(Code::NotFound, "").into()));
    };
    let cookie = cookies::make(&state.site, C::COOKIE, choice.as_str().to_owned(), CHOICE_LIFETIME);
    (CookieJar::new().add(cookie), back_to_same(back.as_deref().unwrap_or("/"))).into_response()
}

/// Redirects to a page of this site and keeps the page's own `back` parameter, which says where that page leads to in
/// the end. The rest of the query was the outcome of a form and is dropped.
fn back_to_same(page: &str) -> Response {
    let query = page.split_once('?').map_or("", |(_, query)| query);
    match serde_urlencoded::from_str(query) {
        Ok(Back { back: Some(end) }) => see(&page_of_ours(page), &[("back", &page_of_ours(&end))]),
        _ => back_to(page, None),
    }
}
