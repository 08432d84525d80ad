//! What the pages show, as plain data: no signals, no browser. Frames and events go in, lists to render come out,
//! so all of it is tested without a page.

pub mod connection;
pub mod feed;
pub mod linked_text;
pub mod number;
pub mod room;
