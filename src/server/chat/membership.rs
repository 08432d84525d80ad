//! The members of private rooms: who is let in and who is taken out hears it on every page that is open. The routes and pages
//! call it by [`Chat`]; `authz` holds the members and says who may change them.

use super::Chat;
use crate::{
    protocol::{name::RoomId, session::User},
    server::{auth::Identity, error::Error},
};

impl Chat {
    /// Adds a member, at the request `by` the room's owner. Their list of rooms has one more.
    pub async fn add_member(&self, room: &RoomId, by: &Identity, user: &User) -> Result<(), Error> {
        self.rights.add_member(room, by, user).await?;
        self.activity.note_list(Some(&user.id));
        Ok(())
    }

    /// Removes a member, at the request `by` the room's owner or the member. Pages of theirs that show other rooms are told
    /// that their list has one less, and count nothing in it any more.
    pub async fn remove_member(&self, room: &RoomId, by: &Identity, user_id: &str) -> Result<(), Error> {
        self.rights.remove_member(room, by, user_id).await?;
        self.activity.note_list(Some(user_id));
        Ok(())
    }
}
