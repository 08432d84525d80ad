//! One namespace of one client, and the task that serves it: it hears what the client says, reads what is new in the
//! topics it follows, and waits while the client is slow. What that means in a namespace is a [`Follower`]'s.

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

/// How long a full buffer is left alone before it is tried again, at first and at most. The engine does not say when
/// there is room. A client that keeps up makes some within a millisecond; for one that does not, the buffer is left
/// to empty a while, because the engine's heartbeat needs a place in it too and ends a client that has none.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// What a namespace does for its client.
pub(super) trait Follower: Send + Sync {
    /// Does what the client says, and answers it.
    fn answer(&mut self, received: Received, outbox: &mut Outbox) -> impl Future<Output = ()> + Send;

    /// Reads one batch of what is new. False: there was nothing.
    fn read(&mut self, outbox: &mut Outbox) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Whether what is of this room may still be sent.
    fn is_open(&self, room: &RoomId) -> bool;
}

/// Why a session ends. There is nothing to repair: the client resumes from its cursor.
#[derive(Debug)]
enum End {
    /// The client is gone, or the server stops, which the engine tells it.
    Gone,
    /// The client is told why, and sent away.
    Refused(Rejection),
}

/// See the module.
pub(super) struct Session {
    stop: CancellationToken,
    gone: CancellationToken,
    admission: LiveSession,
    inbox: Inbox,
    wakeup: Arc<Wakeup>,
}

impl Session {
    /// Collects what the client says from now on; it is served later.
    pub(super) fn open(
        state: &AppState,
        admission: LiveSession,
        socket: &Arc<Socket>,
        wakeup: Arc<Wakeup>,
    ) -> Self {
        let gone = CancellationToken::new();
        let inbox = Inbox::open(socket, gone.clone());
        let stop = state.lifetime.stop.clone();
        Self { stop, gone, admission, inbox, wakeup }
    }

    /// Serves the client until one side ends it. `outbox` has what it is told first.
    pub(super) async fn serve(
        mut self,
        socket: Arc<Socket>,
        mut outbox: Outbox,
        mut follower: impl Follower,
    ) {
        let end = self.run(&socket, &mut outbox, &mut follower).await;
        tracing::debug!(user.id = %self.admission.user_id(), ?end, "a Socket.IO session ended");
        // Leaves the rooms before the farewell: nothing shall come after it.
        drop(follower);
        if let End::Refused(rejection) = end {
            outbox.clear();
            outbox.push(Outgoing::refusal(None, None, rejection));
            drop(timeout(CLOSE_TIMEOUT, self.send_away(&socket, outbox)).await);
        }
    }

    async fn run(&mut self, socket: &Arc<Socket>, outbox: &mut Outbox, follower: &mut impl Follower) -> End {
        let mut has_more = true;
        loop {
            // Until the client has taken this, it is not listened to: what it asks for would only come on top.
            if let Err(end) = self.flush(socket, outbox, follower).await {
                return end;
            }
            tokio::select! {
                biased; // who may not go on says and gets nothing more
                () = self.admission.revoked() => return End::Refused(no_session()),
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
                    tracing::error!(%error, "a Socket.IO session ends because the store failed");
                    return End::Refused(unavailable("The server could not read the log. Connect again."));
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
                () = self.admission.revoked() => return Err(End::Refused(no_session())),
                () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    /// The official client does not come back by itself after this, which is right: it would be refused again.
    async fn send_away(&self, socket: &Arc<Socket>, mut outbox: Outbox) {
        while outbox.flush(socket, |_| true) == Flushed::Full || socket.clone().disconnect().is_err() {
            if self.gone.is_cancelled() {
                return;
            }
            sleep(PAUSE_MIN).await;
        }
    }
}

/// Puts what was done for the client into the outbox, or why it was not.
pub(super) fn tell(outbox: &mut Outbox, ack: Option<i64>, done: Result<serde_json::Value, Error>) {
    match done {
        Ok(answer) => Outgoing::answer(ack, answer).into_iter().for_each(|answer| outbox.push(answer)),
        Err(error) => outbox.push(Outgoing::refusal(ack, None, error.into_rejection())),
    }
}
