//! The document around the pages. Only the server draws it, for `server/http/pages`.
//!
//! Its script `early.js` is for what has to work before and without the browser half. It is written into the document,
//! because it hears of files that fail to load. One of those files is `public/live.js`, which loads that half.

mod install;

use std::sync::LazyLock;

use leptos::{config::LeptosOptions, hydration::AutoReload, prelude::*};

pub use self::install::{DARK_PAGE, Installable, LIGHT_PAGE, install_links};
use super::{
    App,
    i18n::{Language, use_texts},
    look::{Choice, Look},
    page_data::InitialData,
};
use crate::protocol::{problem::Code, transport::Transport};

/// The only transport that the page may use, from the server's settings; in the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedTransport(pub Transport);

/// The script for a page that is not live yet; it says so if the page never becomes live.
static EARLY: LazyLock<String> = LazyLock::new(|| without_comments(include_str!("early.js")));

/// The end of the element that the browser half takes over, and the beginning of the data for it.
/// `server/http/pages/node_signature` writes the element's signature into the latter.
pub const APP_END: &str = r#"</div><script type="application/json" id="start""#;

/// Draws the document. `json` is `initial_data` for hydration. The scripts carry the nonce of the context, without
/// which the page's Content Security Policy runs none; the policy does not count the data as a script.
pub fn shell(options: LeptosOptions, initial_data: InitialData, json: String) -> impl IntoView {
    let nonce = use_nonce();
    let (texts, language) = (use_texts(), use_context::<Language>().unwrap_or_default());
    let look = use_context::<Look>().unwrap_or_default();
    let installable = use_context::<Installable>().unwrap_or_default();
    let transport = use_context::<ForcedTransport>().map(|ForcedTransport(transport)| transport.as_str());
    let stylesheet = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    let loader = format!("/{}/live.js", options.site_pkg_dir);
    // Not the address itself: a page that answers a form stands at the form's.
    let path = initial_data.path.clone();
    let me = initial_data.viewer.as_ref().map(|viewer| viewer.me.id.clone()).filter(|id| !id.is_empty());
    // Only this character could end the script element.
    let json = json.replace('<', "\\u003c");
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str() data-theme=look.theme.as_str() data-density=look.density.as_str() data-aside=look.aside.as_str() data-transport=transport data-me=me>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=texts.tagline />
                <title inner_html=escape_title(&initial_data.title(texts))></title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                {install_links(language, look, installable)}
                // Before the style sheet, whose failure it hears of.
                <script nonce=nonce.clone() inner_html=EARLY.as_str()></script>
                <link rel="stylesheet" id="leptos" href=stylesheet />
                <AutoReload options />
                <script type="module" id="live" nonce=nonce src=loader></script>
            </head>
            <body>
                // An element of its own: extensions put theirs at the beginning and the end of the body.
                <div id="app">
                    <App initial_data />
                </div>
                // After the page: the browser parses it when the page has been painted.
                <script type="application/json" id="start" inner_html=json></script>
                // Names of what messages contain, whose HTML is the same in every language, and the words of public/messages.js
                // and public/reactions.js.
                <div id="words" hidden data-copy=texts.copy data-copied=texts.copied data-emoji=texts.emoji data-people=texts.people_to_mention data-here=texts.mention_here data-room=texts.mention_room data-fault=texts.preview_failed
                    data-find=texts.find_emoji data-none=texts.no_emoji data-recent=texts.recent_emoji data-tone=texts.skin_tone
                    data-loading=texts.loading data-failed=(texts.problem)(Code::Unavailable)>
                    <span id="name-of-code">{texts.code_block}</span>
                    <span id="name-of-table">{texts.table}</span>
                </div>
                <form id="not-live" class="not-live" role="alert" action=path hidden>
                    <span id="no-updates" hidden>{texts.not_live}</span>
                    <span id="no-style" hidden>{texts.no_style}</span>
                    " " <button type="submit">{texts.reload}</button>
                </form>
            </body>
        </html>
    }
}

/// The title as HTML. As a child of its element it would be followed by a marker for hydration, which shows: a title holds
/// text only.
pub fn escape_title(title: &str) -> String {
    html_escape::encode_text(title).into_owned()
}

/// The script without its lines of comment.
fn without_comments(script: &str) -> String {
    script.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n")
}
