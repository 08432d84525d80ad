//! `/rooms/{room}/members`: who may enter a private room. Its owner lets people in and out, the others see who is there
//! and may leave.

use leptos::prelude::*;

use super::{
    Document, Texts,
    form::{labelled_input, problem_note},
};
use crate::{
    app::routes,
    protocol::{chat::Room, problem::Code, session::User},
};

/// See the module.
#[derive(Clone, Debug)]
pub struct Members {
    /// The room.
    pub room: Room,
    /// Those who may enter, the owner first. `None`: everybody may.
    pub members: Option<Vec<User>>,
    /// Who looks at the page.
    pub me: User,
    /// The room is theirs.
    pub is_owner: bool,
    /// The name that was typed.
    pub name: String,
    /// Why the last change was refused.
    pub problem: Option<Code>,
}

impl Document for Members {
    fn title(&self, texts: &Texts) -> String {
        (texts.members_of)(&self.room.name)
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
                <button type="submit" aria-label=format!("{text}: {}", user.name)>{text}</button>
            </form>
        }
    });
    view! {
        <li class="row">
            <p class="row__head"><b>{user.name}</b> {badges}</p>
            {change}
        </li>
    }
}
