//! Fields of `multipart/form-data`, as `curl -F text=…` sends them. `read.rs` calls it.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use futures_util::{FutureExt, stream};
use multer::{Field, Multipart, parse_boundary};

use crate::{
    protocol::problem::{Code, Rejection},
    server::http::extract::{charset, media_type::MediaType},
};

/// Maximum number of fields: several times those that are known.
const FIELDS_MAX: usize = 64;

/// Returns the names and values of the fields. Errors: [`Code::BadRequest`] for files and for a malformed body.
pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Vec<(String, String)>, Rejection> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary =
        parse_boundary(kind).map_err(|_| bad("The Content-Type of the multipart body has no boundary."))?;
    let whole = stream::once(std::future::ready(Ok::<_, Infallible>(body.clone())));
    // The body is here already, so there is nothing to wait for.
    fields(Multipart::new(whole, boundary)).now_or_never().unwrap_or_else(|| Err(broken()))
}

async fn fields(mut multipart: Multipart<'_>) -> Result<Vec<(String, String)>, Rejection> {
    let mut fields = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|_| broken())? {
        if fields.len() == FIELDS_MAX {
            return Err(bad(&format!("The multipart body has more than {FIELDS_MAX} fields.")));
        }
        fields.push(read_field(field).await?);
    }
    Ok(fields)
}

async fn read_field(field: Field<'_>) -> Result<(String, String), Rejection> {
    let name = field.name().unwrap_or_default().to_owned();
    if field.file_name().is_some() {
        return Err(bad("The multipart body contains a file; only text fields are supported."));
    }
    let kind = field.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let label = kind.and_then(|kind| MediaType::parse(kind).charset);
    let value = field.bytes().await.map_err(|_| broken())?;
    Ok((name, charset::decode(&value, label.as_deref())?))
}

fn broken() -> Rejection {
    bad("The multipart body is not well formed.")
}

fn bad(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}
