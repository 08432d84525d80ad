//! The data of the page that the reader is about to open: requested when the pointer rests on its link, so that they are
//! there when it is pressed. The navigator calls it.
//!
//! Data that are some seconds old lose nothing: they have a cursor, from which the page goes on.

use std::{cell::RefCell, rc::Rc};

use futures_channel::oneshot::{self, Receiver};
use futures_util::future::{FutureExt, LocalBoxFuture};
use leptos::task::spawn_local;

use crate::{
    app::{loader::load_initial_data, page_data::InitialData, routes::Route},
    client::dom::{fetch::LoadError, time::now_ms},
};

/// The age up to which prefetched data are shown: names and people change meanwhile.
const MAX_AGE_MS: i64 = 10_000;

/// The newest request that nobody has used.
#[derive(Clone, Default)]
pub(super) struct Prefetch(Rc<RefCell<Option<Request>>>);

type Loaded = Result<InitialData, LoadError>;

struct Request {
    path: String,
    since_ms: i64,
    data: Receiver<Loaded>,
}

impl Prefetch {
    /// Requests the data of the page at `path`, unless that was done just now.
    pub(super) fn start(&self, path: &str) {
        // A list has a link for each message: a pointer that rests on one is on its way to another mostly.
        let Some(route) =
            Route::parse(path).filter(|route| !matches!(route, Route::Permalink(..) | Route::Thread(..)))
        else {
            return;
        };
        if self.0.borrow().as_ref().is_some_and(|request| request.is_for(path)) {
            return;
        }
        let (sender, data) = oneshot::channel();
        // Nobody may want them in the end.
        spawn_local(async move { drop(sender.send(load_initial_data(&route).await)) });
        *self.0.borrow_mut() = Some(Request { path: path.to_owned(), since_ms: now_ms(), data });
    }

    /// Returns the data of the page at `path`: those that were requested ahead if they came, or new ones. `None`: only the
    /// server draws that page.
    pub(super) fn take(&self, path: &str) -> Option<LocalBoxFuture<'static, Loaded>> {
        let route = Route::parse(path)?;
        let ahead = self.0.take().filter(|request| request.is_for(path));
        let data = async move {
            if let Some(ahead) = ahead
                && let Ok(Ok(data)) = ahead.data.await
            {
                return Ok(data);
            }
            load_initial_data(&route).await
        };
        Some(data.boxed_local())
    }
}

impl Request {
    fn is_for(&self, path: &str) -> bool {
        // The clock may have been set back.
        self.path == path && (0..MAX_AGE_MS).contains(&(now_ms() - self.since_ms))
    }
}
