//! The time of a message that is sent later: a duration, a Unix time or a timestamp, within the bounds of ntfy. `publish` asks
//! for it.

use jiff::Timestamp;

use super::{
    fault::{self, Fault},
    parameters::Parameters,
};
use crate::server::feed::scheduled::{DELAY_MAX_MS, DELAY_MIN_MS};

const DELAY: [&str; 3] = ["delay", "at", "in"];

/// Returns the parameter as it was sent; `None`: the message is for now.
pub(super) fn of(parameters: &Parameters<'_>) -> Option<String> {
    let is_asked = |text: &String| !matches!(&*text.to_ascii_lowercase(), "" | "0" | "no" | "false" | "now");
    parameters.text(&DELAY).filter(is_asked)
}

/// Parses it into milliseconds since the Unix epoch.
pub(super) fn parse(text: &str, now_ms: i64) -> Result<i64, Fault> {
    let at = time_of(text.trim(), now_ms).ok_or_else(|| {
        let reason = "delay is a time from now such as 30m, a Unix time in seconds, or a time such as 2026-12-24T18:00:00Z";
        Fault::new(fault::DELAY, reason)
    })?;
    match at.saturating_sub(now_ms) {
        delay if delay < DELAY_MIN_MS => {
            Err(Fault::new(fault::DELAY_TOO_SMALL, "a delay is 10 seconds or longer"))
        }
        delay if delay > DELAY_MAX_MS => {
            Err(Fault::new(fault::DELAY_TOO_LARGE, "a delay is 3 days or shorter"))
        }
        _ => Ok(at),
    }
}

fn time_of(text: &str, now_ms: i64) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    if let Ok(delay) = humantime::parse_duration(text) {
        return Some(now_ms.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)));
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    #[test]
    fn a_time_is_a_duration_a_unix_time_or_a_timestamp_within_the_bounds() {
        for (text, delay_ms) in [
            ("10s", 10_000),
            ("30m", 1_800_000),
            ("1h 30m", 5_400_000),
            ("3 days", DELAY_MAX_MS),
            ("1795000060", 60_000),
            ("2026-11-18T11:07:40Z", 60_000),
        ] {
            assert_eq!(parse(text, NOW).map(|at| at - NOW), Ok(delay_ms), "{text}");
        }
        for (text, known) in [
            ("9s", fault::DELAY_TOO_SMALL),
            ("1795000000", fault::DELAY_TOO_SMALL),
            ("-1", fault::DELAY_TOO_SMALL),
            ("4 days", fault::DELAY_TOO_LARGE),
            ("99999999999999999", fault::DELAY_TOO_LARGE),
            ("tomorrow, 10am", fault::DELAY),
            ("soon", fault::DELAY),
        ] {
            assert_eq!(parse(text, NOW).expect_err(text).known(), known, "{text}");
        }
    }
}
