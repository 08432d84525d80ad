//! A point in time, in UTC: an account page has no script that would know the reader's time zone.

use cookie::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use leptos::prelude::*;

/// Renders `timestamp`, in milliseconds since the Unix epoch.
pub(super) fn time(timestamp: i64) -> impl IntoView + use<> {
    let moment = OffsetDateTime::from_unix_timestamp(timestamp.div_euclid(1_000)).ok();
    moment.map(|moment| {
        let datetime = moment.format(&Rfc3339).unwrap_or_default();
        view! { <time datetime=datetime>{to_text(moment)}</time> }
    })
}

/// Renders the day of `timestamp`.
pub(super) fn day(timestamp: i64) -> impl IntoView + use<> {
    let moment = OffsetDateTime::from_unix_timestamp(timestamp.div_euclid(1_000)).ok();
    moment.map(|moment| {
        let day = moment.date().to_string();
        let datetime = day.clone();
        view! { <time datetime=datetime>{day}</time> }
    })
}

fn to_text(moment: OffsetDateTime) -> String {
    let (date, hour, minute) = (moment.date(), moment.hour(), moment.minute());
    format!("{date} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        let html = Owner::new().with(|| time(1_795_348_799_000).to_html());
        assert_eq!(html, r#"<time datetime="2026-11-22T11:59:59Z">2026-11-22 11:59 UTC</time>"#);
    }
}
