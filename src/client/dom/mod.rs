//! The browser's own interfaces, one concern a file: requests, storage, time, history, the window. `connection`,
//! `transports` and the app's effects call them. Code that renders must not.

pub mod characters;
pub mod fetch;
pub mod history;
pub mod page;
pub mod popover;
pub mod scroll_anchor;
pub mod storage;
pub mod time;
