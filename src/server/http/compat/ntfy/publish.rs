//! Publishing as to ntfy: a request becomes one notification of a channel, by `Feed::publish` with the rights and limits
//! of `api::publish`. The answer is the message in ntfy's shape, with 200.

use std::net::SocketAddr;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, Uri, header},
};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    delay,
    fault::{self, Fault},
    message::Message,
    notification::{self, parse_sequence},
    parameters::Parameters,
    topic,
};
use crate::{
    protocol::{
        members::parse_json,
        problem::{Code, Rejection},
        publication::Publication,
    },
    server::{
        authz::publishing::Author,
        http::{
            BODY_MAX_BYTES,
            api::publish::{author_of, idempotency_key},
            extract::{
                body::{BODY_TIMEOUT, RawBody},
                charset,
                client_address::ClientAddress,
                media_type::{Kind, MediaType},
                path::{PathPair, PathText},
            },
        },
        state::AppState,
    },
};

/// The most bytes of a body that are read to their end. Of a longer one the beginning is the message, cut visibly; what
/// is above this is refused, because nobody sends a megabyte as a message.
const DISCARDED_MAX_BYTES: usize = 1024 * 1024;

/// The sender of a request, and what stands beside its body.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct Sender {
    #[from_request(via(State))]
    state: AppState,
    #[from_request(via(ConnectInfo))]
    peer: SocketAddr,
    address: ClientAddress,
    headers: HeaderMap,
    uri: Uri,
}

/// The publication that was sent, and the time at which it is to be published.
struct Sent {
    publication: Publication,
    /// As it was sent; `None`: now.
    delay: Option<String>,
}

impl Sent {
    fn read(
        parameters: &Parameters<'_>,
        text: &str,
        is_markdown: bool,
        sequence: Option<String>,
    ) -> Result<Self, Fault> {
        let publication = notification::read(parameters, text, is_markdown, sequence)?;
        Ok(Self { publication, delay: delay::of(parameters) })
    }
}

type Answer = Result<Json<Message>, Fault>;

/// `POST` or `PUT /{topic}`: the body is the text.
pub(super) async fn to_topic(sender: Sender, PathText(topic): PathText, request: Request) -> Answer {
    sender.publish_text(&topic, request, None).await
}

/// `POST` or `PUT /{topic}/{sequence_id}`: the message takes the place of an earlier one with this id.
pub(super) async fn to_sequence(
    sender: Sender,
    PathPair(topic, sequence): PathPair,
    request: Request,
) -> Answer {
    let sequence = parse_sequence(&sequence)?;
    sender.publish_text(&topic, request, Some(sequence)).await
}

/// `DELETE /{topic}/{sequence_id}`: what was published under this id is gone, and an event says so to all readers.
pub(super) async fn delete(sender: Sender, PathPair(topic, sequence): PathPair) -> Answer {
    let sequence = parse_sequence(&sequence)?;
    sender.publish(&topic, |_| Ok(Sent { publication: Publication::deletion(sequence)?, delay: None })).await
}

/// `POST` or `PUT /`: the body is JSON with the member `topic`.
pub(super) async fn by_json(sender: Sender, request: Request) -> Answer {
    let (body, is_cut) = read_body(&sender.headers, request).await?;
    if is_cut {
        return Err(Fault::new(fault::TOO_LARGE, format!("JSON has at most {BODY_MAX_BYTES} bytes")));
    }
    let mut json = object_in(&body)?;
    let topic = text_member(&mut json, "topic")?;
    let topic = topic.ok_or_else(|| Fault::new(fault::TOPIC, "the JSON needs the member topic"))?;
    let text = text_member(&mut json, "message")?.unwrap_or_default();
    let read = |parameters: Parameters<'_>| Sent::read(&parameters.with_json(json), &text, false, None);
    sender.publish(&topic, read).await
}

/// Reads a JSON object, with or without a byte order mark. Its members may be written in any case.
fn object_in(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    let text = charset::decode(body, None).and_then(|text| parse_json(&text, "body"));
    match text.map_err(|rejection| Fault::new(fault::JSON, rejection.message))? {
        Value::Object(members) => {
            Ok(members.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
        }
        _ => Err(Fault::new(fault::JSON, "this is no JSON object")),
    }
}

/// Takes a member that is a text, or absent.
fn text_member(json: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    match json.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::new(fault::JSON, format!("the member {name} is a text"))),
    }
}

/// `GET /{topic}/publish`: all of it stands in the query. A link or a picture in another site's page must not publish, so
/// it takes a token in the request itself, and no page of another site.
pub(super) async fn by_get(sender: Sender, PathText(topic): PathText) -> Answer {
    let from = sender.headers.get("sec-fetch-site").and_then(|from| from.to_str().ok()).unwrap_or_default();
    if matches!(from, "cross-site" | "same-site") {
        return Err(Fault::new(
            fault::FORBIDDEN,
            "a page of another site cannot publish by a link; use POST",
        ));
    }
    if !sender.headers.contains_key(header::AUTHORIZATION) {
        return Err(Fault::new(
            fault::UNAUTHORIZED,
            "publishing by GET needs a token: an Authorization header, or auth=",
        ));
    }
    sender.publish(&topic, |parameters| Sent::read(&parameters, "", false, None)).await
}

/// Marking a message as read for all readers, which ntfy knows and this server does not.
pub(super) async fn refuse_clear() -> Fault {
    let reason =
        "a message cannot be marked as read for all readers; DELETE its sequence id, or publish to it";
    Fault::new(fault::INVALID, reason)
}

impl Sender {
    async fn publish_text(&self, topic: &str, request: Request, sequence: Option<String>) -> Answer {
        let (body, is_cut) = read_body(&self.headers, request).await?;
        let read = |parameters: Parameters<'_>| {
            let (text, is_markdown) = text_of(&self.headers, &body, is_cut)?;
            Sent::read(&parameters, &text, is_markdown, sequence)
        };
        self.publish(topic, read).await
    }

    async fn publish(&self, topic: &str, read: impl FnOnce(Parameters<'_>) -> Result<Sent, Fault>) -> Answer {
        let Self { state, peer, address, headers, uri } = self;
        let channel = topic::parse(topic)?;
        let author = author_of(state, &channel, headers, *peer, address.0).await?;
        let Sent { publication, delay } = read(Parameters::of(headers, uri.query())?)?;
        let key = idempotency_key(headers)?;
        if let Some(delay) = delay {
            if author == Author::Anonymous {
                let reason = "a delayed message needs a token, by which those that wait are counted";
                return Err(Fault::new(fault::FORBIDDEN, reason));
            }
            let due_at = delay::parse(&delay, state.clock.wall_ms())?;
            let scheduled = state.scheduled.schedule(&channel, &author, &publication, due_at, key.as_deref());
            return Ok(Json(Message::scheduled(&scheduled.await?)));
        }
        if let Some(sequence) = publication.body().key() {
            state.scheduled.cancel(&channel, sequence).await?;
        }
        let published =
            state.feed.publish(&channel, &author.to_string(), vec![publication], key.as_deref()).await?;
        let entry = published.0.into_iter().next().expect("one was published");
        let epoch = state.feed.epoch().await?;
        Ok(Json(Message::of(&epoch, entry).expect("it is a notification")))
    }
}

/// Reads a body. Of a long one only the beginning is kept; the second is true then.
async fn read_body(headers: &HeaderMap, request: Request) -> Result<(Bytes, bool), Fault> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let RawBody(body) = RawBody::from_request(request, &()).await?;
        return Ok((body, false));
    }
    let read = timeout(BODY_TIMEOUT, beginning_of(request.into_body())).await;
    read.unwrap_or_else(|_| Err(Rejection::new(Code::BadRequest, "The request body took too long.").into()))
}

async fn beginning_of(body: Body) -> Result<(Bytes, bool), Fault> {
    let (mut stream, mut kept, mut count) = (body.into_data_stream(), Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk =
            chunk.map_err(|_| Rejection::new(Code::BadRequest, "The request body could not be read."))?;
        count += chunk.len();
        if count > DISCARDED_MAX_BYTES {
            let reason =
                format!("a message has at most {DISCARDED_MAX_BYTES} bytes, of which the beginning is kept");
            return Err(Fault::new(fault::TOO_LARGE, reason));
        }
        let room = BODY_MAX_BYTES - kept.len();
        kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok((kept.into(), count > BODY_MAX_BYTES))
}

/// The text of a body whatever its type says, as curl says that every text is a form; and whether it is Markdown.
fn text_of(headers: &HeaderMap, body: &[u8], is_cut: bool) -> Result<(String, bool), Fault> {
    let MediaType { kind, charset } = MediaType::of(headers)?;
    if kind == Kind::Multipart {
        let reason = "this server takes no files and no multipart forms; send the text as the body";
        return Err(Fault::new(fault::NO_ATTACHMENTS, reason));
    }
    let body = if is_cut && charset.is_none() { whole_characters(body) } else { body };
    let text = charset::decode(body, charset.as_deref())
        .map_err(|rejection| Fault::new(fault::NOT_UTF8, rejection.message))?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_markdown =
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/markdown"));
    Ok((text, is_markdown))
}

/// A text that was cut, without a part of a character at its end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}
