//! The names of files in an archive, which lead nowhere and are each there once.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The folder of the files.
const FOLDER: &str = "files";
/// Names that Windows gives to devices, in any case and with any extension.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// Characters that an address has as they are.
const IN_ADDRESS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A name that every system can save: without what separates folders, and what Windows keeps for itself.
pub(super) fn of_file(name: &str) -> String {
    let safe: String = name.chars().map(|c| if is_kept(c) { c } else { '_' }).collect();
    let safe = safe.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let stem = safe.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_numbered = NUMBERED_DEVICES.iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    });
    if safe.is_empty() || is_numbered || DEVICES.contains(&stem.as_str()) {
        return format!("_{safe}");
    }
    safe.to_owned()
}

fn is_kept(c: char) -> bool {
    !c.is_control() && !matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// The path of a file in the archive. The folder of its id makes it the only one.
pub(super) fn of_content(id: &str, name: &str) -> String {
    format!("{FOLDER}/{}/{}", of_file(id), of_file(name))
}

/// The address of a path, from a page at the top of the archive.
pub(super) fn address(path: &str) -> String {
    utf8_percent_encode(path, IN_ADDRESS).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_can_be_saved_everywhere() {
        for (name, expected) in [
            ("photo 花.png", "photo 花.png"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a\\b:c|d?.txt", "a_b_c_d_.txt"),
            ("..", "_"),
            ("con.txt", "_con.txt"),
            ("COM1", "_COM1"),
            ("common.txt", "common.txt"),
            ("a\n.txt ", "a_.txt"),
        ] {
            assert_eq!(of_file(name), expected, "{name:?}");
        }
        assert_eq!(of_content("1f", "a/b"), "files/1f/a_b");
        assert_eq!(address("files/1f/a b#?.png"), "files/1f/a%20b%23%3F.png");
    }
}
