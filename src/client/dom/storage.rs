//! Web storage (HTML, section 12): texts by key, in one of two areas. A browser may refuse to store anything; then
//! nothing is found, and what the page shows stays in memory as long as the page. Effects and the connection call it.

use web_sys::Storage;

use super::page;

/// A storage area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// `localStorage`: for all tabs, until it is removed.
    Local,
    /// `sessionStorage`: for this tab, until it is closed.
    Session,
}

fn storage(area: Area) -> Option<Storage> {
    let window = page::window();
    match area {
        Area::Local => window.local_storage().ok()?,
        Area::Session => window.session_storage().ok()?,
    }
}

/// The text under this key.
pub fn get(area: Area, key: &str) -> Option<String> {
    storage(area)?.get_item(key).ok()?
}

/// Stores a text. Does nothing where the browser refuses or has no room.
pub fn set(area: Area, key: &str, text: &str) {
    if let Some(storage) = storage(area) {
        drop(storage.set_item(key, text));
    }
}

/// Removes the text under this key.
pub fn remove(area: Area, key: &str) {
    if let Some(storage) = storage(area) {
        drop(storage.remove_item(key));
    }
}

/// Every item whose key starts with `prefix`: the rest of its key, and its text.
pub fn with_prefix(area: Area, prefix: &str) -> Vec<(String, String)> {
    let Some(storage) = storage(area) else { return Vec::new() };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok()?);
    let keys: Vec<String> = keys.filter(|key| key.starts_with(prefix)).collect();
    let item = |key: String| Some((key[prefix.len()..].to_owned(), storage.get_item(&key).ok()??));
    keys.into_iter().filter_map(item).collect()
}
