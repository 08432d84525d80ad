//! Counts the characters of a text as a person does, like `protocol/text.rs` on the server, but by the browser's own
//! tables instead of 20 kB of ours. The composer calls it.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// The number of characters that a person sees in `text`. A browser without a segmenter counts code points: never
/// fewer.
pub fn count_characters(text: &str) -> usize {
    if text.is_ascii() && !text.contains('\r') {
        return text.len();
    }
    segments(text).map_or_else(|| text.chars().count(), |segments| segments.length() as usize)
}

/// `Array.from(new Intl.Segmenter().segment(text))`
fn segments(text: &str) -> Option<Array> {
    let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
    let constructor: Function = Reflect::get(&intl, &"Segmenter".into()).ok()?.dyn_into().ok()?;
    let segmenter = Reflect::construct(&constructor, &Array::new()).ok()?;
    let segment: Function = Reflect::get(&segmenter, &"segment".into()).ok()?.dyn_into().ok()?;
    let segments = segment.call1(&segmenter, &JsValue::from_str(text)).ok()?;
    Some(Array::from(segments.unchecked_ref::<Object>()))
}
