//! Files of messages: what a reader is told of each, and its address. The chat stores and sends it, the routes link to it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::chat::is_default;

/// Most files of a message: more are a folder, which is better sent as one archive.
pub const FILES_MAX: usize = 10;

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
    #[serde(default, skip_serializing_if = "is_default")]
    pub width: Option<u32>,
    /// Its height.
    #[serde(default, skip_serializing_if = "is_default")]
    pub height: Option<u32>,
}

/// The address of a file. The name in it is for people; the id decides.
pub fn path_of_file(id: &str, name: &str) -> String {
    format!("/files/{id}/{}", encoded_name(name))
}

/// A name as addresses and headers have it: percent-encoded UTF-8.
pub fn encoded_name(name: &str) -> String {
    utf8_percent_encode(name, IN_ADDRESS).to_string()
}
