//! A form with files (`multipart/form-data`), whose parts are taken as they come: a file is never in memory as a whole.
//! The API's upload and the page for files without a script read it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{body::BodyDataStream, http::HeaderMap, http::header};
use futures_util::StreamExt;
use multer::{Constraints, Field, Multipart, SizeLimit, parse_boundary};
use tokio::time::timeout;

use super::body::BODY_TIMEOUT;
use crate::{
    protocol::problem::{Code, Rejection},
    server::http::BODY_MAX_BYTES,
};

/// Most bytes from one field to the next: boundaries and heads, which the parser holds in memory, what it has read ahead,
/// and the rest of a field that is passed over.
const BETWEEN_MAX_BYTES: u64 = 256 * 1024;

/// A form that is being read.
pub(crate) struct UploadForm {
    form: Multipart<'static>,
    /// Bytes that may come before the next field is there.
    left: Arc<AtomicU64>,
}

impl UploadForm {
    /// Reads a form whose files have at most this size together.
    pub(crate) fn of(headers: &HeaderMap, body: BodyDataStream, max_bytes: u64) -> Result<Self, Rejection> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = parse_boundary(kind)
            .map_err(|_| bad("Send a form with Content-Type: multipart/form-data and its boundary."))?;
        let left = Arc::new(AtomicU64::new(BETWEEN_MAX_BYTES));
        let counted = left.clone();
        let body = body.map(move |bytes| {
            let bytes = bytes.map_err(io::Error::other)?;
            let count = bytes.len() as u64;
            match counted.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(count)) {
                Ok(_) => Ok(bytes),
                Err(_) => Err(io::Error::other("a head of the form is too long")),
            }
        });
        let whole = SizeLimit::new().whole_stream(max_bytes.saturating_add(BODY_MAX_BYTES as u64));
        let form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(whole));
        Ok(Self { form, left })
    }

    /// The next field.
    pub(crate) async fn field(&mut self) -> Result<Option<Field<'static>>, Rejection> {
        let read = timeout(BODY_TIMEOUT, self.next()).await.map_err(|_| too_slow())?;
        read.map_err(|_| not_well_formed())
    }

    /// The next file. Fields before it are passed over.
    pub(crate) async fn file(&mut self) -> Result<Option<Field<'static>>, Rejection> {
        let read = async {
            while let Some(field) = self.next().await? {
                if field.file_name().is_some() {
                    return Ok(Some(field));
                }
            }
            Ok::<_, multer::Error>(None)
        };
        timeout(BODY_TIMEOUT, read).await.map_err(|_| too_slow())?.map_err(|_| not_well_formed())
    }
}

impl UploadForm {
    async fn next(&mut self) -> Result<Option<Field<'static>>, multer::Error> {
        self.left.store(BETWEEN_MAX_BYTES, Relaxed);
        let field = self.form.next_field().await;
        // The bytes that follow are the field's, which has limits of its own.
        self.left.store(u64::MAX, Relaxed);
        field
    }
}

/// The text of a field. One that is not UTF-8, or longer than a body may be, is rejected.
pub(crate) async fn text_of(mut field: Field<'static>) -> Result<String, Rejection> {
    let read = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|_| not_well_formed())? {
            if bytes.len() + chunk.len() > BODY_MAX_BYTES {
                let message = format!("A field of a form has at most {BODY_MAX_BYTES} bytes.");
                return Err(Rejection::new(Code::TooLarge, message));
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| bad("A field of the form is not UTF-8."))
    };
    timeout(BODY_TIMEOUT, read).await.map_err(|_| too_slow())?
}

fn too_slow() -> Rejection {
    bad("The form took too long.")
}

fn not_well_formed() -> Rejection {
    bad("The multipart body is not well formed, or too large.")
}

fn bad(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}
