//! The document around the pages. Only the server draws it, for `server/http/pages`.

use leptos::{config::LeptosOptions, hydration::AutoReload, prelude::*};

use super::{
    App,
    i18n::{Language, use_texts},
    page_data::InitialData,
};
use crate::protocol::transport::Transport;

/// The only transport that the page may use, from the server's settings; in the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedTransport(pub Transport);

/// Enter sends before hydration too: then it submits the form.
const EARLY_ENTER: &str = r#"addEventListener("keydown",e=>{
if(e.key!="Enter"||e.shiftKey||e.isComposing||e.keyCode==229||e.repeat||!e.target.matches(".composer textarea")||document.documentElement.dataset.hydrated)return;
e.preventDefault();e.target.form.requestSubmit()})"#;

/// All tabs of a browser belong to one user, because the last cookie counts for all of them. Two tabs that a new
/// browser opens at once start as two users, and so does a tab that stays open while another signs in as a different
/// user. So each page tells the others of its origin its user, and a page of a different user reloads itself.
const ONE_USER: &str = r#"try{const{me}=document.documentElement.dataset,is=i=>{me&&i&&i!=me&&location.reload()};
addEventListener("storage",e=>{e.key=="idobata.me"&&is(e.newValue)});
addEventListener("pageshow",e=>{e.persisted&&is(localStorage["idobata.me"])});
if(me)localStorage["idobata.me"]=me}catch{}"#;

/// Draws the document. `json` is `initial_data` for hydration. The scripts carry the nonce of the context, without
/// which the page's Content Security Policy runs none; the policy does not count the data as a script.
pub fn shell(options: LeptosOptions, initial_data: InitialData, json: String) -> impl IntoView {
    let nonce = use_nonce();
    let (texts, language) = (use_texts(), use_context::<Language>().unwrap_or_default());
    let transport = use_context::<ForcedTransport>().map(|ForcedTransport(transport)| transport.as_str());
    let stylesheet = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    let loader = loader(&format!("/{}/{}", options.site_pkg_dir, options.output_name));
    let me = initial_data.viewer.as_ref().map(|viewer| viewer.me.id.clone()).filter(|id| !id.is_empty());
    // Only this character could end the script element.
    let json = json.replace('<', "\\u003c");
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str() data-transport=transport data-me=me>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=texts.tagline />
                <title>{initial_data.page.title(texts)}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" id="leptos" href=stylesheet />
                <AutoReload options />
                <script type="module" nonce=nonce.clone() inner_html=loader></script>
                <script nonce=nonce.clone() inner_html=EARLY_ENTER></script>
                <script nonce=nonce inner_html=ONE_USER></script>
            </head>
            <body>
                <App initial_data />
                // After the page: the browser parses it when the page has been painted.
                <script type="application/json" id="start" inner_html=json></script>
            </body>
        </html>
    }
}

/// The longest wait for a browser that reports no first paint.
const PAINT_MS: u32 = 500;

/// Loads the WebAssembly once the page is on the screen, so that it does not compete with the text, as it would with
/// Leptos' own script. The next animation frame would be too soon, because it is shown a while after it is drawn. A
/// hidden page is not painted, so there it loads at once.
fn loader(files: &str) -> String {
    format!(
        r#"const load=()=>{{
const module_or_path=fetch("{files}.wasm");
import("{files}.js").then(m=>m.default({{module_or_path}}).then(()=>{{m.hydrate();performance.mark("live")}}))}};
let late;const begin=()=>{{clearTimeout(late);late=null;load()}};
new PerformanceObserver((_,o)=>{{o.disconnect();late&&begin()}}).observe({{type:"paint",buffered:true}});
late=setTimeout(begin,document.hidden?0:{PAINT_MS})"#
    )
}
