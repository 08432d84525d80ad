//! The error of a setting that can be read and makes no sense. Whoever finds it returns it; the program then ends with a
//! code of its own (`cli::exit`).

use thiserror::Error;

/// Settings that are readable and cannot be meant. The text names the setting and the fix.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct BadSetting(pub String);
