//! A form with files (`multipart/form-data`), whose parts are taken as they come: a file is never in memory as a whole.
//! The API's upload and the page for files without a script read it.

use axum::{body::BodyDataStream, http::HeaderMap, http::header};
use multer::{Constraints, Field, Multipart, SizeLimit, parse_boundary};
use tokio::time::timeout;

use super::body::BODY_TIMEOUT;
use crate::{
    protocol::problem::{Code, Rejection},
    server::http::BODY_MAX_BYTES,
};

/// A form that is being read.
pub(crate) struct UploadForm(Multipart<'static>);

impl UploadForm {
    /// Reads a form whose files have at most this size together.
    pub(crate) fn of(headers: &HeaderMap, body: BodyDataStream, max_bytes: u64) -> Result<Self, Rejection> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = parse_boundary(kind)
            .map_err(|_| bad("Send a form with Content-Type: multipart/form-data and its boundary."))?;
        let whole = SizeLimit::new().whole_stream(max_bytes.saturating_add(BODY_MAX_BYTES as u64));
        Ok(Self(Multipart::with_constraints(body, boundary, Constraints::new().size_limit(whole))))
    }

    /// The next field.
    pub(crate) async fn field(&mut self) -> Result<Option<Field<'static>>, Rejection> {
        let read = timeout(BODY_TIMEOUT, self.0.next_field()).await.map_err(|_| too_slow())?;
        read.map_err(|_| not_well_formed())
    }

    /// The next file. Fields before it are passed over.
    pub(crate) async fn file(&mut self) -> Result<Option<Field<'static>>, Rejection> {
        let read = async {
            while let Some(field) = self.0.next_field().await? {
                if field.file_name().is_some() {
                    return Ok(Some(field));
                }
            }
            Ok::<_, multer::Error>(None)
        };
        timeout(BODY_TIMEOUT, read).await.map_err(|_| too_slow())?.map_err(|_| not_well_formed())
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
