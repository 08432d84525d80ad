//! `/people`: what administrators do with accounts. Who is blocked or removed is out at once.

use crate::server::routes::query::Lenient;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    answer::{SignedIn, accounts, beside},
    outcome::{Outcome, refused},
};
use crate::{
    app::routes,
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Account, Link, Purpose},
        documents::{Invitation, People, Person, Removal},
        error::Error,
        routes::{body::FormBody, once::new_id, path::PathText},
        state::AppState,
    },
};

/// The document.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    let accounts = accounts(&signed_in.asked.state)?;
    let me = &signed_in.identity.user.id;
    let people = accounts.list().await?.into_iter().map(|account| person(account, me)).collect();
    let mut invitations: Vec<_> = accounts.links().await?.into_iter().filter_map(invitation).collect();
    invitations.sort_by_key(|invitation| invitation.expires_at);
    beside(&signed_in, People { people, invitations, once: new_id(), problem: outcome.problem() }).await
}

fn person(account: Account, me: &str) -> Person {
    Person {
        is_me: account.id == me,
        is_admin: account.is_admin,
        is_blocked: account.is_blocked,
        since: account.created_at,
        id: account.id,
        name: account.name,
    }
}

fn invitation((id, link): (String, Link)) -> Option<Invitation> {
    match link.purpose {
        Purpose::Invitation { by } => Some(Invitation { id, by, expires_at: link.expires_at }),
        Purpose::Setup | Purpose::Reset { .. } => None,
    }
}

#[derive(Deserialize)]
pub(super) struct Switch {
    on: bool,
}

/// Makes an administrator of somebody, or nobody special again.
pub(super) async fn set_admin(
    State(state): State<AppState>,
    PathText(id): PathText,
    FormBody(Switch { on }): FormBody<Switch>,
) -> Result<Response, Error> {
    Ok(back_to_people(accounts(&state)?.set_admin(&id, on).await))
}

/// Keeps somebody out, or lets them in again.
pub(super) async fn set_blocked(
    State(state): State<AppState>,
    PathText(id): PathText,
    FormBody(Switch { on }): FormBody<Switch>,
) -> Result<Response, Error> {
    Ok(back_to_people(accounts(&state)?.set_blocked(&id, on).await))
}

/// The step before somebody is removed.
pub(super) async fn ask_removal(PathText(id): PathText, signed_in: SignedIn) -> Result<Response, Error> {
    let Account { id, name, .. } = somebody(&signed_in.asked.state, &id).await?;
    beside(&signed_in, Removal { id, name }).await
}

/// Removes somebody.
pub(super) async fn remove(State(state): State<AppState>, PathText(id): PathText) -> Result<Response, Error> {
    Ok(back_to_people(accounts(&state)?.remove(&id).await))
}

/// Whose id this is.
pub(super) async fn somebody(state: &AppState, id: &str) -> Result<Account, Error> {
    let unknown = || Rejection::new(Code::NotFound, "There is no such account.");
    Ok(accounts(state)?.account(id).await?.ok_or_else(unknown)?)
}

/// Sends the browser back to the people, with the reason of a refusal.
pub(super) fn back_to_people(result: Result<(), Error>) -> Response {
    match result {
        Ok(()) => Redirect::to(routes::PEOPLE).into_response(),
        Err(error) => refused(routes::PEOPLE, error, &[]),
    }
}
