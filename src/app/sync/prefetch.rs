//! The data of the page that the reader is about to open: requested when the pointer rests on its link, so that they are
//! there when it is pressed. The navigator calls it.
//!
//! Data that are some seconds old lose nothing: they have a cursor, from which the page goes on.

use std::{cell::RefCell, rc::Rc};

use futures_util::future::{FutureExt, LocalBoxFuture, Shared};
use leptos::task::spawn_local;

use crate::{
    app::{loader::load_initial_data, page_data::InitialData, routes::Route},
    client::dom::time::now_ms,
};

/// The age up to which prefetched data are shown: names and people change meanwhile.
const MAX_AGE_MS: i64 = 10_000;

type Loading = LocalBoxFuture<'static, Option<InitialData>>;

/// The newest request that nobody has used.
#[derive(Clone, Default)]
pub(super) struct Prefetch(Rc<RefCell<Option<Request>>>);

struct Request {
    path: String,
    since_ms: i64,
    data: Shared<Loading>,
}

impl Prefetch {
    /// Requests the data of the page at `path`, unless that was done just now.
    pub(super) fn start(&self, path: &str) {
        if self.recent(path).is_none()
            && let Some(data) = load(path)
        {
            let data = data.shared();
            spawn_local(data.clone().map(drop));
            *self.0.borrow_mut() = Some(Request { path: path.to_owned(), since_ms: now_ms(), data });
        }
    }

    /// Returns the data of the page at `path`: those that were requested ahead if they came, or new ones. `None`: only the
    /// server draws that page.
    pub(super) fn take(&self, path: &str) -> Option<Loading> {
        let (ahead, new) = (self.recent(path), load(path)?);
        self.0.take();
        let Some(ahead) = ahead else { return Some(new) };
        Some(async move { if let Some(data) = ahead.await { Some(data) } else { new.await } }.boxed_local())
    }

    fn recent(&self, path: &str) -> Option<Shared<Loading>> {
        let request = self.0.borrow();
        let age_ms = |request: &Request| now_ms() - request.since_ms;
        // The clock may have been set back.
        let recent = request.as_ref().filter(|request| (0..MAX_AGE_MS).contains(&age_ms(request)));
        recent.filter(|request| request.path == path).map(|request| request.data.clone())
    }
}

/// Requests begin when the future is polled.
fn load(path: &str) -> Option<Loading> {
    let route = Route::parse(path)?;
    Some(async move { load_initial_data(&route).await }.boxed_local())
}
