//! Where another system signs people in: the way there for who is not, and what that means for who is.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    answer::{SignedIn, alone, beside},
    invitations::address_of,
};
use crate::{
    app::routes,
    server::{auth::issuer::Issuer, documents::Elsewhere, error::Error, routes::pages::Asked},
};

/// Sends a browser to sign in, and from there back to `path`. Where it is not known where that is, says so.
pub(super) fn ask_to_sign_in(asked: &Asked, issuer: &Issuer, path: &str) -> Response {
    match issuer.sign_in_address(&address_of(asked, path)) {
        Some(address) if asked.method == Method::GET => Redirect::to(&address).into_response(),
        // The policy of pages lets no form lead to another site.
        address => {
            (StatusCode::UNAUTHORIZED, alone(asked, Elsewhere { name: None, address })).into_response()
        }
    }
}

/// What there is to say about an account that is elsewhere.
pub(super) async fn account(signed_in: &SignedIn, issuer: &Issuer) -> Result<Response, Error> {
    let address = issuer.sign_in_address(&address_of(&signed_in.asked, routes::ACCOUNT));
    let name = Some(signed_in.identity.user.name.clone());
    beside(signed_in, Elsewhere { name, address }).await
}
