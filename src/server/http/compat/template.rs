//! `POST /hooks/{token}/template`: any JSON, of which the template of the webhook or publisher makes an event. For programs that
//! no sender's file knows. What came last is kept for the page of the template, also while there is none.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    hook_target::{self, HookTarget},
    json_body,
    senders::{read::level_of, translated::Translated},
    signature,
};
use crate::{
    protocol::{problem::Rejection, publication::split_tags},
    server::{
        auth::HookTemplate,
        error::Error,
        http::{
            api::{hook_templates::engine, publish::idempotency_key},
            extract::{body::RawBody, client_address::ClientAddress, path::PathText, query::Lenient},
            problem,
        },
        state::AppState,
    },
};

/// The query of a webhook.
#[derive(Deserialize)]
pub(crate) struct TemplateQuery {
    /// The channel of the feed, of a publisher's token.
    channel: Option<String>,
}

/// Takes a body: 200 `{"events":1}`; 422 if the template does not make an event of it.
pub(crate) async fn post(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    PathText(token): PathText,
    Lenient(TemplateQuery { channel }): Lenient<TemplateQuery>,
    request: Request,
) -> Result<Response, Error> {
    let found = HookTarget::of_token(&state, &token, channel, address).await;
    let (target, secret) = found.map_err(hook_target::unknown_as_not_found)?;
    let mut headers = request.headers().clone();
    let key = idempotency_key(&headers)?;
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    // It is undone, and the body of a form would be decoded again.
    headers.remove(header::CONTENT_ENCODING);
    signature::check(secret.as_ref(), &headers, &body)?;
    let received = String::from_utf8_lossy(&body).into_owned();
    let note = |error: Option<String>| state.templates.note(target.id(), received, error);
    let json = match json_body::read(&headers, body) {
        Ok(json) => json,
        Err(rejection) => {
            note(Some(rejection.message.clone()));
            return Err(rejection.into());
        }
    };
    let rendered = match state.templates.read(target.id()).await? {
        Some(template) => engine::render(template, json).await.map_err(|fault| fault.to_string()),
        None => {
            Err("There is no template yet. This body is kept for the page on which one is written".to_owned())
        }
    };
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(reason) => {
            let reason = format!("{reason}.");
            note(Some(reason.clone()));
            return Ok(problem::unprocessable(reason));
        }
    };
    note(None);
    let event = translated(&rendered);
    let once = event.once("template", key.as_deref().map(|key| (key, 0)));
    let message = |once| -> Result<_, Rejection> { Ok(event.message(target.name(), once)) };
    target.deliver(&state, once, message, || event.publication(target.name())).await?;
    Ok(Json(json!({ "events": 1 })).into_response())
}

/// The event of what was rendered. A level that is none is `info`.
fn translated(rendered: &HookTemplate) -> Translated {
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Translated {
        title: rendered.title.clone(),
        text: rendered.text.clone(),
        level: level_of(&rendered.level).unwrap_or_default(),
        link: filled(&rendered.link),
        tags: split_tags(&rendered.tags),
        key: filled(&rendered.key),
        ..Translated::default()
    }
}
