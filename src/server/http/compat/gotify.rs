//! `POST /message`: sending as to Gotify, after <https://gotify.net/api-docs>. The token of an application is that of a room's
//! webhook or of a publisher, as at `/hooks/{token}`. The answers are Gotify's, and so are errors. Reading is not here: a
//! reader follows the room or the channel by our own addresses.

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    hook_target::{Delivered, HookTarget},
    json_body,
    senders::translated::Translated,
    signature,
};
use crate::{
    app::model::room::RejectionReason,
    protocol::{
        feed::Level,
        problem::{Code, Problem, Rejection},
        text::is_blank,
    },
    server::{
        auth::hash,
        error::Error,
        http::{
            BODY_MAX_BYTES,
            api::publish::{idempotency_key, multipart},
            extract::{
                body::{RawBody, fields_of},
                client_address::ClientAddress,
                credentials::bearer,
                media_type::{Kind, MediaType},
                query::Lenient,
            },
            middleware::{rate_limit, uncancellable},
            problem,
        },
        state::AppState,
    },
};

/// The header with the token.
const KEY: &str = "x-gotify-key";

/// Gotify's addresses.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/message", post(send))
        .route("/version", get(version))
        .route("/health", get(health))
        .method_not_allowed_fallback(problem::bad_method)
        .layer(from_fn_with_state(state.clone(), uncancellable::complete))
        .layer(from_fn_with_state(state.clone(), rate_limit::requests))
        .layer(map_response(in_shape))
}

/// The query of a message. Of its members, those count that the body does not have.
#[derive(Deserialize)]
struct GotifyQuery {
    token: Option<String>,
    /// The channel of the feed, of a publisher's token for several.
    channel: Option<String>,
    title: Option<String>,
    message: Option<String>,
    priority: Option<String>,
}

/// A message as it was sent.
#[derive(Debug)]
struct Sent {
    title: String,
    message: String,
    priority: Option<i64>,
    extras: Value,
}

/// Takes a message: 200 and the message.
async fn send(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Lenient(query): Lenient<GotifyQuery>,
    request: Request,
) -> Result<Json<Value>, Error> {
    let mut headers = request.headers().clone();
    let token = token_of(&headers, &query)?;
    let (target, secret) = HookTarget::of_token(&state, &token, query.channel.clone(), address).await?;
    let key = idempotency_key(&headers)?;
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    // It is undone, and the body of a form would be decoded again.
    headers.remove(header::CONTENT_ENCODING);
    signature::check(secret.as_ref(), &headers, &body)?;
    let sent = Sent::read(&headers, body, &query)?;
    let event = sent.translated();
    let once = event.once("gotify", key.as_deref().map(|key| (key, 0)));
    let message = |once| Ok(event.message(target.name(), once));
    let delivered = target.deliver(&state, once, message, || event.publication(target.name())).await?;
    Ok(Json(sent.answer(&target, &delivered)))
}

/// The token of a request, from the places in which Gotify looks for it, in its order.
fn token_of(headers: &HeaderMap, query: &GotifyQuery) -> Result<String, Rejection> {
    let key = headers.get(KEY).and_then(|value| value.to_str().ok()).map(str::trim);
    let named = query.token.as_deref().or(key.filter(|key| !key.is_empty()));
    let token = match named {
        Some(token) => Some(token),
        None => bearer(headers)?,
    };
    let missing = "There is no token. Send that of a room's webhook or of a publisher as X-Gotify-Key, as token= in the \
                   address, or as Authorization: Bearer.";
    token.map(str::to_owned).ok_or_else(|| Rejection::new(Code::NoSession, missing))
}

impl Sent {
    fn read(headers: &HeaderMap, body: Bytes, query: &GotifyQuery) -> Result<Self, Rejection> {
        let members = members_of(headers, body)?;
        let given = |name: &str, in_query: &Option<String>| match members.get(name) {
            None | Some(Value::Null) => in_query.clone().map(Value::String),
            given => given.cloned(),
        };
        let text = |name: &str, in_query| match given(name, in_query) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(bad(&format!("The member {name} is a text."))),
        };
        let message = text("message", &query.message)?;
        if is_blank(&message) {
            return Err(Rejection::new(Code::TextEmpty, "The member message is missing or empty."));
        }
        let priority = given("priority", &query.priority).map(|value| number(&value)).transpose()?.flatten();
        let extras = members.get("extras").filter(|extras| extras.is_object()).cloned();
        Ok(Self {
            title: text("title", &query.title)?,
            message,
            priority,
            extras: extras.unwrap_or_default(),
        })
    }

    /// The event that it means. Nobody is mentioned by it, as by those of other programs.
    fn translated(&self) -> Translated {
        let (level, priority) = self.priority.map_or((Level::Info, None), urgency);
        let extra = |namespace: &str, path: &str| {
            self.extras.get(namespace).and_then(|extra| extra.pointer(path)).and_then(Value::as_str)
        };
        Translated {
            title: self.title.clone(),
            text: self.message.clone(),
            markdown: extra("client::display", "/contentType") == Some("text/markdown"),
            level,
            priority,
            link: extra("client::notification", "/click/url").map(str::to_owned),
            ..Translated::default()
        }
    }

    /// Gotify's answer. An application without a title of its own has its name.
    fn answer(&self, target: &HookTarget, delivered: &Delivered) -> Value {
        let at = Timestamp::from_millisecond(delivered.timestamp).unwrap_or_default();
        let title = if is_blank(&self.title) { target.name() } else { &self.title };
        let mut answer = json!({
            "id": delivered.offset, "appid": number_of(target.id()), "message": self.message, "title": title,
            "priority": self.priority.unwrap_or_default(), "date": at.to_string(),
        });
        if !self.extras.is_null() {
            answer["extras"] = self.extras.clone();
        }
        answer
    }
}

/// The members of a body: JSON, or the fields of a form of either kind. An empty body has none.
fn members_of(headers: &HeaderMap, body: Bytes) -> Result<Map<String, Value>, Rejection> {
    let fields = match MediaType::of(headers)?.kind {
        _ if body.is_empty() => Vec::new(),
        Kind::Multipart => multipart::read(headers, &body)?,
        Kind::Form if !json_body::begins_as_json(&body) => fields_of(headers, body)?,
        _ => {
            let Value::Object(members) = json_body::read(headers, body)? else {
                return Err(bad("The body is a JSON object with the member message."));
            };
            return Ok(members);
        }
    };
    Ok(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
}

/// A priority, which a form has as a text. Empty is none.
fn number(value: &Value) -> Result<Option<i64>, Rejection> {
    let number = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    };
    number.map(Some).ok_or_else(|| bad("The member priority is a whole number, usually 0 to 10."))
}

/// The level and the priority that one of Gotify's priorities means: its apps show 0 silently, 1 to 3 quietly, 4 to 7 with a
/// sound, and 8 to 10 at the top. Of those only 10 is an error: senders give 8 to what is merely important.
fn urgency(priority: i64) -> (Level, Option<u8>) {
    let (level, priority) = match priority {
        ..=0 => (Level::Info, 1),
        1..=3 => (Level::Info, 2),
        4..=7 => (Level::Info, 3),
        8..=9 => (Level::Warning, 4),
        10.. => (Level::Error, 5),
    };
    (level, Some(priority))
}

/// A number that stands for an id: applications have numbers at Gotify. It is always the same one, and above 0.
fn number_of(id: &str) -> u32 {
    let digits = hash(id);
    digits.get(..7).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default() + 1
}

fn bad(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}

/// `GET /version`, which clients ask to see that this is a server.
async fn version() -> Json<Value> {
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "commit": "unknown", "buildDate": "unknown" }))
}

/// `GET /health`: it tells nothing that `/readyz` does not.
async fn health(State(state): State<AppState>) -> (StatusCode, Json<Value>) {
    let is_stored = state.readiness.check(async { Ok(state.hub.store().check().await?) }).await.is_ok();
    let (status, database) =
        if is_stored { (StatusCode::OK, "green") } else { (StatusCode::SERVICE_UNAVAILABLE, "red") };
    (status, Json(json!({ "health": "green", "database": database })))
}

/// Puts a rejection into Gotify's form: `{"error", "errorCode", "errorDescription"}`.
async fn in_shape(response: Response) -> Response {
    if response.extensions().get::<RejectionReason>().is_none() {
        return response;
    }
    let (mut parts, body): (_, Body) = response.into_parts();
    let body = to_bytes(body, BODY_MAX_BYTES).await.unwrap_or_default();
    let words = serde_json::from_slice::<Problem>(&body).map(|problem| problem.detail).unwrap_or_default();
    let status = parts.status;
    let error = status.canonical_reason().unwrap_or("Error");
    let json = json!({ "error": error, "errorCode": status.as_u16(), "errorDescription": words });
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    (parts, json.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::protocol::{
        properties::{json_value, text},
        text::MessageText,
    };

    fn query(query: &str) -> GotifyQuery {
        Lenient::<GotifyQuery>::parse(query).expect("a query").0
    }

    fn headers(kind: &'static str) -> HeaderMap {
        [(header::CONTENT_TYPE, header::HeaderValue::from_static(kind))].into_iter().collect()
    }

    #[test]
    fn each_priority_has_a_level_and_no_number_is_outside() {
        let all: Vec<_> = [i64::MIN, 0, 1, 3, 4, 7, 8, 9, 10, i64::MAX].map(urgency).into();
        let expected = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5].map(Some);
        assert_eq!(all.iter().map(|(_, priority)| *priority).collect::<Vec<_>>(), expected);
        assert_eq!((urgency(7).0, urgency(8).0, urgency(10).0), (Level::Info, Level::Warning, Level::Error));
    }

    #[test]
    fn the_body_comes_before_the_query_and_faults_are_named() {
        let form = Bytes::from("message=from+the+form&priority=8");
        let sent = Sent::read(
            &headers("application/x-www-form-urlencoded"),
            form,
            &query("title=from%20the%20query&message=x"),
        );
        let sent = sent.expect("taken");
        assert_eq!(
            (sent.title.as_str(), sent.message.as_str(), sent.priority),
            ("from the query", "from the form", Some(8))
        );
        let of = |body: &'static str| {
            let sent = Sent::read(&headers("application/json"), Bytes::from(body), &query(""));
            sent.map_err(|rejection| rejection.message).expect_err(body)
        };
        for (body, words) in [
            ("", "message is missing"),
            (r#"{"message":" "}"#, "message is missing"),
            (r#"{"message":1}"#, "message is a text"),
            (r#"{"message":"x","title":{}}"#, "title is a text"),
            (r#"{"message":"x","priority":1.5}"#, "whole number"),
            (r#"{"message":"x","priority":"high"}"#, "whole number"),
            ("[1]", "JSON object"),
        ] {
            assert!(of(body).contains(words), "{body}: {}", of(body));
        }
    }

    #[test]
    fn extras_name_the_markup_and_the_link() {
        let body = json!({ "message": "*x*", "extras": { "client::display": { "contentType": "text/markdown" },
            "client::notification": { "click": { "url": "https://a.example/" } }, "other": 1 } });
        let sent = Sent::read(&headers("application/json"), Bytes::from(body.to_string()), &query(""))
            .expect("taken");
        let event = sent.translated();
        assert_eq!((event.markdown, event.link.as_deref()), (true, Some("https://a.example/")));
        assert_eq!(sent.extras["other"], 1);
    }

    proptest! {
        #[test]
        fn any_message_is_an_event_that_can_be_stored_or_rejected(
            message in text(), title in json_value(), priority in json_value(), extras in json_value(),
        ) {
            let click = json!({ "client::notification": { "click": { "url": title } }, "client::display": extras });
            for (extras, priority) in [(extras, priority), (click, json!(5))] {
                let body = json!({ "message": message, "title": title, "priority": priority, "extras": extras });
                let sent = Sent::read(&headers("application/json"), Bytes::from(body.to_string()), &query(""));
                if let Ok(event) = sent.map(|sent| sent.translated()) {
                    prop_assert!(event.publication("Gotify").is_ok(), "{event:?}");
                    prop_assert!(MessageText::parse(&event.message("Gotify", None).text).is_ok(), "{event:?}");
                }
            }
        }

        #[test]
        fn any_bytes_as_a_body_are_read_or_rejected(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            kind in select(vec!["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x"]),
        ) {
            drop(Sent::read(&headers(kind), Bytes::from(body), &query("")));
        }
    }
}
