//! The error of a setting that can be read and makes no sense. Any part of the start may return it; the program then
//! ends with a code of its own (`cli::exit`).

use thiserror::Error;

/// A setting that is readable and cannot be meant. The text names the setting and the fix.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct BadSetting(pub String);
