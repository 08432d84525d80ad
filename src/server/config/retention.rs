//! How long logs are kept. `log::retention` hands it to the store.

/// How long a log is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest so many entries.
    pub entries: u64,
    /// Not older than this, in milliseconds.
    pub age_ms: i64,
    /// How long the client id of an entry that was removed is remembered, in milliseconds from its appending.
    pub client_id_age_ms: i64,
}
