//! `POST /hooks/{token}/discord`: the webhook of Discord, after <https://docs.discord.com/developers/resources/webhook>, for
//! programs that send to nothing else. It posts to a room or publishes to a channel, as `slack` does. Nothing that a payload
//! names is fetched.
//!
//! It is read leniently: a member of an unexpected type counts as absent, and unknown ones are ignored. Only a body that says
//! nothing is rejected.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    bounds::{cut, is_address, level_of_color, silenced, within_message},
    hook_target::{self, HookTarget},
    json_body, signature,
};
use crate::{
    protocol::{
        feed::Level,
        problem::{Code, Rejection},
        publication::{Publication, TITLE_MAX_CHARACTERS},
    },
    server::{
        chat::HookMessage,
        error::Error,
        http::{
            api::publish::idempotency_key,
            extract::{body::read_within, client_address::ClientAddress, path::PathText, query::Lenient},
        },
        state::AppState,
    },
};

/// The query of a webhook.
#[derive(Deserialize)]
pub(crate) struct DiscordQuery {
    /// The channel of the feed, of a publisher's token.
    channel: Option<String>,
    /// The sender asks for the message.
    wait: Option<String>,
    /// The thread, of a room's webhook.
    thread_id: Option<String>,
}

/// Takes a message: 204, or with `?wait=true` 200 and the message.
pub(crate) async fn post(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    PathText(token): PathText,
    Lenient(DiscordQuery { channel, wait, thread_id }): Lenient<DiscordQuery>,
    request: Request,
) -> Result<Response, Error> {
    let found = HookTarget::of_token(&state, &token, channel, address).await;
    let (target, secret) = found.map_err(hook_target::unknown_as_not_found)?;
    let headers = request.headers().clone();
    let key = idempotency_key(&headers)?;
    let body = read_within(request, state.max_hook_body).await?;
    signature::check(secret.as_ref(), &headers, &body)?;
    let payload = json_body::read(&headers, body)?;
    let text = markdown(&payload)?;
    let message = |key| {
        let name = member(&payload, "username").map(str::to_owned);
        Ok(HookMessage { name, text: text.clone(), thread_key: thread_id, key })
    };
    let delivered = target.deliver(&state, key, message, || publication(&payload, &text)).await?;
    if !wait.is_some_and(|wait| wait.eq_ignore_ascii_case("true")) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let message = json!({ "id": delivered.offset.to_string(), "type": 0, "content": text, "embeds": [], "attachments": [] });
    Ok(Json(message).into_response())
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn embeds(payload: &Value) -> impl Iterator<Item = &Value> {
    payload.get("embeds").and_then(Value::as_array).into_iter().flatten()
}

/// All that a payload says, as the Markdown of messages, which is that of Discord but for the names of groups.
fn markdown(payload: &Value) -> Result<String, Rejection> {
    let content = member(payload, "content").map(str::to_owned);
    let parts: Vec<_> =
        content.into_iter().chain(embeds(payload).map(quoted)).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(Rejection::new(Code::TextEmpty, "The payload has no content and no embeds."));
    }
    let text = parts.join("\n\n").replace("@everyone", "@room");
    let is_silent =
        payload.pointer("/allowed_mentions/parse").and_then(Value::as_array).is_some_and(Vec::is_empty);
    Ok(within_message(if is_silent { silenced(&text) } else { text }))
}

/// An embed as a quotation of all its parts.
fn quoted(embed: &Value) -> String {
    let text = |path: &str| embed.pointer(path).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let linked = |words: &str, url: &str| match (words, is_address(url)) {
        ("", true) => url.to_owned(),
        (words, true) => {
            format!("[{}]({})", words.replace(['[', ']'], ""), url.replace('(', "%28").replace(')', "%29"))
        }
        (words, false) => words.to_owned(),
    };
    let bold = |words: String| if words.is_empty() { words } else { format!("**{words}**") };
    let field = |field: &Value| {
        let text = |name: &str| member(field, name).unwrap_or_default().to_owned();
        [bold(text("name")), text("value")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    };
    let fields = embed.get("fields").and_then(Value::as_array).into_iter().flatten().map(field);
    let parts = [
        linked(text("/author/name"), text("/author/url")),
        bold(linked(text("/title"), text("/url"))),
        text("/description").to_owned(),
        fields.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"),
        linked("", text("/image/url")),
        text("/footer/text").to_owned(),
    ];
    let said = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    said.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The same as an event of the feed, with the title, the link and the level of the first embeds that have one.
fn publication(payload: &Value, text: &str) -> Result<Publication, Rejection> {
    let titled = embeds(payload).find(|embed| member(embed, "title").is_some());
    let title = titled.and_then(|embed| member(embed, "title")).or_else(|| member(payload, "username"));
    let link = titled.and_then(|embed| member(embed, "url")).filter(|url| is_address(url));
    let colors = embeds(payload).filter_map(|embed| u32::try_from(embed.get("color")?.as_u64()?).ok());
    let level = colors.map(level_of_color).max().unwrap_or(Level::Info);
    let title = title.map(|title| cut(title, TITLE_MAX_CHARACTERS, "…"));
    let event = json!({ "title": title, "text": text, "level": level, "link": link, "markdown": true });
    Publication::from_json(event).map(|(publication, _)| publication)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::properties::{json_value, text};

    #[test]
    fn a_message_is_its_content_and_its_embeds_as_quotations() {
        let payload = json!({
            "content": "Hi @everyone", "username": "CI",
            "embeds": [{
                "title": "Build 7", "url": "https://ci.example/7", "description": "*failed*", "color": 0xe0_1e5a,
                "author": { "name": "alice" }, "fields": [{ "name": "Branch", "value": "main" }], "footer": { "text": "ci.example" },
            }, "nonsense"],
        });
        let expected = "Hi @room\n\n> alice\n>\n> **[Build 7](https://ci.example/7)**\n>\n> *failed*\n>\n> **Branch**: main\n>\n\
                        > ci.example";
        let said = markdown(&payload).expect("a text");
        assert_eq!(said, expected);
        let event =
            serde_json::to_value(publication(&payload, &said).expect("an event").body()).expect("JSON");
        assert_eq!(
            (&event["title"], &event["link"], &event["level"]),
            (&json!("Build 7"), &json!("https://ci.example/7"), &json!("error"))
        );
        let silent = json!({ "content": "@everyone", "allowed_mentions": { "parse": [] } });
        assert_eq!(markdown(&silent).as_deref(), Ok("@\u{200a}room"));
        for nothing in [json!({}), json!([]), json!({ "content": " ", "embeds": [{}, 7] })] {
            assert_eq!(markdown(&nothing).expect_err("nothing").code, Code::TextEmpty);
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_taken_or_rejected(content in text(), embed in json_value(), more in json_value()) {
            let embeds = json!([embed, { "title": content, "fields": [more], "color": more }]);
            let payload = json!({ "content": content, "embeds": embeds, "username": more });
            if let Ok(said) = markdown(&payload) {
                drop(publication(&payload, &said));
            }
        }
    }
}
