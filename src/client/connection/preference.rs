//! Which transports this page may use, and which one worked last in this tab.
//!
//! `?transport=socket|stream|poll` on the address of a page forces one for the tab, `?transport=auto` ends that;
//! otherwise the server's setting stands in the document.

use web_sys::UrlSearchParams;

use crate::{
    client::dom::{
        page,
        storage::{self, Keep},
    },
    protocol::transport::Transport,
};

const FORCED: &str = "idobata.transport";

/// What a connection is for. Each remembers its own transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Chat,
    Feed,
}

impl Purpose {
    fn key(self) -> &'static str {
        match self {
            Self::Chat => "idobata.transport.chat",
            Self::Feed => "idobata.transport.feed",
        }
    }
}

/// The transports to try, best first. The feed needs no socket: it only listens.
pub(crate) fn order(purpose: Purpose) -> Vec<Transport> {
    match (purpose, forced()) {
        (Purpose::Chat, None) => Transport::ALL.to_vec(),
        (Purpose::Feed, None) => vec![Transport::Stream, Transport::Poll],
        (Purpose::Feed, Some(Transport::Socket)) => vec![Transport::Stream],
        (_, Some(transport)) => vec![transport],
    }
}

/// The transport that worked last in this tab.
pub(crate) fn remembered(purpose: Purpose) -> Option<Transport> {
    Transport::parse(&storage::get(Keep::Tab, purpose.key())?)
}

/// Remembers it for the tab's next pages.
pub(crate) fn remember(purpose: Purpose, transport: Transport) {
    storage::set(Keep::Tab, purpose.key(), transport.as_str());
}

fn forced() -> Option<Transport> {
    match UrlSearchParams::new_with_str(&page::query()).ok().and_then(|query| query.get("transport")) {
        Some(asked) if Transport::parse(&asked).is_some() => storage::set(Keep::Tab, FORCED, &asked),
        Some(_) => storage::remove(Keep::Tab, FORCED),
        None => {}
    }
    let asked = storage::get(Keep::Tab, FORCED).or_else(|| page::root_attribute("data-transport"));
    Transport::parse(&asked?)
}
