//! The CONNECT to a namespace: authentication, and the session that serves the client. `mod.rs` mounts it in the
//! engine. It must never serve a client before the engine has answered the CONNECT.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use socketioxide::{SocketIo, extract::TryData, handler::ConnectHandler, socket::Socket};

use super::{
    connection_context::{ConnectionContext, error_message},
    feed::Feed,
    inbox::Handle,
    outbox::Outbox,
    rooms::Rooms,
    session::{Follower, Session},
};
use crate::{
    protocol::socket_io::{FEED_NAMESPACE, FollowFeed, token},
    server::{
        auth::{Identity, LiveSession},
        error::Error,
        http::extract::user::no_session,
        log::topic::Wakeup,
        state::AppState,
    },
};

/// Opens the namespaces.
pub(super) fn mount(io: &SocketIo, state: &AppState) {
    let state_of_rooms = state.clone();
    let enter_rooms = move |Handle(socket): Handle, TryData(auth): TryData<Value>| {
        let state = state_of_rooms.clone();
        async move { enter_rooms(&state, &socket, auth.unwrap_or_default()).await.map_err(error_message) }
    };
    let state_of_feed = state.clone();
    let enter_feed = move |Handle(socket): Handle, TryData(auth): TryData<Value>| {
        let state = state_of_feed.clone();
        async move { enter_feed(&state, &socket, auth.unwrap_or_default()).await.map_err(error_message) }
    };
    io.ns("/", start.with(enter_rooms));
    io.ns(FEED_NAMESPACE, start.with(enter_feed));
}

/// A session that a CONNECT has prepared, to be started when the client has its answer: the client's next event may be
/// here before, and has to find its inbox.
#[derive(Clone)]
struct Prepared(Arc<Mutex<Option<StartSession>>>);

type StartSession = Box<dyn FnOnce(Arc<Socket>) + Send>;

async fn enter_rooms(state: &AppState, socket: &Arc<Socket>, auth: Value) -> Result<(), Error> {
    let (identity, session) = identify(state, socket, &auth).await?;
    let wakeup = Arc::new(Wakeup::default());
    let rooms = Rooms::new(state, identity, wakeup.clone());
    prepare(state, socket, session, wakeup, rooms, Outbox::default());
    Ok(())
}

async fn enter_feed(state: &AppState, socket: &Arc<Socket>, auth: Value) -> Result<(), Error> {
    let (identity, session) = identify(state, socket, &auth).await?;
    let wakeup = Arc::new(Wakeup::default());
    let (feed, outbox) = Feed::follow(state, identity, FollowFeed::parse(auth)?, wakeup.clone()).await?;
    prepare(state, socket, session, wakeup, feed, outbox);
    Ok(())
}

/// The user of a CONNECT, and their live session.
async fn identify(state: &AppState, socket: &Socket, auth: &Value) -> Result<(Identity, LiveSession), Error> {
    let context = ConnectionContext::of(socket.req_parts()).expect("a connection is opened with a context");
    let identity = context.enter(state, token(auth)?).await?;
    let session = state.auth.open_live_session(&identity).await?.ok_or_else(no_session)?;
    Ok((identity, session))
}

fn prepare(
    state: &AppState,
    socket: &Arc<Socket>,
    live_session: LiveSession,
    wakeup: Arc<Wakeup>,
    follower: impl Follower + 'static,
    outbox: Outbox,
) {
    let session = Session::open(state, live_session, socket, wakeup);
    let live = state.lifetime.live.clone();
    let start: StartSession =
        Box::new(move |socket| drop(live.spawn(session.serve(socket, outbox, follower))));
    socket.extensions.insert(Prepared(Arc::new(Mutex::new(Some(start)))));
}

async fn start(Handle(socket): Handle) {
    let prepared = socket.extensions.remove::<Prepared>();
    let start = prepared.and_then(|Prepared(start)| start.lock().take());
    if let Some(start) = start {
        start(socket);
    }
}
