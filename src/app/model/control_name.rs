//! Names of controls that every row of a list has, for screen readers: each says which row it is for. The components call
//! it.

use super::direction::isolated;

/// Characters of a row's text in a name: enough to know the row by, and heard in a moment.
const ROW_CHARACTERS: usize = 60;

/// The name of the control `action` of the row with this text.
pub fn control_name(action: &str, row: &str) -> String {
    let mut characters = row.chars();
    let mut name: String = characters.by_ref().take(ROW_CHARACTERS).collect();
    if characters.next().is_some() {
        name.push('…');
    }
    format!("{action}: {}", isolated(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_action_and_the_beginning_of_the_row() {
        assert_eq!(control_name("Discard", "hello"), format!("Discard: {}", isolated("hello")));
        let long = control_name("Discard", &"あ".repeat(61));
        assert_eq!(long, format!("Discard: {}", isolated(&format!("{}…", "あ".repeat(60)))));
    }
}
