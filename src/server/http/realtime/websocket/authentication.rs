//! Whose a socket is: said by its first frame, if its request did not, and said again when a token is renewed.

use tokio::time::{Instant, timeout_at};

use super::{
    AUTH_TIMEOUT, close,
    connection::{Connection, End, Holder, hear},
};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        error::Error,
        http::{
            extract::{credentials::without_scheme, user::no_session},
            realtime::catch_up::not_a_member,
        },
    },
};

/// Frames of who is nobody yet: a client needs one, and whoever guesses needs more than these.
const FRAMES_MAX: usize = 32;

impl Connection {
    /// Waits for the frame that says whose socket it is. All others are refused until then.
    pub(super) async fn authenticate_first_frame(&mut self) -> Result<(), End> {
        let (stop, deadline) = (self.state.lifetime.stop.clone(), Instant::now() + AUTH_TIMEOUT);
        for _ in 0..FRAMES_MAX {
            let heard = tokio::select! {
                () = stop.cancelled() => return Err(End::Close(close::GOING_AWAY)),
                heard = timeout_at(deadline, hear(&mut self.frame_reader, &self.frame_writer)) => heard,
            };
            match heard {
                Ok(message) => self.on_message(message?).await?,
                Err(_) => return Err(End::Close(close::NO_SESSION)),
            }
            if self.holder.is_some() {
                return Ok(());
            }
            if self.frame_writer.is_full() {
                // Who says much and takes no answer is not about to sign in.
                break;
            }
        }
        Err(End::Close(close::NO_SESSION))
    }

    /// Takes a token: the first says whose socket it is. A later one of the same person takes its place, with what it
    /// lets them do from then on and for as long as it lasts.
    pub(super) async fn authenticate(&mut self, token: &str) -> Result<(), Error> {
        let identity = self.state.auth.identify(without_scheme(token)).await?.ok_or_else(no_session)?;
        let known = self.holder.as_ref().map(|holder| &holder.identity.user.id);
        if known.is_some_and(|known| *known != identity.user.id) {
            let message = "A socket stays with whom it was opened for; open another one.";
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let admission = self.state.auth.admit(&identity).await?.ok_or_else(no_session)?;
        let place = match self.holder.take() {
            Some(holder) => holder.place,
            None => Some(self.state.limits.connect_person(&identity.user)?),
        };
        self.holder = Some(Holder { identity, admission, place });
        self.leave_what_is_closed();
        Ok(())
    }

    /// A token may let its holder into fewer rooms than the one before.
    fn leave_what_is_closed(&mut self) {
        let Some(Holder { identity, .. }) = &self.holder else { return };
        let rights = &self.state.rights;
        let rooms = self.rooms.iter().map(|following| following.room().clone());
        let closed: Vec<_> = rooms.filter(|room| !rights.may_enter(room, Some(identity))).collect();
        for room in closed {
            self.lose(&room, not_a_member());
        }
    }
}
