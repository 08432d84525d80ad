//! The document around the pages; drawn on the server only.

use leptos::{config::LeptosOptions, hydration::AutoReload, prelude::*};

use super::{
    App,
    i18n::{Language, use_texts},
    page_data::InitialData,
};
use crate::protocol::transport::Transport;

/// The server's setting: the only transport that pages may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedTransport(pub Transport);

/// Enter sends, also while the browser's half is still on its way: then it is the form that is sent.
const EARLY_ENTER: &str = r#"addEventListener("keydown",e=>{
if(e.key!="Enter"||e.shiftKey||e.isComposing||e.keyCode==229||e.repeat||!e.target.matches(".composer textarea")||document.documentElement.dataset.hydrated)return;
e.preventDefault();e.target.form.requestSubmit()})"#;

/// Tabs of one browser are one person. Two that are opened at once by a browser that was never here become two people,
/// and so does a tab that stays open while another signs in as somebody else: the cookie that came last counts for all. So
/// each page tells the others of its origin whose it is, and one that is of somebody else loads itself anew.
const ONE_PERSON: &str = r#"try{const{me}=document.documentElement.dataset,is=i=>{me&&i&&i!=me&&location.reload()};
addEventListener("storage",e=>{e.key=="idobata.me"&&is(e.newValue)});
addEventListener("pageshow",e=>{e.persisted&&is(localStorage["idobata.me"])});
if(me)localStorage["idobata.me"]=me}catch{}"#;

/// See the module. `data` is `start` as JSON, for the browser. The scripts carry the nonce of the context, without which
/// the page's policy lets none run; the data is no script to it.
pub fn shell(options: LeptosOptions, start: InitialData, data: String) -> impl IntoView {
    let nonce = use_nonce();
    let (texts, language) = (use_texts(), use_context::<Language>().unwrap_or_default());
    let transport = use_context::<ForcedTransport>().map(|ForcedTransport(transport)| transport.as_str());
    let stylesheet = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    let loader = loader(&format!("/{}/{}", options.site_pkg_dir, options.output_name));
    let me = start.visit.as_ref().map(|visit| visit.me.id.clone()).filter(|id| !id.is_empty());
    // Inside of a script only this could end it.
    let data = data.replace('<', "\\u003c");
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str() data-transport=transport data-me=me>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=texts.tagline />
                <title>{start.page.title(texts)}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" id="leptos" href=stylesheet />
                <AutoReload options />
                <script type="module" nonce=nonce.clone() inner_html=loader></script>
                <script nonce=nonce.clone() inner_html=EARLY_ENTER></script>
                <script nonce=nonce inner_html=ONE_PERSON></script>
            </head>
            <body>
                <App start />
                // Behind the page: it is read when that has been painted.
                <script type="application/json" id="start" inner_html=data></script>
            </body>
        </html>
    }
}

/// A browser that does not say when it has painted has done so by then.
const PAINT_MS: u32 = 500;

/// Loads the browser's half once the page is on the screen: what is to be read comes first. The next frame would be too
/// soon, it is shown a while after it is drawn. A page out of view is not painted, so there it comes at once. Leptos' own script would have it compete with the text.
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
