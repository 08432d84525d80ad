//! The pages' forms, for browsers without JavaScript: do it, then send the browser back to a page.
//!
//! With JavaScript the same things go over the socket and `/api`. A refusal comes back as `?problem=CODE`, which
//! the page puts into words.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::{
    account_pages::SignedIn,
    extract::{
        body::FormBody, client_address::ClientAddress, cookies, path::PathText, query::Lenient,
        user::cookie_of,
    },
    pages::one_time_form::Once,
    redirect::{back_to, page_of_ours, see},
};
use crate::{
    app::{i18n::Language, routes},
    protocol::{
        name::{RoomId, parse_name},
        problem::{Code, Rejection},
        session::Session,
    },
    server::{auth::Identity, state::AppState},
};

/// A year: who chose a language does not want to choose it again.
const LANGUAGE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

#[derive(Deserialize)]
pub(super) struct PostForm {
    text: String,
}

/// The composer.
pub(super) async fn post_message(
    State(state): State<AppState>,
    SignedIn { identity, .. }: SignedIn,
    PathText(room): PathText,
    Lenient(Once { once }): Lenient<Once>,
    FormBody(PostForm { text }): FormBody<PostForm>,
) -> Response {
    let entered = state.chat.room(&room, Some(&identity)).await;
    // Who may not see the room is sent back as they came: its own spelling would tell that it is there.
    let back = entered.as_ref().map_or_else(|_| RoomId::parse(&room).ok(), |room| Some(room.clone()));
    let path = back.map_or_else(|| "/".to_owned(), |room| routes::room(&room));
    let post = async {
        let room = entered?;
        let contents = ["message", room.as_str(), &text];
        let id = state.submissions.of(&identity.user.id, once.as_deref(), &contents).client_id();
        state.chat.post(&room, &identity.user, &id, &text).await
    };
    back_to(&path, post.await.err())
}

#[derive(Deserialize)]
pub(super) struct RoomForm {
    name: String,
    /// A box that is not ticked is not sent.
    #[serde(default)]
    private: bool,
    back: Option<String>,
}

/// A new room, which is then shown.
pub(super) async fn create_room(
    State(state): State<AppState>,
    SignedIn { identity, .. }: SignedIn,
    Lenient(Once { once }): Lenient<Once>,
    FormBody(RoomForm { name, private, back }): FormBody<RoomForm>,
) -> Response {
    let contents = ["room", &name, if private { "private" } else { "" }];
    let submission = state.submissions.of(&identity.user.id, once.as_deref(), &contents);
    match state.chat.create_room_once(&identity, &name, private, Some(&submission)).await {
        Ok(room) => back_to(&routes::room(&room.id), None),
        Err(error) => back_to(back.as_deref().unwrap_or("/"), Some(error)),
    }
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
    back: Option<String>,
}

/// Another name for the same session.
pub(super) async fn rename(
    State(state): State<AppState>,
    SignedIn { identity, .. }: SignedIn,
    ClientAddress(address): ClientAddress,
    FormBody(NameForm { name, back }): FormBody<NameForm>,
) -> Response {
    let back = back.as_deref().unwrap_or("/");
    match renamed(&state, &identity, address, &name).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&state.site, &session)), back_to(back, None)).into_response()
        }
        Err(rejection) => back_to(back, Some(rejection.into())),
    }
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
    session.ok_or_else(|| Rejection::new(Code::NotAllowed, "The name is changed with the account."))
}

#[derive(Deserialize)]
pub(super) struct Back {
    back: Option<String>,
}

/// The page's language, kept in a cookie.
pub(super) async fn choose_language(
    State(state): State<AppState>,
    PathText(language): PathText,
    Lenient(Back { back }): Lenient<Back>,
) -> Response {
    let Some(language) = Language::parse(&language) else {
        return back_to("/", Some(Rejection::new(Code::NotFound, "").into()));
    };
    let cookie =
        cookies::make(&state.site, Language::COOKIE, language.as_str().to_owned(), LANGUAGE_LIFETIME);
    (CookieJar::new().add(cookie), back_to_same(back.as_deref().unwrap_or("/"))).into_response()
}

/// Sends the browser back to a page of ours, which may say in its query where it leads to in the end. The rest of the
/// query was what a form had come to.
fn back_to_same(page: &str) -> Response {
    let query = page.split_once('?').map_or("", |(_, query)| query);
    match serde_urlencoded::from_str(query) {
        Ok(Back { back: Some(end) }) => see(&page_of_ours(page), &[("back", &page_of_ours(&end))]),
        _ => back_to(page, None),
    }
}
