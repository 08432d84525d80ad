//! The HTML of a message's files, below that of its text. `encoding` puts it into the `html` of the message, so that pages
//! show files without code of their own.
//!
//! Names come from people: everything here is escaped.

use html_escape::{encode_double_quoted_attribute, encode_text};

use crate::protocol::file::{MessageFile, THUMBNAIL, path_of_file};

/// Width and height of the largest picture below a message, in CSS pixels: three of them fit on a screen.
const SHOWN_MAX: (u32, u32) = (480, 320);

/// The HTML of a message with files. A text that is only their names is not shown above them.
pub(super) fn html_with_files(html: Option<String>, text: &str, files: &[MessageFile]) -> Option<String> {
    if files.is_empty() {
        return html;
    }
    let mut shown = match text == names_of(files) {
        true => String::new(),
        false => html.unwrap_or_else(|| format!("<p dir=\"auto\">{}</p>", encode_text(text))),
    };
    shown.push_str("<ul class=\"files\">");
    for file in files {
        shown.push_str("<li>");
        shown.push_str(&html_of(file));
        shown.push_str("</li>");
    }
    shown.push_str("</ul>");
    Some(shown)
}

/// The names of files, which are the text of a message that has no other.
pub(super) fn names_of(files: &[MessageFile]) -> String {
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    names.join(", ")
}

fn html_of(file: &MessageFile) -> String {
    let url = path_of_file(&file.id, &file.name);
    let name = encode_double_quoted_attribute(&file.name);
    // Words for who does not see or hear it. Decoration has none, and the link to it still has the name.
    let alt = encode_double_quoted_attribute(file.alt.as_deref().unwrap_or(&file.name));
    let words = if alt.is_empty() { &name } else { &alt };
    match file.media_type.split('/').next() {
        Some("image") if is_picture(file) => {
            // With its size the page leaves room for it, and nothing moves when it has come.
            let size = match (file.width, file.height) {
                (Some(width), Some(height)) => {
                    let (width, height) = shown_size(width, height);
                    format!(" width=\"{width}\" height=\"{height}\"")
                }
                _ => String::new(),
            };
            // It stands still until it is opened.
            let moves = match file.media_type.as_str() {
                "image/gif" => "<span aria-hidden=\"true\">▶ GIF</span>",
                "image/apng" => "<span aria-hidden=\"true\">▶ PNG</span>",
                _ => "",
            };
            format!(
                "<a class=\"picture\" href=\"{url}\" rel=\"external\" title=\"{name}\" aria-label=\"{words}\">\
                 <img src=\"{url}?{THUMBNAIL}\" alt=\"{alt}\" loading=\"lazy\"{size}>{moves}</a>"
            )
        }
        Some("audio") if is_heard(file) => {
            format!("<audio controls preload=\"none\" src=\"{url}\" aria-label=\"{words}\"></audio>")
        }
        Some("video") if is_seen(file) => {
            format!("<video controls preload=\"metadata\" src=\"{url}\" aria-label=\"{words}\"></video>")
        }
        _ => {
            let (name, size) = (encode_text(&file.name), size_of(file.size));
            // public/pictures.js shows its first lines.
            let text = if file.media_type == "text/plain" { " data-text" } else { "" };
            format!(
                "<a href=\"{url}\" rel=\"external\"{text}><bdi>{name}</bdi></a> <span class=\"muted\">{size}</span>"
            )
        }
    }
}

/// The size at which a picture stands below a message, in CSS pixels.
fn shown_size(width: u32, height: u32) -> (u32, u32) {
    let scale = f64::from(SHOWN_MAX.0) / f64::from(width.max(1));
    let scale = scale.min(f64::from(SHOWN_MAX.1) / f64::from(height.max(1))).min(1.0);
    let scaled = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    (scaled(width), scaled(height))
}

/// The pictures that every browser shows.
fn is_picture(file: &MessageFile) -> bool {
    matches!(
        file.media_type.as_str(),
        "image/png" | "image/apng" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif"
    )
}

fn is_heard(file: &MessageFile) -> bool {
    matches!(
        file.media_type.as_str(),
        "audio/mpeg" | "audio/m4a" | "audio/aac" | "audio/ogg" | "audio/x-flac" | "audio/x-wav"
    )
}

fn is_seen(file: &MessageFile) -> bool {
    matches!(file.media_type.as_str(), "video/mp4" | "video/webm" | "video/x-m4v" | "video/quicktime")
}

/// A size as people read it, with three digits or so.
fn size_of(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) if bytes >= 10 * size => format!("{} {unit}", bytes / size),
        Some((unit, size)) => format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, media_type: &str) -> MessageFile {
        MessageFile {
            id: "1".into(),
            name: name.into(),
            media_type: media_type.into(),
            size: 12_345,
            ..MessageFile::default()
        }
    }

    #[test]
    fn a_name_is_escaped_wherever_it_stands() {
        let name = "\"><script>alert('1')</script>.png";
        for media_type in
            ["image/png", "audio/mpeg", "video/mp4", "text/plain", "application/zip", "image/svg+xml"]
        {
            let html = html_with_files(None, "<b>\n&", &[file(name, media_type)]).expect("it has a file");
            assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
            assert!(html.starts_with("<p dir=\"auto\">&lt;b&gt;\n&amp;</p><ul"), "{html}");
        }
    }

    #[test]
    fn a_picture_says_how_large_it_is_and_what_runs_is_only_a_link() {
        let picture = MessageFile { width: Some(3), height: Some(4), ..file("a.png", "image/png") };
        let html = html_with_files(Some("<p>text</p>".into()), "text", std::slice::from_ref(&picture))
            .expect("it has one");
        assert!(html.starts_with("<p>text</p>") && html.contains("width=\"3\" height=\"4\""), "{html}");
        let described = |alt: &str| {
            let file = MessageFile { alt: Some(alt.into()), ..picture.clone() };
            html_with_files(None, "x", &[file]).expect("it has one")
        };
        let html = described("a \"cat\"");
        assert!(html.contains("alt=\"a &quot;cat&quot;\"") && html.contains("title=\"a.png\""), "{html}");
        let html = described("");
        assert!(html.contains("alt=\"\"") && html.contains("aria-label=\"a.png\""), "{html}");
        let html = html_with_files(None, "a.png", std::slice::from_ref(&picture)).expect("it has one");
        assert!(html.starts_with("<ul"), "its name is not its text: {html}");
        let html = html_with_files(None, "x", &[file("a.svg", "image/svg+xml")]).expect("it has one");
        assert!(!html.contains("<img") && html.contains("12 kB"), "{html}");
        assert_eq!(html_with_files(None, "x", &[]), None);
    }

    #[test]
    fn a_large_picture_is_shown_smaller_in_the_same_proportions() {
        for (size, shown) in [
            ((480, 320), (480, 320)),
            ((4800, 3200), (480, 320)),
            ((3000, 4000), (240, 320)),
            ((100_000, 10), (480, 1)),
            ((0, 0), (1, 1)),
        ] {
            assert_eq!(shown_size(size.0, size.1), shown);
        }
    }

    #[test]
    fn a_size_has_its_unit() {
        for (bytes, expected) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (1_290, "1.2 kB"), (10_000_000, "10 MB")]
        {
            assert_eq!(size_of(bytes), expected);
        }
    }
}
