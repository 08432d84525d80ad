//! The body of a webhook of Slack or Mattermost, and what it says. The handler calls it.
//!
//! It is read leniently: a member of an unexpected type counts as absent, and unknown ones are ignored, because senders write
//! for servers that do so. Only a body that says nothing is rejected.

use axum::{body::Bytes, http::HeaderMap};
use serde_json::{Map, Value, json};

use super::{attachments, blocks, mrkdwn};
use crate::{
    protocol::{
        problem::{Code, Rejection},
        publication::{Publication, TITLE_MAX_CHARACTERS},
    },
    server::http::compat::{
        bounds::{cut, is_address, within_message},
        json_body,
    },
};

/// A payload.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Payload(Value);

impl Payload {
    /// Reads a body.
    pub(super) fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Rejection> {
        match json_body::read(headers, body)? {
            Value::Object(members) => Ok(Self(in_any_case(members))),
            _ => Err(Rejection::new(Code::BadRequest, "The payload has to be a JSON object.")),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str().filter(|text| !text.trim().is_empty())
    }

    /// The name of the author.
    pub(super) fn name(&self) -> Option<String> {
        self.text("username").map(str::to_owned)
    }

    /// The channel that it names, without its sign.
    pub(super) fn channel(&self) -> Option<&str> {
        self.text("channel").map(|channel| channel.trim_start_matches('#'))
    }

    /// The text that its messages of one thread have in common: `thread_ts` of Slack, `threadKey` of Google Chat.
    pub(super) fn thread_key(&self) -> Option<String> {
        let named = self.text("thread_ts").or_else(|| self.text("threadKey"));
        named.or_else(|| self.0["thread"]["threadKey"].as_str()).map(str::to_owned)
    }

    /// All that it says, as the Markdown of messages. Blocks stand for `text`, which only repeats them for notifications.
    pub(super) fn markdown(&self) -> Result<String, Rejection> {
        let attached = attachments::text_of(&self.0["attachments"]);
        let said = match blocks::text_of(&self.0["blocks"]) {
            text if text.is_empty() => self.plain_text(),
            text => text,
        };
        let text = blocks::paragraphs([said, attached].into_iter());
        match text.trim().is_empty() {
            true => {
                Err(Rejection::new(Code::TextEmpty, "The payload has no text, no blocks and no attachments."))
            }
            false => Ok(within_message(text)),
        }
    }

    fn plain_text(&self) -> String {
        let text = self.0["text"].as_str().unwrap_or_default();
        if self.0["mrkdwn"] == false { mrkdwn::decoded(text) } else { mrkdwn::markdown_of(text) }
    }

    /// The same as an event of the feed.
    pub(super) fn publication(&self) -> Result<Publication, Rejection> {
        let (attached, header) = (&self.0["attachments"], blocks::header_of(&self.0["blocks"]));
        let (title, link) = match attachments::title_of(attached) {
            Some((title, link)) if header.is_none() => (Some(title), link),
            other => (header.or_else(|| self.name()), other.and_then(|(_, link)| link)),
        };
        let title = title.map(|title| cut(&title, TITLE_MAX_CHARACTERS, "…"));
        // A link that is none takes nothing of the rest with it.
        let link = link.filter(|link| is_address(link));
        let level = attachments::level_of(attached);
        let event = json!({ "title": title, "text": self.markdown()?, "level": level, "link": link });
        Publication::from_json(event).map(|(publication, _)| publication)
    }
}

/// The members, and those that are written in another case as they should be.
fn in_any_case(members: Map<String, Value>) -> Value {
    let mut all = members.clone();
    for (name, value) in members {
        all.entry(name.to_ascii_lowercase()).or_insert(value);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_TYPE;
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::text::{MESSAGE_MAX_CHARACTERS, TEXT_MAX_BYTES, count_characters};

    fn read(content_type: &'static str, body: &str) -> Result<Payload, Rejection> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().expect("a header"));
        Payload::read(&headers, Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn a_payload_is_json_or_a_field_of_a_form() {
        let hello = r#"{"text":"hello"}"#;
        for (content_type, body) in [
            ("application/json", hello),
            ("text/plain", hello),
            ("application/x-www-form-urlencoded", hello),
            ("application/x-www-form-urlencoded", "payload=%7B%22text%22%3A%22hello%22%7D"),
        ] {
            let payload = read(content_type, body).expect(body);
            assert_eq!(payload.markdown().expect("a text"), "hello", "{content_type}");
        }
        for (content_type, body) in [
            ("application/json", ""),
            ("application/json", "[1]"),
            ("application/json", "{"),
            ("application/x-www-form-urlencoded", "text=hello"),
            ("application/x-www-form-urlencoded", "payload=hello"),
        ] {
            read(content_type, body).expect_err(body);
        }
    }

    #[test]
    fn blocks_stand_for_the_text_and_attachments_come_after_it() {
        let said = |value: Value| Payload(value).markdown().map_err(|rejection| rejection.code);
        let section = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "shown" } }]);
        assert_eq!(said(json!({ "text": "repeated", "blocks": section })), Ok("shown".to_owned()));
        assert_eq!(
            said(json!({ "text": "*a*", "attachments": [{ "text": "b" }] })),
            Ok("**a**\n\n> b".to_owned())
        );
        assert_eq!(said(json!({ "text": "*a* &lt;", "mrkdwn": false })), Ok("*a* <".to_owned()));
        for nothing in
            [json!({}), json!({ "text": " \n" }), json!({ "text": 7, "blocks": "x", "attachments": {} })]
        {
            assert_eq!(said(nothing), Err(Code::TextEmpty));
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_says_so() {
        let text = Payload(json!({ "text": "井".repeat(5_000) })).markdown().expect("a text");
        assert!(text.ends_with("\n\n[…]") && count_characters(&text) <= MESSAGE_MAX_CHARACTERS);
        let marks = format!("a{}", "\u{301}".repeat(40_000));
        assert!(Payload(json!({ "text": marks })).markdown().expect("a text").len() <= TEXT_MAX_BYTES);
    }

    #[test]
    fn an_event_has_the_title_the_link_and_the_level_of_an_attachment() {
        let attachment = json!({ "title": "Build 7", "title_link": "https://ci.example/7", "text": "failed", "color": "danger" });
        let payload = json!({ "attachments": [attachment] });
        let body =
            serde_json::to_value(Payload(payload).publication().expect("an event").body()).expect("JSON");
        assert_eq!((&body["title"], &body["link"]), (&json!("Build 7"), &json!("https://ci.example/7")));
        assert_eq!(body["level"], json!("error"));
        let odd =
            json!({ "text": "x", "attachments": [{ "title": "y", "title_link": "javascript:alert(1)" }] });
        assert!(Payload(odd).publication().is_ok(), "without its link");
    }

    mod properties {
        use super::*;
        use crate::protocol::properties::{json_value, text};

        proptest! {
            #[test]
            fn any_payload_is_taken_or_rejected(text in text(), blocks in json_value(), attachments in json_value(), form in any::<bool>()) {
                let body = json!({ "text": text, "blocks": [blocks], "attachments": [attachments] }).to_string();
                let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
                let payload = read(content_type, &body).expect("an object");
                drop((payload.markdown(), payload.publication()));
            }

            #[test]
            fn any_text_as_a_body_is_read_or_rejected(body in text(), form in any::<bool>()) {
                drop(read(if form { "application/x-www-form-urlencoded" } else { "application/json" }, &body));
            }
        }
    }
}
