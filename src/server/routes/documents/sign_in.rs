//! `/sign-in` and `/sign-out`.

use crate::server::routes::query::Lenient;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::{
    answer::alone,
    elsewhere,
    outcome::{Outcome, refused, see},
};
use crate::{
    app::routes,
    server::{
        documents::{Done, SignIn},
        error::Error,
        routes::{
            body::FormBody,
            client_address::ClientAddress,
            forms::{back_to, page_of_ours},
            pages::{self, Asked},
            session,
            visitor::{Caller, cookie_of, no_cookie},
        },
        state::AppState,
    },
};

/// The form. Who is signed in needs none.
pub(super) async fn show(asked: Asked, Lenient(outcome): Lenient<Outcome>) -> Response {
    let back = page_of_ours(outcome.back.as_deref().unwrap_or("/"));
    if asked.state.auth.takes_guests() {
        return pages::nowhere(asked).await;
    }
    if asked.caller.0.is_some() {
        return back_to(&back, None);
    }
    if let Some(issuer) = asked.state.auth.issuer() {
        return elsewhere::ask_to_sign_in(&asked, issuer, &back);
    }
    let (problem, is_signed_out) = (outcome.problem(), outcome.done() == Some(Done::SignedOut));
    alone(&asked, SignIn { back, name: outcome.name.unwrap_or_default(), problem, is_signed_out })
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    back: String,
}

/// Signs in.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    FormBody(SignInForm { name, password, back }): FormBody<SignInForm>,
) -> Response {
    match session::sign_in(&state, address, &headers, &name, &password).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&state.site, &session)), back_to(&back, None)).into_response()
        }
        Err(error) => refused(routes::SIGN_IN, error, &[("name", &name), ("back", &back)]),
    }
}

/// Ends the session, with what is open of it.
pub(super) async fn sign_out(
    State(state): State<AppState>,
    Caller(caller): Caller,
) -> Result<Response, Error> {
    if let Some(identity) = caller {
        state.auth.sign_out(&identity.user.id, identity.session.as_deref()).await?;
    }
    let next = see(routes::SIGN_IN, &[("done", Done::SignedOut.as_str())]);
    Ok((CookieJar::new().add(no_cookie(&state.site)), next).into_response())
}
