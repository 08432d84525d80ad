//! Parsers of the values of settings: times, numbers within a range, yes and no, addresses. The other files of `config`
//! call them. Every error must say what is accepted, with its range and unit.

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, str::FromStr, time::Duration};

/// A length of time in a setting, written as numbers with units, from [`TIME_MIN`] to [`TIME_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan(pub Duration);

/// Nothing here is measured more finely.
const TIME_MIN: Duration = Duration::from_secs(1);
/// A hundred years: enough for those who mean "for ever", and no sum of times overflows.
const TIME_MAX: Duration = Duration::from_secs(36_500 * 86_400);

impl TimeSpan {
    pub(super) fn as_ms(self) -> i64 {
        i64::try_from(self.0.as_millis()).expect("a hundred years are few milliseconds")
    }
}

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "{text:?} is not a time from 1s to 36500d: write numbers with s, m, h, d or w, such as 90s, 12h, 7d or \
                 1h30m"
            )
        };
        let time = humantime::parse_duration(text.trim()).map_err(|_| fault())?;
        (TIME_MIN..=TIME_MAX).contains(&time).then_some(Self(time)).ok_or_else(fault)
    }
}

/// A whole number within the range.
pub(super) fn within<T: FromStr + PartialOrd + Display>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{text:?} is not a whole number from {} to {}", range.start(), range.end()))
}

/// The units of sizes.
const SIZE_UNITS: [(&str, u64); 5] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];

/// Largest size: no disk has more, and no sum of two overflows.
const SIZE_MAX: u64 = 1 << 50;

/// A size in bytes: a whole number and `KiB`, `MiB`, `GiB` or `TiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let bytes = SIZE_UNITS.into_iter().find_map(|(unit, bytes)| {
        let (number, written) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
        let number: u64 = written.eq_ignore_ascii_case(unit).then(|| number.trim_end().parse().ok())??;
        number.checked_mul(bytes).filter(|bytes| *bytes <= SIZE_MAX)
    });
    bytes.ok_or_else(|| {
        format!("{text:?} is not a size from 0B to 1024TiB: write a whole number with KiB, MiB, GiB or TiB, such as 100MiB")
    })
}

/// The usual words for yes and no, in any case.
pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no: write true, yes, on or 1, or false, no, off or 0")),
    }
}

/// An address with a port.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    text.parse().map_err(|_| {
        format!(
            "{text:?} is not an IP address with a port from 0 to 65535: write for example 127.0.0.1:3000, [::1]:3000, \
             or 0.0.0.0:3000 for all addresses of this machine"
        )
    })
}

/// A text that is not empty. An empty one would be compared with, and nothing is equal to it.
pub(super) fn non_empty(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty; leave the setting out instead".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_numbers_and_units() {
        for (text, seconds) in [
            ("7d", 7 * 86_400),
            ("90s", 90),
            ("1w", 7 * 86_400),
            ("1h30m", 5_400),
            ("1h 30min", 5_400),
            ("7 days", 7 * 86_400),
            (" 12h ", 43_200),
            ("36500d", 36_500 * 86_400),
        ] {
            assert_eq!(text.parse(), Ok(TimeSpan(Duration::from_secs(seconds))), "{text:?}");
        }
        assert_eq!("1500ms".parse(), Ok(TimeSpan(Duration::from_millis(1_500))));
        for text in ["", "7", "d", "0d", "0", "-1d", "500ms", "36501d", "99999999999d", "7日", "soon"] {
            let fault = text.parse::<TimeSpan>().expect_err(text);
            assert!(fault.contains("from 1s to 36500d"), "{fault}");
        }
    }

    #[test]
    fn a_number_outside_of_its_range_is_rejected_with_the_range() {
        assert_eq!(within("10", 1..=10_u64), Ok(10));
        for text in ["0", "11", "-1", "1e1", "ten", "", "99999999999999999999999"] {
            let fault = within(text, 1..=10_u64).expect_err(text);
            assert!(fault.contains("from 1 to 10"), "{fault}");
        }
    }

    #[test]
    fn a_size_is_a_whole_number_and_a_unit() {
        for (text, bytes) in [
            ("0B", 0),
            ("10 KiB", 10 << 10),
            (" 100mib ", 100 << 20),
            ("2GiB", 2 << 30),
            ("1024TiB", 1 << 50),
            ("7b", 7),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text:?}");
        }
        for text in ["", "100", "MiB", "-1MiB", "1.5GiB", "1025TiB", "99999999999999999999GiB", "5花", "花B"]
        {
            let fault = size(text).expect_err(text);
            assert!(fault.contains("such as 100MiB"), "{fault}");
        }
    }

    #[test]
    fn yes_and_no_are_taken_as_they_are_usually_written() {
        for text in ["true", "TRUE", "yes", "Yes", "y", "on", "1", " 1 "] {
            assert_eq!(yes_or_no(text), Ok(true), "{text:?}");
        }
        for text in ["false", "False", "no", "n", "off", "OFF", "0"] {
            assert_eq!(yes_or_no(text), Ok(false), "{text:?}");
        }
        yes_or_no("maybe").expect_err("neither");
    }

    #[test]
    fn an_address_has_a_port() {
        listen_address("0.0.0.0:3000").expect("an address");
        listen_address(" [::1]:0 ").expect("an address");
        for text in ["", "3000", ":3000", "127.0.0.1", "127.0.0.1:70000", "everywhere"] {
            assert!(listen_address(text).expect_err(text).contains("0 to 65535"), "{text}");
        }
    }
}
