//! What the browser keeps: over a reload (`local`), and for one tab (`tab`). A browser may refuse to keep anything;
//! then nothing is found, and what is shown stays in memory as long as the page.

use web_sys::Storage;

use super::page;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For all tabs, until it is removed.
    Local,
    /// For this tab, until it is closed.
    Tab,
}

fn storage(keep: Keep) -> Option<Storage> {
    let window = page::window();
    match keep {
        Keep::Local => window.local_storage().ok()?,
        Keep::Tab => window.session_storage().ok()?,
    }
}

/// What is kept under this key.
pub fn get(keep: Keep, key: &str) -> Option<String> {
    storage(keep)?.get_item(key).ok()?
}

/// Keeps a text. Does nothing where the browser refuses or has no room.
pub fn set(keep: Keep, key: &str, text: &str) {
    if let Some(storage) = storage(keep) {
        drop(storage.set_item(key, text));
    }
}

/// Forgets it.
pub fn remove(keep: Keep, key: &str) {
    if let Some(storage) = storage(keep) {
        drop(storage.remove_item(key));
    }
}

/// Everything whose key starts so: the rest of the key, and the text.
pub fn with_prefix(keep: Keep, prefix: &str) -> Vec<(String, String)> {
    let Some(storage) = storage(keep) else { return Vec::new() };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok()?);
    let keys: Vec<String> = keys.filter(|key| key.starts_with(prefix)).collect();
    let entry = |key: String| Some((key[prefix.len()..].to_owned(), storage.get_item(&key).ok()??));
    keys.into_iter().filter_map(entry).collect()
}
