//! The user's own log, which one socket follows if it asked: follow, and reading for a reader that is not at the head.
//! `frames` and `event_loop` call it. It must never choose whose log it is: the chat takes it from the identity.

use std::sync::Arc;

use crate::{
    protocol::{chat::ServerFrame, cursor::Cursor},
    server::{
        auth::Identity,
        chat::{Chat, FollowedUser, encode_frame, user_reset_frame},
        error::Error,
        http::realtime::catch_up::{Interruption, read_bytes},
        log::{
            frame_writer::FrameWriter, hub::StartFrom, subscription::Subscription, topic::Wakeup,
            wire_format::WireFormat,
        },
        observability::metrics::Metrics,
        store::StoreError,
    },
};

/// The log, if the socket follows it.
#[derive(Default)]
pub(super) struct UserLog(Option<Subscription>);

impl UserLog {
    /// Follows the log; doing it again starts anew from the given position. Returns the frames to send first.
    pub(super) async fn follow(
        &mut self,
        chat: &Chat,
        identity: &Identity,
        after: Option<&str>,
        wakeup: &Arc<Wakeup>,
    ) -> Result<Vec<ServerFrame>, Error> {
        // Nothing of the log may come between now and its `followed`.
        self.detach_live();
        let start = after.map_or(Ok(StartFrom::New), |after| after.parse().map(StartFrom::After))?;
        let FollowedUser { frame, recovered, subscription } =
            chat.follow_user(identity, start, wakeup.clone()).await?;
        let reset = (!recovered).then(|| user_reset_frame(subscription.cursor()));
        self.0 = Some(subscription);
        Ok([Some(frame), reset].into_iter().flatten().collect())
    }

    /// Stops live delivery until the task reads: the answer to a mark comes before the mark.
    pub(super) fn detach_live(&self) {
        if let Some(subscription) = &self.0 {
            subscription.detach_live();
        }
    }

    /// Follows it no more.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Writes one batch, or attaches live delivery. Returns true if there may be more.
    pub(super) async fn deliver(
        &mut self,
        metrics: &Metrics,
        frame_writer: &Arc<FrameWriter>,
    ) -> Result<bool, StoreError> {
        let Some(subscription) = &mut self.0 else { return Ok(false) };
        let reset = |_: &Subscription, cursor: &Cursor| encode_frame(&user_reset_frame(cursor.clone()));
        match read_bytes(subscription, WireFormat::WebSocket, metrics, |_| None, reset).await {
            Ok(Some(frames)) => {
                frame_writer.write(&frames);
                Ok(true)
            }
            Ok(None) => {
                subscription.attach_live(frame_writer);
                Ok(false)
            }
            // Nobody is evicted from their own log.
            Err(Interruption::Evicted) => {
                self.clear();
                Ok(false)
            }
            Err(Interruption::Failed(error)) => Err(error),
        }
    }
}
