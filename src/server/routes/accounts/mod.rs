//! The addresses of accounts: documents for people, and the forms on them. Programs have `/api/session`.
//!
//! A form is answered with the document to be seen next (303, so that a reload repeats nothing). A refusal comes back
//! as `?problem=CODE` with what was typed, but for passwords. Where people have no accounts none of this is there; and
//! for who is no administrator, nothing below `/people`.

mod account;
mod answer;
mod invitations;
mod join;
mod outcome;
mod people;
mod reset;
mod sign_in;

use axum::{
    Router,
    extract::Request,
    http::{Method, Uri},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::pages::{self, Asked};
use crate::server::state::AppState;

/// The addresses.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    let administrators = Router::new()
        .route("/people", get(people::show))
        .route("/people/invitations", post(invitations::make))
        .route("/people/invitations/revoke", post(invitations::revoke))
        .route("/people/{account}/administrator", post(people::set_admin))
        .route("/people/{account}/blocked", post(people::set_blocked))
        .route("/people/{account}/reset", post(reset::make))
        .route("/people/{account}/remove", get(people::ask_removal).post(people::remove))
        .route_layer(middleware::from_fn_with_state(state.clone(), administrators_only));
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/join/{token}", get(join::show).post(join::join))
        .route("/reset/{token}", get(reset::show).post(reset::reset))
        .route("/account", get(account::show))
        .route("/account/name", post(account::rename))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions", post(account::end_session))
        .merge(administrators)
        .route_layer(middleware::from_fn_with_state(state.clone(), accounts_only))
}

async fn accounts_only(asked: Asked, request: Request, next: Next) -> Response {
    match asked.state.auth.accounts() {
        Some(_) => next.run(request).await,
        None => pages::nowhere(asked).await,
    }
}

async fn administrators_only(asked: Asked, request: Request, next: Next) -> Response {
    match &asked.caller.0 {
        Some(identity) if identity.is_admin => next.run(request).await,
        _ => pages::nowhere(asked).await,
    }
}

/// Sends a browser that has no session to where it gets one, and from there back.
pub(super) fn ask_to_sign_in(method: &Method, uri: &Uri) -> Response {
    // What was posted cannot be posted again by going there.
    let back = if *method == Method::GET { uri.path() } else { "/" };
    match back {
        "/" => Redirect::to("/sign-in").into_response(),
        back => outcome::see("/sign-in", &[("back", back)]),
    }
}
