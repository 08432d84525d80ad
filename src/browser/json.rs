//! JSON as the browser's own parser makes it.

use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::protocol::json::{Decode, Json};

/// Reads a text; `None` when it is not JSON, or not what is wanted.
pub(super) fn read<T: Decode>(text: &str) -> Option<T> {
    T::decode(&Parsed(JSON::parse(text).ok()?))
}

/// A value that `JSON.parse` made.
struct Parsed(JsValue);

impl Json for Parsed {
    fn member(&self, name: &str) -> Option<Self> {
        let member = Reflect::get(&self.0, &name.into()).ok()?;
        (!member.is_undefined() && !member.is_null()).then_some(Self(member))
    }

    fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    fn truth(&self) -> Option<bool> {
        self.0.as_bool()
    }

    fn items(&self) -> Option<Vec<Self>> {
        Some(self.0.dyn_ref::<Array>()?.iter().map(Self).collect())
    }
}
