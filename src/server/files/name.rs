//! The name of a file, made safe to show and to save. `mod.rs` calls it for every name that comes from outside.

/// Longest name in bytes: what every file system takes.
const NAME_MAX_BYTES: usize = 255;
/// Longest extension that a cut keeps, with its dot.
const EXTENSION_MAX_BYTES: usize = 32;
/// The name of a file that has none.
const NAMELESS: &str = "file";

/// The name without what leads out of a folder or looks like something else: its last part, without control characters and
/// those that turn the direction of a text (`gnp.exe` would look like `exe.png`), and at most [`NAME_MAX_BYTES`] long. A cut
/// keeps the extension.
pub(super) fn cleaned(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !c.is_control() && !turns_or_hides(*c)).collect();
    // A leading dot hides a file, and a trailing one is dropped by some systems.
    let name = visible.trim_matches(|c: char| c == '.' || c.is_whitespace());
    match name {
        "" => NAMELESS.to_owned(),
        _ => cut(name),
    }
}

/// Characters that turn the direction of what follows, or separate lines, or cannot be seen. Joiners stay: emoji and several
/// scripts need them.
fn turns_or_hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

fn cut(name: &str) -> String {
    if name.len() <= NAME_MAX_BYTES {
        return name.to_owned();
    }
    let extension = name.rfind('.').map(|dot| &name[dot..]).filter(|end| end.len() <= EXTENSION_MAX_BYTES);
    let extension = extension.unwrap_or_default();
    let stem = &name[..name.floor_char_boundary(NAME_MAX_BYTES - extension.len())];
    format!("{}{extension}", stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_looks_like_what_it_is() {
        for (name, expected) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\花見.jpg", "花見.jpg"),
            ("..", "file"),
            ("", "file"),
            (" . ", "file"),
            (".htaccess", "htaccess"),
            ("a\0b\r\nc\u{7f}.txt", "abc.txt"),
            ("photo\u{202e}gnp.exe", "photognp.exe"),
            ("a\u{200b}b\u{feff}.txt", "ab.txt"),
            ("👩\u{200d}👧.png", "👩\u{200d}👧.png"),
            ("report. ", "report"),
        ] {
            assert_eq!(cleaned(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension_and_whole_characters() {
        let long = cleaned(&format!("{}.tar.gz", "😀".repeat(255)));
        assert!(long.len() <= NAME_MAX_BYTES && long.ends_with("😀.gz"), "{long}");
        let no_extension = cleaned(&format!("a.{}", "x".repeat(400)));
        assert_eq!(no_extension.len(), NAME_MAX_BYTES);
    }
}
