//! The search: what people ask for (`query`), and what they may see of what is found. The route and the page call it.

mod dates;
pub mod query;

pub use self::query::{Asker, Query};
