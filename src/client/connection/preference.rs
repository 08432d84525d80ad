//! The transports that this page may use, and the one that worked last in this tab. The connection calls it.
//!
//! `?transport=socket|stream|poll` on the address of a page forces one for the tab, `?transport=auto` ends that;
//! otherwise the server's setting in the document counts.

use web_sys::UrlSearchParams;

use crate::{
    client::dom::{
        page,
        storage::{self, Area},
    },
    protocol::transport::Transport,
};

const FORCED: &str = "idobata.transport";

/// The purpose of a connection. Each remembers its own transport.
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

/// The transports to try, best first. The feed needs no socket: it only reads.
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
    Transport::parse(&storage::get(Area::Session, purpose.key())?)
}

/// Remembers the transport for the tab's next pages.
pub(crate) fn remember(purpose: Purpose, transport: Transport) {
    storage::set(Area::Session, purpose.key(), transport.as_str());
}

fn forced() -> Option<Transport> {
    match UrlSearchParams::new_with_str(&page::query()).ok().and_then(|query| query.get("transport")) {
        Some(wanted) if Transport::parse(&wanted).is_some() => storage::set(Area::Session, FORCED, &wanted),
        Some(_) => storage::remove(Area::Session, FORCED),
        None => {}
    }
    let wanted = storage::get(Area::Session, FORCED).or_else(|| page::root_attribute("data-transport"));
    Transport::parse(&wanted?)
}
