//! Extractors: the parts of a request that handlers take as arguments, such as the body, the query, cookies,
//! credentials, the user and the client's address. Each rejects with a problem of its own and knows no resource.

pub(crate) mod actor;
pub(crate) mod administrator;
pub(crate) mod body;
pub(crate) mod body_coding;
pub(crate) mod charset;
pub(crate) mod client_address;
pub(crate) mod cookies;
pub(crate) mod credentials;
pub(crate) mod media_type;
pub(crate) mod part;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod upload_form;
pub(crate) mod user;
pub(crate) mod writer;
