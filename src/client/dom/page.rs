//! The page's own window and document. The transports, the connection and the app's effects call it.

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::Math;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, HtmlElement, Window};

use crate::client::executor::spawn_local;

/// Longer than a visible page waits for its next frame.
const LATE_FRAME_MS: u32 = 200;

pub(crate) fn window() -> Window {
    web_sys::window().expect("called in a browser's page only")
}

/// The address of a socket at `path` of this page's server.
pub fn socket_url(path: &str) -> String {
    let location = window().location();
    let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
    format!("{scheme}://{}{path}", location.host().unwrap_or_default())
}

/// Calls `callback` whenever the page becomes visible or hidden, until the result is dropped.
pub fn on_visibility_change(callback: impl Fn() + 'static) -> impl Sized {
    window().document().map(|document| EventListener::new(&document, "visibilitychange", move |_| callback()))
}

/// Listens to the window until the result is dropped.
pub(crate) fn window_listener(
    event: &'static str,
    callback: impl FnMut(&Event) + 'static,
) -> Option<EventListener> {
    web_sys::window().map(|window| EventListener::new(&window, event, callback))
}

/// A random number in 0..1, good enough to spread reconnects.
pub fn random() -> f64 {
    Math::random()
}

/// The page's language, which the server has chosen.
pub fn language() -> String {
    root_attribute("lang").unwrap_or_default()
}

/// An attribute that the server wrote on the root element.
pub(crate) fn root_attribute(name: &str) -> Option<String> {
    window().document()?.document_element()?.get_attribute(name)
}

/// The data that the server wrote into the document for hydration. `None`: there are none, or those of another build.
pub fn initial_data<T: DeserializeOwned>() -> Option<T> {
    serde_json::from_str(&window().document()?.get_element_by_id("start")?.text_content()?).ok()
}

/// The element that the browser half takes over.
pub fn app_element() -> Option<HtmlElement> {
    window().document()?.get_element_by_id("app")?.dyn_into().ok()
}

/// Runs `run` before the next frame is painted, or at once on a hidden page, which is not painted. It may run twice
/// when the frame is late: a page that is hidden meanwhile is not painted.
pub fn before_next_frame(run: impl Fn() + Clone + 'static) {
    if is_hidden() {
        return run();
    }
    let late = run.clone();
    Timeout::new(LATE_FRAME_MS, late).forget();
    let callback = Closure::once_into_js(run);
    drop(window().request_animation_frame(callback.unchecked_ref()));
}

/// Sets the document's title.
pub fn set_title(title: &str) {
    if let Some(document) = window().document() {
        document.set_title(title);
    }
}

/// Gives the page, in its tab, the icon of something unread, or takes it back.
pub fn set_icon(has_unread: bool) {
    let address = if has_unread { "/favicon.svg?unread" } else { "/favicon.svg" };
    let icon = window().document().and_then(|document| document.query_selector("link[rel=icon]").ok()?);
    if let Some(icon) = icon.filter(|icon| icon.get_attribute("href").as_deref() != Some(address)) {
        drop(icon.set_attribute("href", address));
    }
}

/// Shows a number on the icon of the installed app (W3C Badging API), where the browser can: 0 shows none.
pub fn set_badge(count: u64) {
    let navigator = window().navigator();
    let set = js_sys::Reflect::get(&navigator, &"setAppBadge".into()).ok();
    if let Some(set) = set.and_then(|set| set.dyn_into::<js_sys::Function>().ok()) {
        // A page that is no app is rejected, which changes nothing.
        let promise = set.call1(&navigator, &(count as f64).into());
        if let Some(promise) = promise.ok().and_then(|promise| promise.dyn_into::<js_sys::Promise>().ok()) {
            spawn_local(async move { drop(JsFuture::from(promise).await) });
        }
    }
}

/// Tells the scripts of the page by an event of this name.
pub fn dispatch(name: &str) {
    if let Ok(event) = Event::new(name) {
        drop(window().dispatch_event(&event));
    }
}

/// A text in the form in which filters compare it: lower case, Unicode's NFKC. The browser has the tables.
pub fn fold(text: &str) -> String {
    let text = js_sys::JsString::from(text);
    text.normalize("NFKC").to_lower_case().normalize("NFKC").into()
}

/// The query of the page's address, with its `?`.
pub(crate) fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Returns true if the window is narrow, as style/layout.css means it.
pub fn is_narrow() -> bool {
    window().match_media("(width < 64rem)").ok().flatten().is_some_and(|query| query.matches())
}

/// Returns true if the browser came back to this page by its history, or loaded it again.
pub fn is_returned_to() -> bool {
    use web_sys::PerformanceNavigation as From;
    let from = window().performance().map(|performance| performance.navigation().type_());
    from.is_some_and(|from| [From::TYPE_RELOAD, From::TYPE_BACK_FORWARD].contains(&from))
}

/// Returns true if a service worker answers for the site's pages where the network does not.
pub fn has_service_worker() -> bool {
    // Absent where the page is not of a secure origin.
    let worker = js_sys::Reflect::get(&window().navigator(), &"serviceWorker".into());
    let controller = worker.and_then(|worker| js_sys::Reflect::get(&worker, &"controller".into()));
    controller.is_ok_and(|controller| controller.is_truthy())
}

/// Returns true if the page is hidden.
pub fn is_hidden() -> bool {
    window().document().is_some_and(|document| document.hidden())
}

/// Percent-encodes a text as a component of an address (RFC 3986, 2.1).
pub fn encode(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// Writes a warning to the browser's console.
pub(crate) fn warn(text: &str) {
    web_sys::console::warn_1(&text.into());
}

/// The first of the reader's languages that is a variant of `language`, or `language` itself.
pub fn own_variant(language: &str) -> String {
    let languages = window().navigator().languages();
    let own = languages
        .iter()
        .filter_map(|tag| tag.as_string())
        .find(|tag| tag.split('-').next() == Some(language));
    own.unwrap_or_else(|| language.to_owned())
}

/// Marks on the root element that the page handles events now, for style, scripts and tests.
pub fn mark_hydrated() {
    if let Some(root) = window().document().and_then(|document| document.document_element()) {
        // Setting an attribute with a fixed valid name cannot fail.
        drop(root.set_attribute("data-hydrated", "true"));
    }
}

/// A UUID of version 4 (RFC 9562). `crypto.randomUUID` does not serve: plain http pages do not have it.
pub fn new_uuid() -> String {
    let mut bytes = [0_u8; 16];
    let crypto = window().crypto().expect("every browser with WebAssembly has it");
    crypto.get_random_values_with_u8_array(&mut bytes).expect("16 bytes are below its limit");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Focuses an element.
pub fn focus(element: &web_sys::Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // An element that cannot be focused is left as it is.
        drop(element.focus());
    }
}

/// Scrolls until the element is at the top of what it scrolls in, below its scroll margin.
pub fn scroll_to(element: &web_sys::Element) {
    element.scroll_into_view_with_bool(true);
}

/// Moves the focus from the element on which the event is handled to the one that `selector` matches within the nearest
/// `ancestor`.
pub fn focus_near(event: &Event, ancestor: &str, selector: &str) {
    let from = event.current_target().and_then(|from| from.dyn_into::<web_sys::Element>().ok());
    let near = from.and_then(|from| from.closest(ancestor).ok()?);
    if let Some(element) = near.and_then(|near| near.query_selector(selector).ok()?) {
        focus(&element);
    }
}

/// Focuses the first element that one of the selectors finds, unless something has the focus.
pub fn focus_first(selectors: &[&str]) {
    let Some(document) = window().document() else { return };
    let is_lost = document.active_element().is_none_or(|focused| focused.matches("body").unwrap_or_default());
    let found = selectors.iter().find_map(|selector| document.query_selector(selector).ok().flatten());
    if let Some(element) = found.filter(|_| is_lost) {
        focus(&element);
    }
}

/// An attribute of the element that was clicked, or of the nearest around it that has it.
pub fn clicked_attribute(event: &Event, name: &str) -> Option<String> {
    let clicked = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    clicked.closest(&format!("[{name}]")).ok()??.get_attribute(name)
}

/// Moves the focus to the element in `parent` that `selector` matches, unless the reader is typing.
pub fn move_focus(parent: &web_sys::Element, selector: &str) {
    let focused = window().document().and_then(|document| document.active_element());
    let is_typing = focused.is_some_and(|focused| focused.matches("textarea, input").unwrap_or_default());
    if let (false, Ok(Some(element))) = (is_typing, parent.query_selector(selector)) {
        focus(&element);
    }
}
