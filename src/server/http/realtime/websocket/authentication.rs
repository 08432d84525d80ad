//! Authentication of a socket by a token: its first, if the request brought none, and each renewed one. `frames` calls
//! it for the frame `auth`. A socket must never change its user.

use super::connection::{Connection, Holder};
use crate::{
    protocol::problem::{Code, Rejection},
    server::{
        error::Error,
        http::extract::{credentials::without_scheme, user::no_session},
    },
};

impl Connection {
    /// Takes a token: the first one authenticates the socket. A later one of the same user takes its place: from then
    /// on the socket has the new one's rights, for as long as that one lasts.
    pub(super) async fn authenticate(&mut self, token: &str) -> Result<(), Error> {
        let identity = self.state.auth.identify(without_scheme(token)).await?.ok_or_else(no_session)?;
        let known = self.holder.as_ref().map(|holder| &holder.identity.user.id);
        if known.is_some_and(|known| *known != identity.user.id) {
            let message = "A socket cannot change its user; open another one.";
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let session = self.state.auth.open_live_session(&identity).await?.ok_or_else(no_session)?;
        let permit = match self.holder.take() {
            Some(holder) => holder.permit,
            None => Some(self.state.live_connections.connect_person(&identity.user)?),
        };
        self.holder = Some(Holder { identity, session, permit });
        self.leave_closed_rooms();
        Ok(())
    }

    /// A token may let its user into fewer rooms than the one before.
    fn leave_closed_rooms(&mut self) {
        let Some(Holder { identity, .. }) = &self.holder else { return };
        let rights = &self.state.rights;
        for room in self.rooms.leave_closed(|room| !rights.may_enter(room, Some(identity))) {
            let rejection = self.state.rights.eviction_from(&room);
            self.reject(Some(room.as_str().to_owned()), None, rejection);
        }
    }
}
