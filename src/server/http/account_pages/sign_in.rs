//! `/sign-in` and `/sign-out`: the form for name and password, and the end of a session.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::CookieJar;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::alone,
    document::{Document, Done},
    external_sign_in,
    fields::{Password, done_note, name_field, password_field, problem_note},
    not_found,
    outcome::Outcome,
    rejected::rejected,
    texts::Texts,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    server::{
        error::Error,
        http::{
            api::session,
            extract::{
                body::FormBody,
                client_address::ClientAddress,
                query::Lenient,
                user::{MaybeUser, cookie_of, no_cookie},
            },
            pages::PageRequest,
            redirect::{back_to, page_of_ours, see},
        },
        state::AppState,
    },
};

/// Serves the form. An authenticated user is redirected at once; an external issuer has its own form.
pub(super) async fn show(asked: PageRequest, Lenient(outcome): Lenient<Outcome>) -> Response {
    let back = page_of_ours(outcome.back.as_deref().unwrap_or("/"));
    if asked.state.auth.allows_guests() {
        return not_found(asked).await;
    }
    if asked.caller.0.is_some() {
        return back_to(&back, None);
    }
    if let Some(issuer) = asked.state.auth.issuer() {
        return external_sign_in::ask_to_sign_in(&asked, issuer, &back);
    }
    let (problem, is_signed_out) = (outcome.problem(), outcome.done() == Some(Done::SignedOut));
    alone(&asked, SignIn { back, name: String::new(), problem, is_signed_out })
}

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    back: String,
}

/// Signs the user in and returns to the page that they came from.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    asked: PageRequest,
    FormBody(SignInForm { name, password, back }): FormBody<SignInForm>,
) -> Response {
    match session::sign_in(&state, address, &asked.headers, &name, &password).await {
        Ok(session) => {
            (CookieJar::new().add(cookie_of(&state.site, &session)), back_to(&back, None)).into_response()
        }
        Err(error) => rejected_sign_in(asked, name, &back, error).await,
    }
}

/// Answers with the form again, and the name that was typed.
pub(super) async fn rejected_sign_in(asked: PageRequest, name: String, back: &str, error: Error) -> Response {
    let back = page_of_ours(back);
    let query: &[_] = if back == "/" { &[] } else { &[("back", back.as_str())] };
    let page = async |asked: PageRequest, reason| {
        let problem = Some(reason);
        Ok(alone(&asked, SignIn { back: back.clone(), name, problem, is_signed_out: false }))
    };
    rejected(asked, routes::SIGN_IN, query, error, page).await
}

/// Ends the session, with its live connections.
pub(super) async fn sign_out(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
) -> Result<Response, Error> {
    if let Some(identity) = caller {
        state.auth.sign_out(&identity.user.id, identity.session.as_deref()).await?;
    }
    let next = see(routes::SIGN_IN, &[("done", Done::SignedOut.as_str())]);
    Ok((CookieJar::new().add(no_cookie(&state.site)), next).into_response())
}

/// The page of `/sign-in`.
#[derive(Clone, Debug, Default)]
pub(super) struct SignIn {
    /// The page to return to afterwards.
    pub(super) back: String,
    /// The rejected name that was typed.
    pub(super) name: String,
    /// The reason of the rejection.
    pub(super) problem: Option<RejectionReason>,
    /// True if the user has just signed out.
    pub(super) is_signed_out: bool,
}

impl Document for SignIn {
    fn title(&self, texts: &Texts) -> String {
        texts.sign_in.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { back, name, problem, is_signed_out } = self;
        let is_known = !name.is_empty();
        view! {
            <section class="panel">
                <h1>{texts.sign_in}</h1>
                {done_note(is_signed_out.then_some(texts.signed_out))}
                <form class="stack" method="post" action=routes::SIGN_IN>
                    {problem_note(texts, problem)}
                    {name_field(texts, name, !is_known, problem)}
                    {password_field(texts, texts.password, Password::Present, is_known, problem)}
                    <input type="hidden" name="back" value=back />
                    <button type="submit" class="primary">{texts.sign_in}</button>
                </form>
            </section>
            <p class="muted">{texts.sign_in_help}</p>
        }
        .into_any()
    }
}
