//! A small plot of a series. Value cards draw it.

use leptos::prelude::*;

use crate::app::model::feed::{Series, plot_points};

/// The plot's own units; the style scales it.
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 32.0;
/// Keeps the thickness of the line inside the box at the extremes.
const MARGIN: f64 = 2.0;
const VIEW_BOX: &str = "0 -2 120 32";

/// The plot. `label` is its text for screen readers.
#[component]
pub(crate) fn Plot(series: Memo<Option<Series>>, label: String) -> impl IntoView {
    let points = move || {
        series.with(|series| {
            series
                .as_ref()
                .map(|series| plot_points(&series.points, WIDTH, HEIGHT - 2.0 * MARGIN))
                .unwrap_or_default()
        })
    };
    view! {
        <svg
            class="plot"
            role="img"
            aria-label=label
            viewBox=VIEW_BOX
            preserveAspectRatio="none"
        >
            <polyline points=move || points() vector-effect="non-scaling-stroke" />
        </svg>
    }
}
