//! Files of messages: what a reader is told of each, and its address. The chat stores and sends it, the routes link to it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{
    members::Members,
    problem::{Code, Rejection},
    text::clean_line,
};

/// Most files of a message: more are a folder, which is better sent as one archive.
pub const FILES_MAX: usize = 10;

/// Most characters of a description: a screen reader cannot stop within one.
pub const ALT_MAX_CHARACTERS: usize = 500;

/// The query of a file's address with which a page asks for a small picture in its place, if there is one.
pub const THUMBNAIL: &str = "thumbnail";

/// Characters of a name that an address has as they are.
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFile {
    /// The id that the upload was answered with.
    pub id: String,
    /// The name, without a path and without characters that hide or turn something.
    pub name: String,
    /// The media type, found in the content.
    #[serde(rename = "type")]
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The width of a picture as it is shown, in pixels, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The words in its place for who does not see it. Empty: it is decoration. `None`: its name is all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
}

/// A file as a new message names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NamedFile {
    /// The id that the upload was answered with.
    pub id: String,
    /// As [`MessageFile::alt`].
    #[serde(default)]
    pub alt: Option<String>,
}

impl NamedFile {
    /// Takes the files of a message: a list of ids, and of objects that describe a file as well.
    pub fn list_from(members: &mut Members) -> Result<Vec<Self>, Rejection> {
        let mut files = members.objects("files", "id", "file")?;
        files.iter_mut().map(Self::from_members).collect()
    }

    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let id = members.required_text(&["id"])?;
        let alt = members.verbatim_or_empty("alt")?.map(|alt| clean_line(&alt));
        if alt.as_ref().is_some_and(|alt| alt.chars().count() > ALT_MAX_CHARACTERS) {
            let message =
                format!("The description of a file (alt) has at most {ALT_MAX_CHARACTERS} characters.");
            return Err(Rejection::new(Code::BadRequest, message));
        }
        Ok(Self { id, alt })
    }
}

/// The address of a file. The name in it is for people; the id decides.
pub fn path_of_file(id: &str, name: &str) -> String {
    format!("/files/{id}/{}", encoded_name(name))
}

/// A name as addresses and headers have it: percent-encoded UTF-8.
pub fn encoded_name(name: &str) -> String {
    utf8_percent_encode(name, IN_ADDRESS).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_named_by_its_id_or_with_a_description() {
        let read = |files| {
            let mut members = Members::of(json!({ "files": files }), "body", Code::BadRequest)?;
            NamedFile::list_from(&mut members)
        };
        let file = |alt: Option<&str>| NamedFile { id: "1".into(), alt: alt.map(str::to_owned) };
        let given = json!(["1", null, { "id": "1" }, { "id": "1", "alt": "" }, { "id": "1", "alt": " a\n\u{202e}cat " }]);
        assert_eq!(read(given), Ok(vec![file(None), file(None), file(Some("")), file(Some("a cat"))]));
        assert_eq!(read(json!(null)), Ok(Vec::new()));
        for bad in [json!("1"), json!([7]), json!([{}]), json!([{ "id": "1", "alt": "a".repeat(501) }])] {
            assert_eq!(read(bad).expect_err("not a list of files").code, Code::BadRequest);
        }
    }
}
