//! `/join/{token}`: the first administrator's link, and invitations.

use std::net::IpAddr;

use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::{
    answer::{accounts, alone, link_failed},
    outcome::{Outcome, refused},
};
use crate::{
    app::routes,
    protocol::{
        problem::{Code, Rejection},
        session::Session,
    },
    server::{
        auth::Purpose,
        documents::Join,
        error::Error,
        routes::{
            body::FormBody,
            client_address::ClientAddress,
            pages::Asked,
            path::PathText,
            query::Lenient,
            session::{self, agent_of},
            visitor::cookie_of,
        },
    },
};

/// The form, as long as the link can be used.
pub(super) async fn show(
    PathText(token): PathText,
    asked: Asked,
    Lenient(outcome): Lenient<Outcome>,
) -> Response {
    let by = match inviter(&asked, &token).await {
        Ok(by) => by,
        Err(error) => return link_failed(&asked, error),
    };
    let (address, problem) = (asked.uri.path().to_owned(), outcome.problem());
    alone(&asked, Join { address, by, name: outcome.name.unwrap_or_default(), problem })
}

/// Who invited; `None`: it is the first administrator's link.
async fn inviter(asked: &Asked, token: &str) -> Result<Option<String>, Error> {
    match accounts(&asked.state)?.link(token).await?.purpose {
        Purpose::Setup => Ok(None),
        Purpose::Invitation { by } => Ok(Some(by)),
        Purpose::Reset { .. } => {
            Err(Rejection::new(Code::BadLink, "This link is for something else.").into())
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct JoinForm {
    name: String,
    new_password: String,
}

/// Makes the account, and signs it in.
pub(super) async fn join(
    PathText(token): PathText,
    asked: Asked,
    ClientAddress(address): ClientAddress,
    FormBody(form): FormBody<JoinForm>,
) -> Response {
    match joined(&asked, address, &token, &form).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&asked.state.site, &session)), Redirect::to("/")).into_response()
        }
        Err((page, error)) => refused(page, error, &[("name", &form.name)]),
    }
}

/// A form that is sent twice finds its link used; who knows the account's password is signed in all the same. A refusal
/// comes with the page to show it: when the link is used, its own has nothing more to say.
async fn joined<'a>(
    asked: &'a Asked,
    address: IpAddr,
    token: &str,
    form: &JoinForm,
) -> Result<Session, (&'a str, Error)> {
    let Asked { state, headers, uri, .. } = asked;
    let JoinForm { name, new_password } = form;
    let page = uri.path();
    let here = |error: Error| (page, error);
    match accounts(state).map_err(here)?.join(token, name, new_password).await {
        Ok(account) => state.auth.sign_in(&account, agent_of(headers)).await.map_err(here),
        Err(Error::Rejected(used)) if used.code == Code::BadLink => {
            let known = session::sign_in(state, address, headers, name, new_password).await;
            known.map_err(|error| match error {
                Error::Rejected(wrong) if wrong.code == Code::WrongPassword => here(used.into()),
                other => (routes::SIGN_IN, other),
            })
        }
        Err(error) => Err(here(error)),
    }
}
