//! Converts PostgreSQL's errors into those of a store: one line each, without any part of the address.

use std::io;

use deadpool_postgres::tokio_postgres::{
    self,
    error::{DbError, SqlState},
};
use rustls::CertificateError;

use crate::server::store::StoreError;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) if is_about_storage(said) => Self::NotWritable(describe(&error)),
            Some(_) => Self::Postgres(describe(&error)),
            None => Self::Unreachable(describe(&error)),
        }
    }
}

/// Returns true if the cause is not the statement but the disk, or a setting that forbids all writes.
fn is_about_storage(said: &DbError) -> bool {
    [SqlState::DISK_FULL, SqlState::IO_ERROR, SqlState::READ_ONLY_SQL_TRANSACTION].contains(said.code())
}

/// The error in one line, with PostgreSQL's own message, which the crate's text leaves out.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) if is_unknown_issuer(source) => format!(
            "none of the authorities that are believed signed its certificate; name the file with the right one's \
             by --database-ca ({source})"
        ),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Returns true if TLS failed because no trusted authority signed the server's certificate.
fn is_unknown_issuer(source: &(dyn std::error::Error + 'static)) -> bool {
    let cause = source.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let refusal = cause.and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(fault)) = refusal else { return false };
    // A bad signature comes from an authority with the same name and another key.
    matches!(fault, CertificateError::UnknownIssuer | CertificateError::BadSignature)
}
