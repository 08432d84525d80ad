//! `/people/invitations`: administrators create and revoke invitations.

use axum::{http::header, response::Response};
use serde::Deserialize;

use super::{
    answer::{SignedIn, accounts, beside, noted},
    one_time_link::{OneTimeLink, link_failed},
    people::back_to_people,
};
use crate::{
    app::routes,
    protocol::problem::Rejection,
    server::{
        authz::Deed,
        error::Error,
        http::{
            extract::body::FormBody,
            pages::{PageRequest, one_time_form::Once},
        },
    },
};

/// Creates an invitation and shows its link, this once.
pub(super) async fn make(
    signed_in: SignedIn,
    form: Result<FormBody<Once>, Rejection>,
) -> Result<Response, Error> {
    // A client that sends no one-time id, as a program may, creates another invitation each time.
    let once = form.ok().and_then(|FormBody(form)| form.once);
    let SignedIn { asked, identity } = &signed_in;
    let accounts = accounts(&asked.state)?;
    let submission = asked.state.submissions.of(&identity.user.id, once.as_deref(), &["invitation"]);
    let token = accounts.invite_once(&identity.user.name, &submission).await;
    let token = noted(asked, token, |action| action, Deed::Invite).await?;
    let made = match accounts.link(&token).await {
        Ok(made) => made,
        // A reload of the answer, after the invitation was used.
        Err(error) => return Ok(link_failed(asked, error)),
    };
    let link = OneTimeLink {
        account: None,
        address: address_of(asked, &routes::join(&token)),
        expires_at: made.expires_at,
    };
    beside(&signed_in, link).await
}

/// Returns the absolute URL of a path, as the requesting browser reaches this server.
pub(super) fn address_of(asked: &PageRequest, path: &str) -> String {
    if let Some(site) = asked.state.site.public_url() {
        return format!("{}{path}", site.as_str());
    }
    let text = |name| asked.headers.get(name).and_then(|value| value.to_str().ok());
    // `Origin` comes with every form and has been checked; it includes TLS, which a proxy may add.
    let origin = text(header::ORIGIN).map(str::to_owned);
    let origin = origin.or_else(|| text(header::HOST).map(|host| format!("http://{host}")));
    format!("{}{path}", origin.unwrap_or_default())
}

/// The field of the form that revokes an invitation.
#[derive(Deserialize)]
pub(super) struct RevokeForm {
    id: String,
}

/// Revokes an invitation.
pub(super) async fn revoke(
    asked: PageRequest,
    FormBody(RevokeForm { id }): FormBody<RevokeForm>,
) -> Result<Response, Error> {
    let revoked = accounts(&asked.state)?.revoke(&id).await;
    Ok(back_to_people(asked, revoked).await)
}
