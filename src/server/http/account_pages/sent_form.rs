//! A form as it was sent, kept until it is answered: a rejection that no page of the form answers (too many requests, no
//! session, no store) shows it once more, with what was typed. `rejection.rs` reads and shows it. It must never show a
//! password, nor a form that the page of another site sent.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, Method},
};
use leptos::prelude::*;

use super::{
    fields::{Password, labelled_input, password_field, text_of_area},
    texts::Texts,
};
use crate::{
    protocol::problem::Rejection,
    server::http::extract::{
        body::{fields_of, read_body},
        media_type::{Kind, MediaType},
    },
};

/// The fields that nobody types into. A form has them again as they were.
const HIDDEN: [&str; 8] = ["back", "id", "on", "once", "private", "room", "session", "user"];

/// The address and the fields of a form.
#[derive(Clone, Debug)]
pub(super) struct SentForm {
    /// The path and query to which it was posted; the one-time id is in it.
    action: String,
    fields: Vec<(String, String)>,
}

impl SentForm {
    /// Reads the form of a request, and returns the request as it was. `None`: it has no form, or one that cannot be
    /// read; the handler says so.
    ///
    /// Errors: `too_large` and `bad_request`, as for the handler.
    pub(super) async fn read(request: Request) -> Result<(Option<Self>, Request), Rejection> {
        let is_form = MediaType::of(request.headers()).is_ok_and(|media_type| media_type.kind == Kind::Form);
        if request.method() != Method::POST || !is_form {
            return Ok((None, request));
        }
        let (parts, body) = request.into_parts();
        let body = read_body(Request::from_parts(parts.clone(), body), &()).await?;
        let action = parts.uri.path_and_query().map(ToString::to_string);
        let form = action.zip(fields(&parts.headers, body.clone()));
        let form = form.map(|(action, fields)| Self { action, fields });
        Ok((form, Request::from_parts(parts, Body::from(body))))
    }

    /// Returns true if somebody typed something into it.
    pub(super) fn is_typed(&self) -> bool {
        self.fields.iter().any(|(name, value)| !value.is_empty() && !HIDDEN.contains(&name.as_str()))
    }

    /// The form, to be sent once more.
    pub(super) fn view(self, texts: &'static Texts) -> AnyView {
        let fields: Vec<_> =
            self.fields.into_iter().map(|(name, value)| field(texts, &name, value)).collect();
        view! {
            <form class="stack" method="post" action=self.action>
                {fields}
                <button type="submit" class="primary">{texts.send_again}</button>
            </form>
        }
        .into_any()
    }
}

/// Returns the fields that forms of ours have.
fn fields(headers: &HeaderMap, body: Bytes) -> Option<Vec<(String, String)>> {
    const TYPED: [&str; 7] = ["channel", "channels", "name", "new-password", "password", "readers", "text"];
    let mut fields = fields_of(headers, body).ok()?;
    fields.retain(|(name, _)| HIDDEN.contains(&name.as_str()) || TYPED.contains(&name.as_str()));
    Some(fields)
}

fn field(texts: &'static Texts, name: &str, value: String) -> AnyView {
    match name {
        "text" => text_area("text", texts.message, value),
        "readers" => text_area("readers", texts.readers, value),
        "name" => labelled_input("name", texts.name, value, None, None).into_any(),
        "channel" => labelled_input("channel", texts.channel, value, None, None).into_any(),
        "channels" => labelled_input("channels", texts.channels, value, None, None).into_any(),
        "password" => password_field(texts, texts.password, Password::Present, false, None).into_any(),
        "new-password" => password_field(texts, texts.new_password, Password::New, false, None).into_any(),
        hidden => view! { <input type="hidden" name=hidden.to_owned() value=value /> }.into_any(),
    }
}

fn text_area(name: &'static str, label: &'static str, value: String) -> AnyView {
    view! {
        <div class="labelled">
            <label for=name>{label}</label>
            <textarea id=name name=name rows="6" dir="auto" inner_html=text_of_area(&value)></textarea>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::{app::i18n::Language, server::http::BODY_MAX_BYTES};

    async fn read(form: &'static str) -> Option<SentForm> {
        let request = Request::builder().method("POST").uri("/rooms/general?once=1");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let (sent, request) =
            SentForm::read(request.body(Body::from(form)).expect("a request")).await.expect("small");
        let body = to_bytes(request.into_body(), BODY_MAX_BYTES).await.expect("in memory");
        assert_eq!(body, form.as_bytes(), "the handler gets it all the same");
        sent
    }

    fn html(form: SentForm) -> String {
        Owner::new().with(|| form.view(Texts::of(Language::En)).to_html())
    }

    #[tokio::test]
    async fn a_form_is_shown_with_its_texts_and_without_its_passwords() {
        let form = read("text=%0A%3C%2Ftextarea%3E%3Cb%3E&password=secret&on=true&unknown=field")
            .await
            .expect("a form");
        assert!(form.is_typed());
        let html = html(form);
        for part in [
            "action=\"/rooms/general?once=1\"",
            ">\n\n&lt;/textarea&gt;&lt;b&gt;</textarea>",
            "value=\"true\"",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("secret") && !html.contains("unknown"), "{html}");
        assert!(html.contains("type=\"password\""), "it is typed again: {html}");
    }

    #[tokio::test]
    async fn a_form_of_buttons_has_nothing_typed_in_it_and_one_that_is_damaged_is_none() {
        assert!(!read("on=true&back=/").await.expect("a form").is_typed());
        assert!(!read("text=").await.expect("a form").is_typed());
        assert!(read("text=%FF").await.is_none());
    }
}
