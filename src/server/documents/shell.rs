//! What stands around a document: the head, and for who is signed in the same sidebar as beside every other page.

use leptos::prelude::*;

use super::{Document, Texts};
use crate::{
    app::i18n::{self, Language},
    protocol::{chat::Room, session::User},
};

/// Where and how a document is drawn.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its words are in this language.
    pub language: Language,
    /// The address of the stylesheet.
    pub stylesheet: String,
    /// The path of its own address.
    pub path: String,
    /// The page that it leads to in the end, if its address says so.
    pub back: Option<String>,
}

/// What stands beside it, for who is signed in.
#[derive(Clone, Debug)]
pub struct Around {
    /// Who looks at it.
    pub me: User,
    /// People have accounts, here or elsewhere.
    pub accounts: Option<AccountsAt>,
    /// May see the people, the publishers and the channels' readers.
    pub is_admin: bool,
    /// The rooms they may enter.
    pub rooms: Vec<Room>,
}

/// Where people have accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountsAt {
    /// At this server.
    Here,
    /// At the system that signs them in.
    Elsewhere,
}

/// The whole document. Without `around` it stands alone.
pub fn draw(setting: &Setting, around: Option<Around>, document: impl Document) -> String {
    let owner = Owner::new();
    let html = owner.with(|| shell(setting, around, document).to_html());
    owner.cleanup();
    html
}

fn shell<D: Document>(setting: &Setting, around: Option<Around>, document: D) -> impl IntoView + use<D> {
    let Setting { language, stylesheet, .. } = setting.clone();
    let (texts, common) = (Texts::of(language), language.texts());
    let title = format!("{} · Idobata", document.title(texts));
    let class = if around.is_some() { "page document" } else { "page document lone" };
    let content = view! {
        <main class=class id="content" tabindex="-1">
            {around.is_none().then(|| brand(setting))}
            {document.body(texts)}
        </main>
    };
    let content = match around {
        Some(around) => view! { <div class="frame">{sidebar(setting, around)} {content}</div> }.into_any(),
        None => content.into_any(),
    };
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                // Some of the addresses are secrets. Not `no-referrer`: browsers would post the forms without an origin.
                <meta name="referrer" content="same-origin" />
                <meta name="robots" content="noindex" />
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=stylesheet />
            </head>
            <body>
                <a class="skip-link" href="#content">{common.skip_to_content}</a>
                {content}
            </body>
        </html>
    }
}

fn sidebar(setting: &Setting, around: Around) -> AnyView {
    let Setting { language, path, .. } = setting;
    let (texts, common) = (Texts::of(*language), language.texts());
    let Around { me, accounts, is_admin, rooms } = around;
    let are_here = accounts == Some(AccountsAt::Here);
    let rooms = rooms.into_iter().map(|room| view! { <li><a href=room.id.path()>{room.name}</a></li> });
    let link = |address: &'static str, text: &'static str| {
        let is_here = path.starts_with(address).then_some("page");
        view! { <a href=address aria-current=is_here>{text}</a> }
    };
    view! {
        <header class="sidebar">
            {brand(setting)}
            <nav class="places" aria-label=common.navigation>
                <a href="/">{common.feed}</a>
                <h2>{common.rooms}</h2>
                <ul>{rooms.collect::<Vec<_>>()}</ul>
            </nav>
            <div class="places name-form">
                <p class="muted">{me.name}</p>
                {accounts.map(|_| link("/account", common.account))}
                {(is_admin && are_here).then(|| link("/people", common.everybody))}
                {is_admin.then(|| link("/publishers", texts.publishers))}
                {is_admin.then(|| link("/channels", texts.limited_channels))}
            </div>
            {are_here.then(|| view! {
                <form method="post" action="/sign-out">
                    <button type="submit">{texts.sign_out}</button>
                </form>
            })}
        </header>
    }
    .into_any()
}

fn brand(setting: &Setting) -> AnyView {
    let Setting { language, path, back, .. } = setting;
    let texts: &i18n::Texts = language.texts();
    let query = |back: &str| serde_urlencoded::to_string([("back", back)]).expect("a pair of texts");
    // What a form came to stays behind; where it leads to does not.
    let page = back.as_ref().map_or_else(|| path.clone(), |back| format!("{path}?{}", query(back)));
    let link = |one: Language| {
        view! {
            <a
                href=format!("/language/{}?{}", one.as_str(), query(&page))
                lang=one.as_str()
                hreflang=one.as_str()
                aria-current=(one == *language).then_some("true")
            >
                {one.name()}
            </a>
        }
    };
    view! {
        <div class="sidebar__brand">
            <a href="/" class="brand">"Idobata"</a>
            <div class="language-switch" role="group" aria-label=texts.language>
                {Language::ALL.map(link).into_iter().collect::<Vec<_>>()}
            </div>
        </div>
    }
    .into_any()
}
