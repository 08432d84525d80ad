//! Decompression of request bodies (`Content-Encoding`, RFC 9110, 8.4). `body.rs` calls it for every body that it
//! reads. The decoded size has the same limit as the encoded one, so that a small body cannot fill the memory.

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

/// Undoes the body's `Content-Encoding`: gzip or deflate.
///
/// Errors: [`Code::BadMediaType`] for other codings, [`Code::TooLarge`] for more than [`BODY_MAX_BYTES`] decoded bytes,
/// [`Code::BadRequest`] for broken data.
pub(crate) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Rejection> {
    decode_within(headers, body, BODY_MAX_BYTES)
}

/// The same for a body with a limit of its own.
pub(super) fn decode_within(headers: &HeaderMap, body: Bytes, max_bytes: usize) -> Result<Bytes, Rejection> {
    let Some(coding) = coding_of(headers)? else { return Ok(body) };
    let decoded = match coding.as_str() {
        "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(&body[..]), max_bytes),
        // Half of all senders leave the zlib header out.
        "deflate" => inflate(ZlibDecoder::new(&body[..]), max_bytes).or_else(|error| match error.code {
            Code::TooLarge => Err(error),
            _ => inflate(DeflateDecoder::new(&body[..]), max_bytes),
        }),
        _ => {
            let message = "This Content-Encoding is not supported; use gzip or deflate, one at a time.";
            return Err(Rejection::new(Code::BadMediaType, message));
        }
    };
    decoded.map(Bytes::from)
}

/// Returns the coding in lower case; `None` for none and `identity`. Several are joined, which [`decode`] rejects.
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

fn inflate(decoder: impl Read, max_bytes: usize) -> Result<Vec<u8>, Rejection> {
    let mut decoded = Vec::new();
    let limit = max_bytes as u64 + 1;
    decoder.take(limit).read_to_end(&mut decoded).map_err(|_| {
        Rejection::new(Code::BadRequest, "The body could not be decoded by its Content-Encoding.")
    })?;
    if decoded.len() > max_bytes {
        let message = format!("A request body has at most {max_bytes} bytes when it is decoded.");
        return Err(Rejection::new(Code::TooLarge, message));
    }
    Ok(decoded)
}
