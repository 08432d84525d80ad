//! Bodies that were compressed on their way (`Content-Encoding`, RFC 9110, 8.4). `body.rs` calls it for every body it
//! reads. What comes out is bounded as what comes in, so that a small body cannot fill the memory.

use std::io::Read;

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::{
    protocol::problem::{Code, Rejection},
    server::http::BODY_MAX_BYTES,
};

/// The body as it was before `Content-Encoding`: gzip and deflate are undone.
///
/// Refuses other codings with [`Code::BadMediaType`], what is larger than [`BODY_MAX_BYTES`] with [`Code::TooLarge`],
/// and what is broken with [`Code::BadRequest`].
pub(crate) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Rejection> {
    let Some(coding) = coding_of(headers)? else { return Ok(body) };
    let decoded = match coding.as_str() {
        "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(&body[..])),
        // Half of all senders leave zlib's head out.
        "deflate" => inflate(ZlibDecoder::new(&body[..])).or_else(|error| match error.code {
            Code::TooLarge => Err(error),
            _ => inflate(DeflateDecoder::new(&body[..])),
        }),
        _ => {
            let message = "This Content-Encoding is not taken; gzip and deflate are, one of them at a time.";
            return Err(Rejection::new(Code::BadMediaType, message));
        }
    };
    decoded.map(Bytes::from)
}

/// The one coding in lower case; `None` for none and `identity`.
fn coding_of(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let lists: Result<Vec<_>, _> =
        headers.get_all(header::CONTENT_ENCODING).iter().map(|list| list.to_str()).collect();
    let lists = lists
        .map_err(|_| Rejection::new(Code::BadRequest, "The header Content-Encoding is not ASCII."))?
        .join(",")
        .to_ascii_lowercase();
    let codings: Vec<&str> =
        lists.split(',').map(str::trim).filter(|coding| !matches!(*coding, "" | "identity")).collect();
    Ok(Some(codings.join(", ")).filter(|coding| !coding.is_empty()))
}

fn inflate(decoder: impl Read) -> Result<Vec<u8>, Rejection> {
    let mut decoded = Vec::new();
    let limit = BODY_MAX_BYTES as u64 + 1;
    decoder.take(limit).read_to_end(&mut decoded).map_err(|_| {
        Rejection::new(Code::BadRequest, "The body cannot be decoded as its Content-Encoding says.")
    })?;
    if decoded.len() > BODY_MAX_BYTES {
        let message = format!("A request body has at most {BODY_MAX_BYTES} bytes when it is decoded.");
        return Err(Rejection::new(Code::TooLarge, message));
    }
    Ok(decoded)
}
