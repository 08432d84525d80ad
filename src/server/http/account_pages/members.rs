//! `/rooms/{room}/members`: the page on which users see the members of a room and its owner changes them.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    fields::{labelled_input, problem_note},
    outcome::Outcome,
    rejected::rejected_beside,
    room_of_page::room_of_page,
    texts::Texts,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::{chat::Room, session::User},
    server::{
        error::Error,
        http::{
            api::members::find,
            extract::{body::FormBody, path::PathText, query::Lenient},
            redirect::back_to,
        },
    },
};

/// Serves the page. A user who may not enter the room gets the page for unknown addresses, which does not reveal that
/// the room exists. An address in another form redirects to the page's own.
pub(super) async fn show(
    PathText(room): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    page(&room, signed_in, outcome.problem(), String::new()).await
}

/// Serves the page with the rejected name that was typed.
async fn page(
    room: &str,
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
    name: String,
) -> Result<Response, Error> {
    let room = match room_of_page(&signed_in, room, |_| true, routes::members).await? {
        Ok(room) => room,
        Err(elsewhere) => return Ok(elsewhere.answer(signed_in.asked).await),
    };
    let SignedIn { asked, identity } = &signed_in;
    let rights = &asked.state.rights;
    let members = Members {
        members: rights.is_private(&room.id).then(|| rights.members(&room.id)),
        is_owner: rights.is_private(&room.id) && rights.owns(&room.id, identity),
        me: identity.user.clone(),
        problem,
        name,
        room,
    };
    beside(&signed_in, members).await
}

/// The field of the form that adds a member.
#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// Adds a member.
pub(super) async fn add(
    PathText(room): PathText,
    SignedIn { asked, identity }: SignedIn,
    FormBody(NameForm { name }): FormBody<NameForm>,
) -> Result<Response, Error> {
    let room = asked.state.chat.room(&room, Some(&identity)).await?;
    let path = routes::members(&room);
    let added = async {
        asked.state.rights.check_owner(&room, &identity)?;
        let user = find(&asked.state, &name).await?;
        asked.state.chat.add_member(&room, &identity, &user).await
    };
    let added = added.await;
    Ok(match added {
        Ok(()) => back_to(&path, None),
        Err(error) => {
            let page = async |signed_in, reason| page(room.as_str(), signed_in, Some(reason), name).await;
            rejected_beside(asked, &path, &[], error, page).await
        }
    })
}

/// The field of the form that removes a member.
#[derive(Deserialize)]
pub(super) struct UserForm {
    user: String,
}

/// Removes a member. Members who remove themselves see the feed next, because they may no longer see the room.
pub(super) async fn remove(
    PathText(room): PathText,
    SignedIn { asked, identity }: SignedIn,
    FormBody(UserForm { user }): FormBody<UserForm>,
) -> Result<Response, Error> {
    let room = asked.state.chat.room(&room, Some(&identity)).await?;
    let path = routes::members(&room);
    let removed = asked.state.chat.remove_member(&room, &identity, &user).await;
    Ok(match removed {
        Ok(()) if user == identity.user.id => back_to("/", None),
        Ok(()) => back_to(&path, None),
        Err(error) => {
            let page =
                async |signed_in, reason| page(room.as_str(), signed_in, Some(reason), String::new()).await;
            rejected_beside(asked, &path, &[], error, page).await
        }
    })
}

/// The data of the page `/rooms/{room}/members`.
#[derive(Clone, Debug)]
pub(super) struct Members {
    /// The room.
    pub(super) room: Room,
    /// The members, the owner first. `None`: the room is open to everybody.
    pub(super) members: Option<Vec<User>>,
    /// The user who looks at the page.
    pub(super) me: User,
    /// True if this user owns the room.
    pub(super) is_owner: bool,
    /// The rejected name that was typed.
    pub(super) name: String,
    /// The reason why the last change was rejected.
    pub(super) problem: Option<RejectionReason>,
}

impl Document for Members {
    fn title(&self, texts: &Texts) -> String {
        (texts.members_of)(&isolated(&self.room.name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { room, members, me, is_owner, name, problem } = self;
        let address = routes::members(&room.id);
        let list = match members {
            None => view! { <p>{texts.everybody_enters}</p> }.into_any(),
            Some(members) => {
                let row =
                    |(index, user): (usize, User)| row(texts, &address, user, &me, is_owner, index == 0);
                view! { <ul class="rows">{members.into_iter().enumerate().map(row).collect::<Vec<_>>()}</ul> }
                    .into_any()
            }
        };
        let form = is_owner.then(|| {
            view! {
                <form class="panel stack" method="post" action=address.clone() aria-labelledby="add-heading">
                    <h2 id="add-heading">{texts.let_in}</h2>
                    {problem_note(texts, problem)}
                    {labelled_input("name", texts.name, name, Some(texts.let_in_hint), problem)}
                    <button type="submit">{texts.let_in_button}</button>
                </form>
            }
        });
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                {(!is_owner).then(|| problem_note(texts, problem))}
                {list}
            </section>
            {form}
            <p><a href=routes::room(&room.id)>{texts.back_to_room}</a></p>
        }
        .into_any()
    }
}

fn row(
    texts: &'static Texts,
    address: &str,
    user: User,
    me: &User,
    looks_as_owner: bool,
    is_owner: bool,
) -> impl IntoView + use<> {
    let is_me = user.id == me.id;
    let badges = [is_me.then_some(texts.you), is_owner.then_some(texts.owner)];
    let badge = |text| view! { " " <span class="badge">{text}</span> };
    let badges = badges.into_iter().flatten().map(badge).collect::<Vec<_>>();
    let may_go = !is_owner && (looks_as_owner || is_me);
    let text = if is_me { texts.leave_room } else { texts.remove };
    let change = may_go.then(|| {
        view! {
            <form method="post" action=format!("{address}/remove")>
                <input type="hidden" name="user" value=user.id />
                <button type="submit" aria-label=format!("{text}: {}", isolated(&user.name))>{text}</button>
            </form>
        }
    });
    view! {
        <li class="row">
            <p class="row__head"><b><bdi translate="no">{user.name}</bdi></b> {badges}</p>
            {change}
        </li>
    }
}
