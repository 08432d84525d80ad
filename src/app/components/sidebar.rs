//! The sidebar of every page: the links to pages, channels and rooms, and the viewer's account.

use leptos::prelude::*;

use super::{
    avatar::avatar,
    choice_switch::{DensitySwitch, LanguageSwitch, ThemeSwitch},
    icon::{Icon, icon},
    live_text::live_text,
    name_form::NameForm,
};
use crate::{
    app::{
        i18n::use_texts,
        model::unread::{Unread, unread_text},
        page_data::{PageData, Viewer},
        reactive::{Key, list, memo, show_when},
        routes,
        sync::Navigator,
    },
    protocol::{
        chat::Room,
        mark::RoomLevel,
        name::{NAME_MAX_CHARACTERS, RoomId},
    },
};

/// The button that opens the sidebar on a small screen, where it is a popover (HTML, 6.12): that works without
/// JavaScript, and closes with Escape and a tap beside it.
#[component]
pub(crate) fn MenuButton() -> impl IntoView {
    let texts = use_texts();
    view! {
        <button type="button" class="menu-button" popovertarget="sidebar" aria-label=texts.menu>
            {icon(Icon::Menu)}
        </button>
    }
}

/// The sidebar. If its data could not be loaded it has no links; the page itself tells what is wrong.
#[component]
pub(crate) fn Sidebar(
    /// The address to which the switches lead back, percent-encoded, where that is more than the path.
    #[prop(optional)]
    back: Option<String>,
) -> impl IntoView {
    let viewer = expect_context::<Navigator>().viewer.get_untracked();
    view! {
        <header class="sidebar" id="sidebar" popover="auto">
            <a href=routes::FEED class="brand">"Idobata"</a>
            {viewer.map(|viewer| view! { <NavigationLinks viewer back /> }.into_any())}
        </header>
    }
}

/// The product's name and the language switch, for a page without a sidebar. `back` is as for [`Sidebar`].
#[component]
pub(crate) fn Brand(back: Option<String>) -> impl IntoView {
    view! {
        <div class="brand-line">
            <a href=routes::FEED class="brand">"Idobata"</a>
            <LanguageSwitch back />
        </div>
    }
}

#[component]
fn NavigationLinks(viewer: Viewer, back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let Navigator { current_page, viewer: newest, .. } = expect_context();
    let current = memo(move || {
        current_page.with(|page| match page {
            PageData::Feed { channel, .. } => routes::feed(channel.as_deref()),
            PageData::Room { room: Some(data), .. } => routes::room(&data.room.id),
            _ => String::new(),
        })
    });
    let feed = move || current.with(|current| current == routes::FEED).then_some("page");
    let rows = move |section| {
        newest.with(|viewer| viewer.as_ref().map(|viewer| rows(viewer, section)).unwrap_or_default())
    };
    let section = move |section, title| row_list(section, title, current, move || rows(section));
    let optional = move |of, title| show_when(move || !rows(of).is_empty(), move || section(of, title));
    view! {
        <nav class="navigation" aria-label=texts.navigation>
            <a href=routes::FEED aria-current=move || feed()>{icon(Icon::Activity)} <span>{texts.feed}</span></a>
            {(!viewer.me.id.is_empty()).then(mentions_link)}
            {page_link(routes::SEARCH, Icon::Search, texts.search, ().into_any())}
            {optional(Section::Channels, texts.channels)}
            {show_when(move || rows(Section::Channels).len() > CHANNELS_SEEN, move || view! { <AllChannels /> }.into_any())}
            {optional(Section::Favourites, texts.favourites)}
            {section(Section::Rooms, texts.rooms)}
            {(!viewer.me.id.is_empty()).then(|| view! { <NewRoom /> }.into_any())}
            {optional(Section::Direct, texts.direct_messages)}
            {optional(Section::Archived, texts.archived)}
        </nav>
        <Account viewer back />
    }
}

/// Channels that the sidebar shows without scrolling in their list.
const CHANNELS_SEEN: usize = 7;

/// The link to the page of all channels, which only the server draws.
#[component]
pub(super) fn AllChannels() -> impl IntoView {
    view! { <a class="all-channels" href=routes::FEED_CHANNELS rel="external">{use_texts().all_channels}</a> }
}

/// A list of the sidebar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The channels of the feed, by name.
    Channels,
    /// The favourite rooms, in the order in which they were added.
    Favourites,
    /// The other rooms, in the order in which they were made.
    Rooms,
    /// The archived rooms, folded.
    Archived,
    /// The direct messages, in the order in which they were started.
    Direct,
}

/// A link in the sidebar: its address, its name, its icon, and the room to which it leads.
type Row = (String, String, Icon, Option<RoomId>);

fn rows(viewer: &Viewer, section: Section) -> Vec<Row> {
    let Viewer { channels, rooms, private_rooms, direct_rooms, favourites, .. } = viewer;
    let row = |room: &Room| {
        let icon = match (direct_rooms.contains(&room.id), private_rooms.contains(&room.id)) {
            (true, _) => Icon::Users,
            (_, true) => Icon::Lock,
            _ => Icon::Hash,
        };
        (routes::room(&room.id), room.name.clone(), icon, Some(room.id.clone()))
    };
    match section {
        Section::Channels => {
            let row = |channel: &String| (routes::feed(Some(channel)), channel.clone(), Icon::Channel, None);
            channels.iter().map(row).collect()
        }
        Section::Favourites => {
            let room = |id: &RoomId| rooms.iter().find(|room| room.id == *id && !room.archived);
            favourites.iter().filter_map(room).map(row).collect()
        }
        Section::Rooms | Section::Direct => {
            let is_here = |room: &&Room| {
                let is_direct = direct_rooms.contains(&room.id);
                is_direct == (section == Section::Direct) && !room.archived && !favourites.contains(&room.id)
            };
            rooms.iter().filter(is_here).map(row).collect()
        }
        Section::Archived => rooms.iter().filter(|room| room.archived).map(row).collect(),
    }
}

/// The list of a section. The row with the address `current` is that of the page.
fn row_list(
    section: Section,
    title: &'static str,
    current: Memo<String>,
    rows: impl Fn() -> Vec<Row> + Send + 'static,
) -> AnyView {
    let key = |(href, name, icon, _): &Row| Key::Name(format!("{href} {} {name}", *icon as u8));
    let class = if section == Section::Channels { "section section--channels" } else { "section" };
    let row = move |(href, name, of, room): Row| {
        let path = href.clone();
        let is_current = move || current.with(|current| *current == path).then_some("page");
        let presence = room.clone().filter(|_| section == Section::Direct).map(presence);
        let (id, badge) = room.map(unread_badge).unzip();
        view! {
            <li>
                <a href=href aria-current=move || is_current() aria-describedby=id>
                    {icon(of)} <bdi translate="no">{name}</bdi>
                </a>
                {presence}
                {badge}
            </li>
        }
        .into_any()
    };
    view! {
        <details class=class open=section != Section::Archived>
            <summary><h2>{title}</h2></summary>
            <ul>{list(rows, key, row)}</ul>
        </details>
    }
    .into_any()
}

/// The presence of the other person of direct messages beside the link to them.
fn presence(room: RoomId) -> AnyView {
    let (texts, unread) = (use_texts(), expect_context::<Navigator>().unread);
    let state = memo(move || unread.with(|unread| unread.presence_of(&room)));
    let label = move || if state.with(|state| state == "away") { texts.away } else { texts.here };
    show_when(
        move || state.with(|state| !state.is_empty()),
        move || {
            view! { <span class="presence" role="img" data-presence=move || state.get() aria-label=move || label() title=move || label()></span> }
                .into_any()
        },
    )
}

/// The number of unread messages beside the link to a room, and the id by which it describes the link: the link's name stays
/// that of the room.
fn unread_badge(room: RoomId) -> (String, AnyView) {
    let (texts, unread) = (use_texts(), expect_context::<Navigator>().unread);
    let id = format!("unread-{room}");
    let count = memo(move || unread.with(|unread| unread.count(&room)));
    let mentions = move || {
        view! {
            <span class="unread__mentions" aria-hidden="true">"@" {live_text(move || unread_text(count.get().mentions))}</span>
            <span class="visually-hidden">{live_text(move || (texts.unread_mentions)(count.get().mentions))} ", "</span>
        }
        .into_any()
    };
    let described = id.clone();
    let badge = move || {
        view! {
            <span class="unread" id=described.clone() data-muted=move || (count.get().level != RoomLevel::All).then_some("true") data-direct=move || count.get().direct.then_some("true")>
                {show_when(move || count.get().mentions > 0 && !count.get().direct, mentions)}
                <span class="unread__messages" aria-hidden="true">{live_text(move || unread_text(count.get().messages))}</span>
                <span class="visually-hidden">{live_text(move || (texts.unread_messages)(count.get().messages))}</span>
            </span>
        }
        .into_any()
    };
    (id, show_when(move || count.get().messages > 0, badge))
}

/// The link to the page of mentions, with the number of those that are unread. The browser loads that page.
fn mentions_link() -> AnyView {
    let texts = use_texts();
    let Navigator { unread, .. } = expect_context();
    let count = memo(move || unread.with(Unread::mentions));
    let badge = move || {
        view! { <span class="unread__mentions">{live_text(move || unread_text(count.get()))}</span> }
            .into_any()
    };
    let badge = show_when(move || count.get() > 0, badge).into_any();
    page_link(routes::MENTIONS, Icon::At, texts.mentions, badge)
}

/// A link to a page that only the server draws.
fn page_link(href: &'static str, sign: Icon, text: &'static str, more: AnyView) -> AnyView {
    let Navigator { path, .. } = expect_context();
    let is_current = move || path.with(|path| path == href).then_some("page");
    view! {
        <a href=href rel="external" aria-current=move || is_current()>
            {icon(sign)} <span>{text}</span> {more}
        </a>
    }
    .into_any()
}

#[component]
fn NewRoom() -> impl IntoView {
    let texts = use_texts();
    let navigator = expect_context::<Navigator>();
    view! {
        <details class="new-room">
            <summary>{icon(Icon::Plus)} {texts.new_room}</summary>
            <form method="post" action="/rooms" class="field">
                <input
                    name="name"
                    dir="auto"
                    required
                    maxlength=NAME_MAX_CHARACTERS.to_string()
                    aria-label=texts.new_room_name
                    autocomplete="off"
                />
                <input type="hidden" name="back" value=move || navigator.page_of_forms() />
                <button type="submit">{texts.create}</button>
                <label class="muted">
                    <input type="checkbox" name="private" value="true" />
                    {texts.private}
                </label>
            </form>
        </details>
    }
}

/// The viewer at the sidebar's end, with a menu of their settings and the pages of administrators.
#[component]
fn Account(viewer: Viewer, back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let Viewer { me, accounts, signs_in_here, .. } = &viewer;
    let is_guest = !accounts;
    let sign_in = me.id.is_empty().then(|| {
        let href = move || routes::sign_in_from(&path.get());
        view! { <a class="primary" href=move || href() rel="external">{texts.sign_in}</a> }.into_any()
    });
    let name = if me.id.is_empty() { texts.menu.to_owned() } else { me.name.clone() };
    let label = format!("{name} · {}", texts.own_menu);
    let sign_out = (*signs_in_here && !me.id.is_empty()).then(|| view! { <SignOut /> }.into_any());
    view! {
        {sign_in}
        <div class="menu">
            <button type="button" popovertarget="menu" aria-label=label>
                {avatar(&me.id, &me.name)} <bdi translate="no">{name}</bdi>
            </button>
            <div class="menu__panel" id="menu" popover="auto">
                {is_guest.then(|| view! { <NameForm name=viewer.me.name.clone() /> }.into_any())}
                <div class="menu__links">{account_links(&viewer)}</div>
                <ThemeSwitch back=back.clone() />
                <DensitySwitch back=back.clone() />
                <LanguageSwitch back />
                {sign_out}
            </div>
        </div>
    }
}

/// The links to the account pages that the viewer may see. The browser loads those pages.
fn account_links(viewer: &Viewer) -> Vec<AnyView> {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    let &Viewer { accounts, signs_in_here, is_admin, .. } = viewer;
    let pages = [
        (accounts && !viewer.me.id.is_empty(), routes::ACCOUNT, texts.account),
        (!viewer.me.id.is_empty(), routes::NOTIFICATIONS, texts.own_notifications),
        (is_admin && signs_in_here, routes::PEOPLE, texts.accounts),
        (is_admin, routes::PUBLISHERS, texts.publishers),
        (is_admin, routes::HEARTBEATS, texts.heartbeats),
        (is_admin, routes::CHANNELS, texts.limited_channels),
    ];
    let links = pages.into_iter().filter(|(is_allowed, ..)| *is_allowed).map(|(_, href, text)| {
        let is_current = move || path.with(|path| path.starts_with(href));
        view! {
            <a href=href rel="external" aria-current=move || is_current().then_some("page")>{text}</a>
        }
        .into_any()
    });
    links.collect()
}

#[component]
fn SignOut() -> impl IntoView {
    let texts = use_texts();
    view! {
        <form method="post" action="/sign-out">
            <button type="submit">{texts.sign_out}</button>
        </form>
    }
}
