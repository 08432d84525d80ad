//! Numbers in the format of the pages. The components and the feed's model call it. Written by hand, because the
//! standard library's formatting, which is exact for every number, is a good part of the browser's download.

/// The first number that is written with an exponent; below it three decimals are exact in an `i64`.
const LARGE: f64 = 1e12;

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
    let text = decimal(value, 3);
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
    fn a_count_has_no_zeros_at_its_end() {
        assert_eq!([3.0, 10.0, 2.5, 0.0].map(short), ["3", "10", "2.5", "0"].map(str::to_owned));
    }
}
