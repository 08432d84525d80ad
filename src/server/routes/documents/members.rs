//! `/rooms/{room}/members`: what people do with the list of who may enter a room.

use crate::server::routes::query::Lenient;
use axum::response::Response;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    outcome::{Outcome, refused},
};
use crate::{
    app::routes,
    server::{
        documents::Members,
        error::Error,
        routes::{body::FormBody, forms::back_to, members::find, pages, path::PathText},
    },
};

/// The document. Whoever may not enter the room is not told that it is there. An address in another form leads to the
/// document's own.
pub(super) async fn show(
    PathText(room): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let rooms = asked.state.chat.rooms(Some(identity)).await?;
    let id = asked.state.chat.id_of(&room).ok();
    let Some(known) = rooms.into_iter().find(|known| Some(&known.id) == id.as_ref()) else {
        return Ok(pages::nowhere(signed_in.asked).await);
    };
    if known.id.as_str() != room {
        return Ok(pages::moved(asked, &routes::members(&known.id)));
    }
    let room = known;
    let rights = &asked.state.rights;
    let members = Members {
        members: rights.is_private(&room.id).then(|| rights.members(&room.id)),
        is_owner: rights.is_private(&room.id) && rights.owns(&room.id, identity),
        me: identity.user.clone(),
        problem: outcome.problem(),
        name: outcome.name.unwrap_or_default(),
        room,
    };
    beside(&signed_in, members).await
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// Lets somebody in.
pub(super) async fn add(
    PathText(room): PathText,
    SignedIn { asked, identity }: SignedIn,
    FormBody(NameForm { name }): FormBody<NameForm>,
) -> Result<Response, Error> {
    let room = asked.state.chat.room(&room, Some(&identity)).await?;
    let added = async {
        asked.state.rights.check_owner(&room, &identity)?;
        let user = find(&asked.state, &name).await?;
        asked.state.rights.add_member(&room, &identity, &user).await
    };
    Ok(match added.await {
        Ok(()) => back_to(&routes::members(&room), None),
        Err(error) => refused(&routes::members(&room), error, &[("name", &name)]),
    })
}

#[derive(Deserialize)]
pub(super) struct UserForm {
    user: String,
}

/// Takes somebody's right to enter. Who takes their own sees the feed next: the room is not theirs to see.
pub(super) async fn remove(
    PathText(room): PathText,
    SignedIn { asked, identity }: SignedIn,
    FormBody(UserForm { user }): FormBody<UserForm>,
) -> Result<Response, Error> {
    let room = asked.state.chat.room(&room, Some(&identity)).await?;
    Ok(match asked.state.rights.remove_member(&room, &identity, &user).await {
        Ok(()) if user == identity.user.id => back_to("/", None),
        Ok(()) => back_to(&routes::members(&room), None),
        Err(error) => refused(&routes::members(&room), error, &[]),
    })
}
