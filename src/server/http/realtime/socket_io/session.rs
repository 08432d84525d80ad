//! One namespace of one client, and the task that serves it: it takes the client's events, reads new entries of the
//! topics that the client follows, and waits while the client is slow. `connect` starts it; a [`Follower`] is the
//! namespace. It must never read while the outbox holds a packet.

use std::{sync::Arc, time::Duration};

use socketioxide::socket::Socket;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    CLOSE_TIMEOUT,
    inbox::{Inbox, Received},
    outbox::{Flushed, Outbox, Outgoing},
};
use crate::{
    protocol::{name::RoomId, problem::Rejection},
    server::{
        auth::LiveSession,
        error::{Error, unavailable},
        http::extract::user::no_session,
        log::topic::Wakeup,
        state::AppState,
        store::StoreError,
    },
};

/// The pause before a full buffer is tried again, at first and at most. The engine does not tell when there is room. A
/// client that keeps up makes some within a millisecond; for one that does not, the buffer is left to empty a while,
/// because the engine's heartbeat needs a slot in it too and ends a client that has none.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// A namespace: its actions and its topics.
pub(super) trait Follower: Send + Sync {
    /// Acts on an event of the client, and answers it.
    fn answer(&mut self, received: Received, outbox: &mut Outbox) -> impl Future<Output = ()> + Send;

    /// Reads one batch of new entries. Returns false if there was nothing.
    fn read(&mut self, outbox: &mut Outbox) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Returns true if packets of this room may still be sent.
    fn is_open(&self, room: &RoomId) -> bool;
}

/// The reason for a session's end. There is nothing to repair: the client resumes from its cursor.
#[derive(Debug)]
enum End {
    /// The client is gone, or the server stops, which the engine tells it.
    Gone,
    /// The client gets this rejection, and is disconnected.
    Rejected(Rejection),
}

/// The session of one client in one namespace.
pub(super) struct Session {
    stop: CancellationToken,
    gone: CancellationToken,
    live_session: LiveSession,
    inbox: Inbox,
    wakeup: Arc<Wakeup>,
}

impl Session {
    /// Collects the client's events from now on; they are served later.
    pub(super) fn open(
        state: &AppState,
        live_session: LiveSession,
        socket: &Arc<Socket>,
        wakeup: Arc<Wakeup>,
    ) -> Self {
        let gone = CancellationToken::new();
        let inbox = Inbox::open(socket, gone.clone());
        let stop = state.lifetime.stop.clone();
        Self { stop, gone, live_session, inbox, wakeup }
    }

    /// Serves the client until one side ends it. `outbox` has the first packets.
    pub(super) async fn serve(
        mut self,
        socket: Arc<Socket>,
        mut outbox: Outbox,
        mut follower: impl Follower,
    ) {
        let end = self.run(&socket, &mut outbox, &mut follower).await;
        tracing::debug!(user.id = %self.live_session.user_id(), ?end, "a Socket.IO session ended");
        // Leaves the rooms before the last packet: nothing may come after it.
        drop(follower);
        if let End::Rejected(rejection) = end {
            outbox.clear();
            outbox.push(Outgoing::rejection(None, None, rejection));
            drop(timeout(CLOSE_TIMEOUT, self.disconnect(&socket, outbox)).await);
        }
    }

    async fn run(&mut self, socket: &Arc<Socket>, outbox: &mut Outbox, follower: &mut impl Follower) -> End {
        let mut has_more = true;
        loop {
            // Until the client has taken this, it is not listened to: each answer would only come on top.
            if let Err(end) = self.flush(socket, outbox, follower).await {
                return end;
            }
            tokio::select! {
                biased; // a revoked user neither sends nor gets anything more
                () = self.live_session.revoked() => return End::Rejected(no_session()),
                () = self.stop.cancelled() => return End::Gone,
                () = self.gone.cancelled() => return End::Gone,
                received = self.inbox.next() => {
                    follower.answer(received, outbox).await;
                    continue;
                }
                () = async {}, if has_more => {}
                () = self.wakeup.notified() => {}
            }
            match follower.read(outbox).await {
                Ok(read) => has_more = read,
                Err(error) => {
                    tracing::error!(%error, "closing a Socket.IO session: the store failed");
                    return End::Rejected(unavailable("The server could not read the log. Connect again."));
                }
            }
        }
    }

    /// Returns when the engine has taken everything.
    async fn flush(
        &self,
        socket: &Arc<Socket>,
        outbox: &mut Outbox,
        follower: &impl Follower,
    ) -> Result<(), End> {
        let mut pause = PAUSE_MIN;
        loop {
            match outbox.flush(socket, |room| follower.is_open(room)) {
                Flushed::All => return Ok(()),
                Flushed::Closed => return Err(End::Gone),
                Flushed::Full => {}
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(End::Gone),
                () = self.gone.cancelled() => return Err(End::Gone),
                () = self.live_session.revoked() => return Err(End::Rejected(no_session())),
                () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    /// Sends the last packets and ends the namespace. The official client does not come back by itself after this,
    /// which is right: it would be rejected again.
    async fn disconnect(&self, socket: &Arc<Socket>, mut outbox: Outbox) {
        while outbox.flush(socket, |_| true) == Flushed::Full || socket.clone().disconnect().is_err() {
            if self.gone.is_cancelled() {
                return;
            }
            sleep(PAUSE_MIN).await;
        }
    }
}

/// Puts the answer to an event into the outbox, or its rejection.
pub(super) fn tell(outbox: &mut Outbox, ack: Option<i64>, done: Result<serde_json::Value, Error>) {
    match done {
        Ok(answer) => Outgoing::answer(ack, answer).into_iter().for_each(|answer| outbox.push(answer)),
        Err(error) => outbox.push(Outgoing::rejection(ack, None, error.into_rejection())),
    }
}
