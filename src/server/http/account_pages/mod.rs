//! Account pages: the routes of the pages for signing in, accounts, members, publishers and channels, and of their
//! forms. `router` mounts them. Programs use `/api`.
//!
//! A form is answered with a redirect to the next page (303, so that a reload repeats nothing). A rejected one comes back
//! as its page, with what was typed (never a password) and when to try again (`rejected.rs`). The pages of accounts exist
//! only where users have accounts on this server; those of administrators, only for administrators.

mod account;
mod actions;
mod agent;
mod answer;
mod attach;
mod board;
mod card;
mod channels;
mod document;
mod event;
mod external_sign_in;
mod feed_channels;
mod fields;
mod heartbeats;
mod hook_template;
mod invitations;
mod join;
mod members;
mod mentions;
mod message;
mod notification_rules;
mod notifications;
mod one_time_link;
mod outcome;
mod outgoing;
mod people;
mod period;
mod publishers;
mod rejected;
mod rejection;
mod reports;
mod reset;
mod room_hooks;
mod room_of_page;
mod room_parts;
mod room_people;
mod room_settings;
mod search;
mod sent_form;
mod share;
mod shell;
mod sign_in;
mod texts;
mod time;

use axum::{
    RequestPartsExt, Router,
    extract::{FromRequestParts, Request, State},
    http::Method,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use self::rejection::LeadsAway;
pub(super) use self::{
    answer::SignedIn,
    period::periods,
    rejection::{rejections_as_pages, takes_pages},
};
use super::{
    extract::administrator::Administrator,
    pages::{self, PageRequest},
    redirect::see,
};
use crate::{app::routes, protocol::problem::Code, server::state::AppState};

/// The routes of the account pages.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    let people = Router::new()
        .route(routes::PEOPLE, get(people::show))
        .route("/people/invitations", post(invitations::make))
        .route("/people/invitations/revoke", post(invitations::revoke))
        .route("/people/{account}/administrator", post(people::set_admin))
        .route("/people/{account}/blocked", post(people::set_blocked))
        .route("/people/{account}/reset", post(reset::make))
        .route(routes::REMOVAL, get(people::ask_removal).post(people::remove))
        .route_layer(middleware::from_fn_with_state(state.clone(), administrators_only));
    let accounts = Router::new()
        .route(routes::SIGN_IN, post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route(routes::JOIN, get(join::show).post(join::join))
        .route(routes::RESET, get(reset::show).post(reset::reset))
        .route("/account/name", post(account::rename))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions", post(account::end_session))
        .merge(people)
        .route_layer(middleware::from_fn_with_state(state.clone(), accounts_only));
    let administrators = Router::new()
        .route(routes::PUBLISHERS, get(publishers::show).post(publishers::make))
        .route("/publishers/remove", post(publishers::remove))
        .route(
            routes::PUBLISHER_TEMPLATE,
            get(hook_template::show_of_publisher).post(hook_template::change_of_publisher),
        )
        .route(routes::HEARTBEATS, get(heartbeats::show).post(heartbeats::set))
        .route("/heartbeats/remove", post(heartbeats::remove))
        .route(routes::OUTGOING, get(outgoing::show).post(outgoing::make))
        .route("/outgoing/remove", post(outgoing::remove))
        .route("/outgoing/replay", post(outgoing::replay))
        .route(routes::CHANNELS, get(channels::show).post(channels::limit))
        .route("/channels/open", post(channels::open))
        .route(routes::ACTIONS, get(actions::show))
        .route_layer(middleware::from_fn_with_state(state.clone(), administrators_only));
    Router::new()
        .route(routes::SIGN_IN, get(sign_in::show))
        .route(routes::BOARD, get(board::show))
        .route(routes::FEED_CHANNELS, get(feed_channels::show).post(feed_channels::choose))
        .route(routes::EVENT, get(event::show).post(event::discuss))
        .route(routes::ACCOUNT, get(account::show))
        .route(routes::MESSAGE, get(message::show).post(message::change))
        .route(routes::MENTIONS, get(mentions::show))
        .route(routes::SEARCH, get(search::show))
        .route(routes::PERSON, get(card::show))
        .route("/people/{account}/message", post(card::write))
        .route("/people/{account}/block", post(card::block))
        .route(routes::NOTIFICATIONS, get(notifications::show).post(notifications::set))
        .route("/notifications/remove", post(notifications::remove))
        .route("/notifications/rules", post(notifications::add_rule))
        .route("/notifications/rules/remove", post(notifications::remove_rule))
        .route("/notifications/test", post(notifications::test))
        .route(routes::SHARE, get(share::show).post(share::post))
        .route(routes::ATTACH, get(attach::show).post(attach::post))
        .route(routes::MEMBERS, get(members::show).post(members::add))
        .route("/rooms/{room}/members/remove", post(members::remove))
        .route(routes::ROOM_SETTINGS, get(room_settings::show).post(room_settings::describe))
        .route("/rooms/{room}/settings/archive", post(room_settings::archive))
        .route("/rooms/{room}/settings/remove", post(room_settings::remove))
        .route("/rooms/{room}/settings/moderators", post(room_people::add_moderator))
        .route("/rooms/{room}/settings/moderators/remove", post(room_people::remove_moderator))
        .route("/rooms/{room}/settings/mutes", post(room_people::mute))
        .route("/rooms/{room}/settings/mutes/remove", post(room_people::unmute))
        .route(routes::ROOM_HOOKS, get(room_hooks::show).post(room_hooks::make))
        .route("/rooms/{room}/hooks/remove", post(room_hooks::remove))
        .route(routes::ROOM_OUTGOING, get(outgoing::show_room).post(outgoing::make_for_room))
        .route("/rooms/{room}/outgoing/remove", post(outgoing::remove))
        .route("/rooms/{room}/outgoing/replay", post(outgoing::replay))
        .route(routes::HOOK_TEMPLATE, get(hook_template::show_of_hook).post(hook_template::change_of_hook))
        .route("/rooms/{room}/settings/reports", post(reports::answer))
        .route("/rooms/{room}/messages/{message}/report", post(reports::report))
        .route(routes::ROOM_ACTIONS, get(actions::show_room))
        .route(routes::REPORTS, get(reports::show))
        .merge(accounts)
        .merge(administrators)
}

/// Middleware: answers with the page for unknown addresses on a server without accounts.
async fn accounts_only(asked: PageRequest, request: Request, next: Next) -> Response {
    match asked.state.auth.accounts() {
        Some(_) => next.run(request).await,
        None => not_found(asked).await,
    }
}

/// Middleware: answers everybody but administrators with the page for unknown addresses.
async fn administrators_only(asked: PageRequest, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match parts.extract_with_state::<Administrator, _>(&asked.state).await {
        Ok(Administrator) => next.run(Request::from_parts(parts, body)).await,
        Err(_) => not_found(asked).await,
    }
}

/// Middleware: passes users who may read the server's pages, and asks others to sign in.
pub(super) async fn readers_only(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // If anonymous users may read, everybody may, and the page authenticates its caller by itself.
    if state.rights.check_reader(None).is_ok() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match PageRequest::from_request_parts(&mut parts, &state).await {
        Ok(page) if state.rights.check_reader(page.caller.0.as_ref()).is_err() => ask_to_sign_in(&page),
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(rejection) => rejection.into_response(),
    }
}

/// Serves the page for unknown addresses to users who may read the server's pages, and asks others to sign in.
pub(super) async fn not_found(asked: PageRequest) -> Response {
    if asked.state.rights.check_reader(asked.caller.0.as_ref()).is_err() {
        return ask_to_sign_in(&asked);
    }
    let mut response = pages::not_found(asked).await;
    // A right may have been taken away while somebody filled a form in.
    response.extensions_mut().insert(LeadsAway(Code::NotFound));
    response
}

/// Redirects a browser without a session to the page that gives it one, and from there back.
pub(super) fn ask_to_sign_in(asked: &PageRequest) -> Response {
    // A form cannot be posted again by going back to its address.
    let back = match asked.uri.path_and_query() {
        // The query has the shared texts.
        Some(shared) if asked.method == Method::GET && shared.path() == routes::SHARE => shared.as_str(),
        _ if asked.method == Method::GET => asked.uri.path(),
        _ => "/",
    };
    let mut response = match (asked.state.auth.issuer(), back) {
        (Some(issuer), back) => external_sign_in::ask_to_sign_in(asked, issuer, back),
        (None, "/") => Redirect::to(routes::SIGN_IN).into_response(),
        (None, back) => see(routes::SIGN_IN, &[("back", back)]),
    };
    response.extensions_mut().insert(LeadsAway(Code::NoSession));
    response
}
