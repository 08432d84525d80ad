//! What is heard within one frame of the screen is taken in together. A page that a thousand messages a second come
//! into draws sixty times a second and not a thousand, and typing finds its turn in between.

use leptos::prelude::*;

use crate::client::dom::page;

/// What was heard and not taken in yet, in order.
pub(super) struct Batch<T: Send + Sync + 'static>(StoredValue<Vec<T>>);

// A handle, whatever it holds.
impl<T: Send + Sync + 'static> Copy for Batch<T> {}

impl<T: Send + Sync + 'static> Clone for Batch<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Batch<T> {
    pub(super) fn new() -> Self {
        Self(StoredValue::new(Vec::new()))
    }

    /// Adds what was heard. `take_in` is called for the first, before the next painting, to [`Batch::drain`].
    pub(super) fn add(self, heard: T, take_in: impl Fn() + Clone + 'static) {
        let is_first = self.0.try_update_value(|batch| {
            batch.push(heard);
            batch.len() == 1
        });
        if is_first == Some(true) {
            page::before_painting(take_in);
        }
    }

    /// Takes everything out.
    pub(super) fn drain(self) -> Vec<T> {
        self.0.try_update_value(std::mem::take).unwrap_or_default()
    }
}
