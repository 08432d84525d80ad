//! The JSON in the body of a webhook. The doors of `slack` and `senders` call it.

use axum::{body::Bytes, http::HeaderMap};
use serde_json::Value;

use crate::{
    protocol::{
        members::parse_json,
        problem::{Code, Rejection},
    },
    server::http::extract::{
        body::fields_of,
        charset,
        media_type::{Kind, MediaType},
    },
};

/// Reads a body: JSON, or a form whose field `payload` is JSON. `curl -d` declares a form for both.
pub(super) fn read(headers: &HeaderMap, body: Bytes) -> Result<Value, Rejection> {
    let media_type = MediaType::of(headers)?;
    if media_type.kind == Kind::Multipart {
        let message = "Files and multipart/form-data are not taken here; send JSON.";
        return Err(Rejection::new(Code::BadMediaType, message));
    }
    let json = match media_type.kind == Kind::Form && !begins_as_json(&body) {
        true => {
            let fields = fields_of(headers, body)?;
            let field = fields.into_iter().find(|(name, _)| name == "payload").map(|(_, value)| value);
            field.ok_or_else(|| {
                Rejection::new(Code::BadRequest, "The form has no field payload with the JSON.")
            })?
        }
        false => charset::decode(&body, media_type.charset.as_deref())?,
    };
    parse_json(&json, "payload")
}

/// Returns true if a body begins like JSON, whatever its media type says.
pub(super) fn begins_as_json(body: &[u8]) -> bool {
    matches!(body.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}
