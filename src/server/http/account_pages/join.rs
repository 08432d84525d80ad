//! `/join/{token}`: creates an account by the first administrator's link or by an invitation. The view of
//! `/reset/{token}` is here as well; `reset.rs` handles its requests.

use std::net::IpAddr;

use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{accounts, alone},
    document::Document,
    fields::{Password, name_field, password_field, problem_note},
    one_time_link::link_failed,
    outcome::Outcome,
    rejected::rejected,
    sign_in::rejected_sign_in,
    texts::Texts,
};
use crate::{
    app::model::{direction::isolated, room::RejectionReason},
    protocol::{
        problem::{Code, Rejection},
        session::Session,
    },
    server::{
        auth::Purpose,
        error::Error,
        http::{
            api::session::{self, agent_of},
            extract::{
                body::FormBody, client_address::ClientAddress, path::PathText, query::Lenient,
                user::cookie_of,
            },
            pages::PageRequest,
        },
    },
};

/// Serves the form, as long as the link can be used.
pub(super) async fn show(
    PathText(token): PathText,
    asked: PageRequest,
    Lenient(outcome): Lenient<Outcome>,
) -> Response {
    let by = match inviter(&asked, &token).await {
        Ok(by) => by,
        Err(error) => return link_failed(&asked, error),
    };
    let (address, problem) = (asked.uri.path().to_owned(), outcome.problem());
    alone(&asked, Join { address, by, name: String::new(), problem })
}

/// Returns the name of the user who invited; `None`: it is the first administrator's link.
async fn inviter(asked: &PageRequest, token: &str) -> Result<Option<String>, Error> {
    match accounts(&asked.state)?.link(token).await?.purpose {
        Purpose::Setup => Ok(None),
        Purpose::Invitation { by } => Ok(Some(by)),
        Purpose::Reset { .. } => {
            Err(Rejection::new(Code::BadLink, "This link is for a different purpose.").into())
        }
    }
}

/// The fields of the form.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct JoinForm {
    name: String,
    new_password: String,
}

/// Creates the account, and signs it in.
pub(super) async fn join(
    PathText(token): PathText,
    asked: PageRequest,
    ClientAddress(address): ClientAddress,
    FormBody(form): FormBody<JoinForm>,
) -> Response {
    match joined(&asked, address, &token, &form).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&asked.state.site, &session)), Redirect::to("/")).into_response()
        }
        Err((Next::SignIn, error)) => rejected_sign_in(asked, form.name, "/", error).await,
        Err((Next::Here, error)) => {
            let path = asked.uri.path().to_owned();
            let page = async |asked: PageRequest, reason| {
                Ok(match inviter(&asked, &token).await {
                    Ok(by) => {
                        let address = asked.uri.path().to_owned();
                        alone(&asked, Join { address, by, name: form.name, problem: Some(reason) })
                    }
                    Err(error) => link_failed(&asked, error),
                })
            };
            rejected(asked, &path, &[], error, page).await
        }
    }
}

/// The page that shows a rejection: the form itself, or the one to sign in.
enum Next {
    Here,
    SignIn,
}

/// Creates the account and its session. A form that is sent twice finds its link used; a user who knows the account's
/// password is signed in all the same. An error comes with the page that shows it: when the link is used, its own page
/// has nothing more to say.
async fn joined(
    asked: &PageRequest,
    address: IpAddr,
    token: &str,
    form: &JoinForm,
) -> Result<Session, (Next, Error)> {
    let PageRequest { state, headers, .. } = asked;
    let JoinForm { name, new_password } = form;
    let here = |error: Error| (Next::Here, error);
    match accounts(state).map_err(here)?.join(token, name, new_password).await {
        Ok(account) => state.auth.sign_in(&account, agent_of(headers)).await.map_err(here),
        Err(Error::Rejected(used)) if used.code == Code::BadLink => {
            let known = session::sign_in(state, address, headers, name, new_password).await;
            known.map_err(|error| match error {
                Error::Rejected(wrong) if wrong.code == Code::WrongPassword => here(used.into()),
                other => (Next::SignIn, other),
            })
        }
        Err(error) => Err(here(error)),
    }
}

/// The page of `/join/{token}`, for the first administrator or for an invited person.
#[derive(Clone, Debug)]
pub(super) struct Join {
    /// The path of the page, to which the form is posted.
    pub(super) address: String,
    /// The name of the user who invited; `None`: it is for the first administrator.
    pub(super) by: Option<String>,
    /// The rejected name that was typed.
    pub(super) name: String,
    /// The reason of the rejection.
    pub(super) problem: Option<RejectionReason>,
}

impl Document for Join {
    fn title(&self, texts: &Texts) -> String {
        self.by.as_ref().map_or(texts.join_first, |_| texts.join).to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { address, by, name, problem } = self;
        let intro =
            by.map_or_else(|| texts.join_first_intro.to_owned(), |by| (texts.join_intro)(&isolated(&by)));
        let is_typed = !name.is_empty();
        view! {
            <section class="panel">
                <h1>{title}</h1>
                <p>{intro}</p>
                <form class="stack" method="post" action=address>
                    {problem_note(texts, problem)}
                    {name_field(texts, name, !is_typed, problem)}
                    {password_field(texts, texts.password, Password::New, is_typed, problem)}
                    <button type="submit" class="primary">{texts.join_button}</button>
                </form>
            </section>
        }
        .into_any()
    }
}

/// The page of `/reset/{token}`: a new password for a user who lost theirs.
#[derive(Clone, Debug)]
pub(super) struct Reset {
    /// The path of the page, to which the form is posted.
    pub(super) address: String,
    /// The name of the account.
    pub(super) name: String,
    /// The reason of the rejection.
    pub(super) problem: Option<RejectionReason>,
}

impl Document for Reset {
    fn title(&self, texts: &Texts) -> String {
        texts.reset.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { address, name, problem } = self;
        view! {
            <section class="panel">
                <h1>{texts.reset}</h1>
                <p>{(texts.reset_intro)(&isolated(&name))}</p>
                <form class="stack" method="post" action=address>
                    {problem_note(texts, problem)}
                    // For password managers, which keep the password under this name.
                    <input hidden readonly autocomplete="username" value=name />
                    {password_field(texts, texts.new_password, Password::New, true, problem)}
                    <button type="submit" class="primary">{texts.set_password}</button>
                </form>
            </section>
        }
        .into_any()
    }
}
