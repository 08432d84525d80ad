//! `/account`: one's own name, password and sessions.

use crate::server::routes::query::Lenient;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{
    answer::{SignedIn, accounts, beside},
    elsewhere,
    outcome::{Outcome, refused, see},
};
use crate::{
    app::routes,
    protocol::{problem::Code, session::User},
    server::{
        documents::{Account, Done, Place, Refused},
        error::Error,
        routes::{body::FormBody, client_address::ClientAddress, pages},
    },
};

/// The document.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    if signed_in.asked.state.auth.takes_guests() {
        return Ok(pages::nowhere(signed_in.asked).await);
    }
    if let Some(issuer) = signed_in.asked.state.auth.issuer() {
        return elsewhere::account(&signed_in, issuer).await;
    }
    let (problem, done) = (outcome.problem(), outcome.done());
    let refused = problem.map(|code| refusal(outcome.form.as_deref(), code));
    let typed = outcome.name.filter(|_| matches!(refused, Some(Refused::Name(_))));
    let name = typed.unwrap_or_else(|| signed_in.identity.user.name.clone());
    let places = places(&signed_in).await?;
    beside(&signed_in, Account { name, places, refused, done }).await
}

fn refusal(form: Option<&str>, code: Code) -> Refused {
    match form {
        Some("password") => Refused::Password(code),
        _ => Refused::Name(code),
    }
}

/// Where they are signed in, the newest first.
async fn places(signed_in: &SignedIn) -> Result<Vec<Place>, Error> {
    let SignedIn { asked, identity } = signed_in;
    let sessions = accounts(&asked.state)?.sessions(&identity.user.id).await?;
    let place = |(id, session): (String, crate::server::auth::AccountSession)| Place {
        is_this: identity.session.as_deref() == Some(&id),
        agent: session.agent,
        since: session.created_at,
        session: id,
    };
    let mut places: Vec<Place> = sessions.into_iter().map(place).collect();
    places.sort_by_key(|place| (!place.is_this, -place.since));
    Ok(places)
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// Another name.
pub(super) async fn rename(
    SignedIn { asked, identity }: SignedIn,
    FormBody(NameForm { name }): FormBody<NameForm>,
) -> Result<Response, Error> {
    Ok(match accounts(&asked.state)?.rename(&identity.user.id, &name).await {
        Ok(_) => see(routes::ACCOUNT, &[("done", Done::Name.as_str())]),
        Err(error) => refused(routes::ACCOUNT, error, &[("form", "name"), ("name", &name)]),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PasswordForm {
    password: String,
    new_password: String,
}

/// Another password; the other sessions end.
pub(super) async fn change_password(
    SignedIn { asked, identity }: SignedIn,
    ClientAddress(address): ClientAddress,
    FormBody(PasswordForm { password, new_password }): FormBody<PasswordForm>,
) -> Result<Response, Error> {
    let User { id, name } = &identity.user;
    // Who has come upon an open session has no more attempts at the password than who signs in.
    if let Err(rejection) = asked.state.limits.sign_in(name, address).await {
        return Ok(refused(routes::ACCOUNT, rejection.into(), &[("form", "password")]));
    }
    let kept = identity.session.as_deref();
    match accounts(&asked.state)?.change_password(id, &password, &new_password, kept).await {
        Ok(()) => Ok(see(routes::ACCOUNT, &[("done", Done::Password.as_str())])),
        Err(error) => Ok(refused(routes::ACCOUNT, error, &[("form", "password")])),
    }
}

#[derive(Deserialize)]
pub(super) struct SessionForm {
    session: String,
}

/// Ends one of their sessions, with what is open of it.
pub(super) async fn end_session(
    SignedIn { asked, identity }: SignedIn,
    FormBody(SessionForm { session }): FormBody<SessionForm>,
) -> Result<Response, Error> {
    asked.state.auth.sign_out(&identity.user.id, Some(&session)).await?;
    Ok(Redirect::to(routes::ACCOUNT).into_response())
}
