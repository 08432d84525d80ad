//! The search: what people ask for (`query`), and what they may see of what is found (`finding`). The route and the page call
//! it; `indexing` runs beside the server.
//!
//! A hit is shown to who may read it now, and to nobody else: the index is asked for the rooms and channels of the person only,
//! so not even an empty page tells of what others say, and each hit is checked once more when it was read.

mod dates;
mod finding;
pub mod indexing;
mod misread;
pub mod query;
mod snippet;

pub use self::{
    finding::{Found, FoundPage, Order, Searching, Wanted, narrowed},
    misread::Misread,
    query::{Asker, QUERY_MAX_CHARACTERS, Query},
    snippet::Part,
};
