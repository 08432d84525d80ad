//! Batches: everything that is received within one frame of the screen is applied together. A page that receives a
//! thousand messages a second draws sixty times a second and not a thousand, and typing gets its turn in between.

use leptos::prelude::*;

use crate::client::dom::page;

/// The items that were received and not applied yet, in order.
pub(super) struct Batch<T: Send + Sync + 'static>(StoredValue<Vec<T>>);

// By hand: derived ones would ask for `T: Copy`.
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

    /// Adds an item. The first one schedules `apply`, which is to [`Batch::drain`], before the next frame is painted.
    pub(super) fn add(self, item: T, apply: impl Fn() + Clone + 'static) {
        let is_first = self.0.try_update_value(|batch| {
            batch.push(item);
            batch.len() == 1
        });
        if is_first == Some(true) {
            page::before_next_frame(apply);
        }
    }

    /// Takes everything out.
    pub(super) fn drain(self) -> Vec<T> {
        self.0.try_update_value(std::mem::take).unwrap_or_default()
    }
}
