//! `/reset/{token}`: a new password for a user who lost theirs, by a link that an administrator makes.

use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::{
    answer::{SignedIn, accounts, alone, beside, noted},
    invitations::address_of,
    join::Reset,
    one_time_link::{OneTimeLink, link_failed},
    outcome::Outcome,
    people::somebody,
    rejected::rejected,
};
use crate::{
    app::routes,
    protocol::{
        problem::{Code, Rejection},
        session::Session,
    },
    server::{
        auth::Purpose,
        authz::Deed,
        error::Error,
        http::{
            api::session::agent_of,
            extract::{body::FormBody, path::PathText, query::Lenient, user::cookie_of},
            pages::PageRequest,
        },
    },
};

/// Creates the link and shows it, this once.
pub(super) async fn make(PathText(id): PathText, signed_in: SignedIn) -> Result<Response, Error> {
    let account = somebody(&signed_in.asked.state, &id).await?;
    let accounts = accounts(&signed_in.asked.state)?;
    let token = accounts.make_reset_link(&account.id).await;
    let user = account.user();
    let token = noted(&signed_in.asked, token, |action| action.to(&user), Deed::ResetPassword).await?;
    let link = OneTimeLink {
        account: Some(account.name),
        address: address_of(&signed_in.asked, &routes::reset(&token)),
        expires_at: accounts.link(&token).await?.expires_at,
    };
    beside(&signed_in, link).await
}

/// Serves the form, as long as the link can be used.
pub(super) async fn show(
    PathText(token): PathText,
    asked: PageRequest,
    Lenient(outcome): Lenient<Outcome>,
) -> Response {
    match whose(&asked, &token).await {
        Ok(name) => {
            let (address, problem) = (asked.uri.path().to_owned(), outcome.problem());
            alone(&asked, Reset { address, name, problem })
        }
        Err(error) => link_failed(&asked, error),
    }
}

/// Returns the name of the account that the link is for.
async fn whose(asked: &PageRequest, token: &str) -> Result<String, Error> {
    let is_over = || Rejection::new(Code::BadLink, "This link does not reset a password.");
    let accounts = accounts(&asked.state)?;
    let Purpose::Reset { account } = accounts.link(token).await?.purpose else {
        return Err(is_over().into());
    };
    let account = accounts.account(&account).await?;
    Ok(account.ok_or_else(is_over)?.name)
}

/// The field of the form.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResetForm {
    new_password: String,
}

/// Sets the password, ends every session, and signs the user in anew.
pub(super) async fn reset(
    PathText(token): PathText,
    asked: PageRequest,
    FormBody(ResetForm { new_password }): FormBody<ResetForm>,
) -> Response {
    match signed_in_anew(&asked, &token, &new_password).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&asked.state.site, &session)), Redirect::to("/")).into_response()
        }
        Err(error) => {
            let path = asked.uri.path().to_owned();
            let page = async |asked: PageRequest, reason| {
                Ok(match whose(&asked, &token).await {
                    Ok(name) => {
                        let address = asked.uri.path().to_owned();
                        alone(&asked, Reset { address, name, problem: Some(reason) })
                    }
                    Err(error) => link_failed(&asked, error),
                })
            };
            rejected(asked, &path, &[], error, page).await
        }
    }
}

async fn signed_in_anew(asked: &PageRequest, token: &str, password: &str) -> Result<Session, Error> {
    let account = accounts(&asked.state)?.reset(token, password).await?;
    asked.state.auth.sign_in(&account, agent_of(&asked.headers)).await
}
