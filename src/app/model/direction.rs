//! The direction of a text where no element can keep it apart from its neighbours: titles of documents, labels,
//! units after numbers. Pages and account pages call it.

/// The text between U+2068 and U+2069 (first strong isolate, UAX #9) if it has characters that are written from right
/// to left; unchanged otherwise.
pub fn isolated(text: &str) -> String {
    match text.chars().any(is_right_to_left) {
        true => format!("\u{2068}{text}\u{2069}"),
        false => text.to_owned(),
    }
}

/// The blocks of the scripts that are written from right to left (UAX #9, 3.2), and the marks of that direction.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
        || matches!(c, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_right_to_left_is_kept_apart() {
        for text in ["שלום", "غرفة 1", "a שלום", "𐤀"] {
            assert_eq!(isolated(text), format!("\u{2068}{text}\u{2069}"));
        }
        for text in ["", "general", "井戸端", "kWh", "Ω", "z\u{336}\u{310}", "👩‍💻"] {
            assert_eq!(isolated(text), text);
        }
    }
}
