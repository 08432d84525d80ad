//! The browser's own interfaces, one concern a file: fetch, storage, time, history, the window. `connection`, `transports` and
//! the app's effects call them; nothing here may be called while a page is rendered.

pub mod characters;
pub mod fetch;
pub mod history;
pub mod page;
pub mod scroll_anchor;
pub mod storage;
pub mod time;
