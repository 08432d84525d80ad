//! The illustration of a page or list that has nothing to show: a well, at whose side people talk (井戸端, *idobata*). Pages and
//! lists draw it above the sentence that says what is missing.

use leptos::prelude::*;

const WELL: &str = "M28 36 60 12l32 24M38 29v31M82 29v31M38 36h44M60 36v9M53 45h14l-2 10H55zM30 60h60v18H30zM30 \
                    69h60M50 60v9M70 60v9M40 69v9M60 69v9M80 69v9";

/// Draws the illustration. It says nothing that the text beside it does not.
pub(crate) fn illustration() -> AnyView {
    view! {
        <svg class="illustration" viewBox="0 0 120 90" aria-hidden="true">
            <path d=WELL />
        </svg>
    }
    .into_any()
}
