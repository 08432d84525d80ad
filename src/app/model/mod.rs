//! The state of the pages as plain data, without signals and without a browser: frames and events go in, lists to
//! render come out. So all of it is tested without a page.

pub mod connection;
pub mod control_name;
pub mod direction;
pub mod feed;
pub mod linked_text;
pub mod number;
pub mod room;
pub mod unread;
