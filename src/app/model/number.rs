//! Numbers in the format of the pages. The components and the feed's model call it. Written by hand, because the
//! standard library's formatting, which is exact for every number, is a good part of the browser's download.

/// The first number that is written with an exponent; below it three decimals are exact in an `i64`.
const LARGE: f64 = 1e12;
/// Decimals of the smallest numbers.
const DECIMALS_MAX: u32 = 9;

/// `value` with `decimals` decimals.
pub fn decimal(value: f64, decimals: u32) -> String {
    if value.abs() >= LARGE {
        return with_exponent(value);
    }
    let scale = 10_u64.pow(decimals);
    let scaled = (value.abs() * scale as f64).round() as u64;
    let sign = if value < 0.0 && scaled > 0 { "-" } else { "" };
    match decimals {
        0 => format!("{sign}{scaled}"),
        _ => format!("{sign}{}.{:0width$}", scaled / scale, scaled % scale, width = decimals as usize),
    }
}

/// `value` with at most three decimals, without trailing zeros.
pub fn short(value: f64) -> String {
    trimmed(decimal(value, 3))
}

/// `value` as a reader needs it: as it is if two decimals do, or with four significant digits.
pub fn readable(value: f64) -> String {
    let (mut first, mut decimals) = (value.abs(), 0);
    if (value * 100.0).round() / 100.0 == value {
        decimals = 2;
    } else {
        while first < 1e3 && decimals < DECIMALS_MAX {
            (first, decimals) = (first * 10.0, decimals + 1);
        }
    }
    trimmed(decimal(value, decimals))
}

/// `value` as it was sent, for all that a sender writes: up to nine decimals, and three of a number beyond a million.
pub fn exact(value: f64) -> String {
    trimmed(decimal(value, if value.abs() < 1e6 { DECIMALS_MAX } else { 3 }))
}

fn trimmed(text: String) -> String {
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn with_exponent(value: f64) -> String {
    let (mut rest, mut exponent) = (value, 0);
    while rest.abs() >= 10.0 && rest.is_finite() {
        (rest, exponent) = (rest / 10.0, exponent + 1);
    }
    if rest.is_finite() { format!("{}e{exponent}", decimal(rest, 3)) } else { "∞".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_to_its_decimals() {
        for (value, text) in [
            (0.0, "0.000"),
            (12.5, "12.500"),
            (-0.125, "-0.125"),
            (-0.0001, "0.000"),
            (0.9996, "1.000"),
            (1e11, "100000000000.000"),
            (1.5e15, "1.500e15"),
        ] {
            assert_eq!(decimal(value, 3), text);
        }
        assert_eq!((decimal(2.25, 1), decimal(3.0, 0)), ("2.3".to_owned(), "3".to_owned()));
    }

    #[test]
    fn a_value_has_the_digits_that_a_reader_needs() {
        for (value, text, all) in [
            (0.0, "0", "0"),
            (9.0, "9", "9"),
            (45.678, "45.68", "45.678"),
            (99.25, "99.25", "99.25"),
            (1234.5, "1234.5", "1234.5"),
            (1234.567, "1235", "1234.567"),
            (-0.427, "-0.427", "-0.427"),
            (9.9996, "10", "9.9996"),
            (0.001_234_6, "0.001235", "0.0012346"),
            (2_345_678.125, "2345678", "2345678.125"),
            (1.5e15, "1.500e15", "1.500e15"),
        ] {
            assert_eq!((readable(value).as_str(), exact(value).as_str()), (text, all));
        }
    }

    #[test]
    fn a_count_has_no_zeros_at_its_end() {
        assert_eq!([3.0, 10.0, 2.5, 0.0].map(short), ["3", "10", "2.5", "0"].map(str::to_owned));
    }
}
