//! Pages for servers where an external issuer signs users in: the way to the issuer for anonymous users, and the
//! account page of authenticated ones.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::{
    answer::{SignedIn, alone, beside},
    document::Document,
    fields::export_link,
    invitations::address_of,
    texts::Texts,
};
use crate::{
    app::routes,
    server::{auth::issuer::Issuer, error::Error, http::pages::PageRequest},
};

/// Redirects a browser to the issuer, and from there back to `path`. If the issuer's address is not known, or a form
/// was posted, answers 401 with a page that refers to the issuer.
pub(super) fn ask_to_sign_in(asked: &PageRequest, issuer: &Issuer, path: &str) -> Response {
    match issuer.sign_in_address(&address_of(asked, path)) {
        Some(address) if asked.method == Method::GET => Redirect::to(&address).into_response(),
        // The Content Security Policy of pages lets no form lead to another site.
        address => {
            (StatusCode::UNAUTHORIZED, alone(asked, Elsewhere { name: None, address })).into_response()
        }
    }
}

/// Serves the account page of a user whose account is at the issuer.
pub(super) async fn account(signed_in: &SignedIn, issuer: &Issuer) -> Result<Response, Error> {
    let address = issuer.sign_in_address(&address_of(&signed_in.asked, routes::ACCOUNT));
    let name = Some(signed_in.identity.user.name.clone());
    beside(signed_in, Elsewhere { name, address }).await
}

/// A page that refers to the issuer.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    /// The name of the authenticated user; `None`: anonymous.
    pub(super) name: Option<String>,
    /// The address at which users sign in, if it is known.
    pub(super) address: Option<String>,
}

impl Document for Elsewhere {
    fn title(&self, texts: &Texts) -> String {
        if self.name.is_some() { texts.account.to_owned() } else { texts.sign_in.to_owned() }
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { name, address } = self;
        let text = if name.is_some() { texts.account_elsewhere } else { texts.sign_in_elsewhere };
        let export = name.is_some().then(|| export_link(texts));
        view! {
            <section class="panel stack">
                <h1>{title}</h1>
                {name.map(|name| view! { <p><b>{name}</b></p> })}
                <p>{text}</p>
                {address.map(|address| view! { <p><a href=address>{texts.go_there}</a></p> })}
            </section>
            {export}
        }
        .into_any()
    }
}
