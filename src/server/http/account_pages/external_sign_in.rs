//! Where another system signs people in: the way there for who is not, and what that means for who is.

use axum::{
    http::{Method, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::{
    answer::{SignedIn, alone, beside},
    document::Document,
    invitations::address_of,
    texts::Texts,
};
use crate::{
    app::routes,
    server::{auth::issuer::Issuer, error::Error, http::pages::PageRequest},
};

/// Sends a browser to sign in, and from there back to `path`. Where it is not known where that is, says so.
pub(super) fn ask_to_sign_in(asked: &PageRequest, issuer: &Issuer, path: &str) -> Response {
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

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    /// Who is signed in, by name; `None`: nobody.
    pub(super) name: Option<String>,
    /// Where people sign in.
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
        view! {
            <section class="panel stack">
                <h1>{title}</h1>
                {name.map(|name| view! { <p><b>{name}</b></p> })}
                <p>{text}</p>
                {address.map(|address| view! { <p><a href=address>{texts.go_there}</a></p> })}
            </section>
        }
        .into_any()
    }
}
