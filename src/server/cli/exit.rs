//! How the program ends. `main` turns it into the exit code, on which a supervisor decides whether to start it again:
//! 0 after a clean stop, 1 for what may be over at the next start, [`BAD_SETTING`] for what will not, and 128 and the
//! signal's number when a second signal cut the clean stop short.

use thiserror::Error;

use crate::server::{
    auth::{SecretError, issuer::IssuerError},
    config::BadSetting,
};

/// A setting is wrong: starting again changes nothing. The same code as for a setting that cannot be read.
const BAD_SETTING: u8 = 2;
const FAILED: u8 = 1;
/// What shells add to a signal's number.
const SIGNALLED: u8 = 128;

/// A second signal came before the stop that the first one began was over.
#[derive(Debug, Error)]
#[error("ended at once, by a second signal; connections were cut, what was acknowledged is stored")]
pub struct Hurried {
    /// The second signal's number.
    pub signal: u8,
}

/// The exit code that says so.
pub fn code(error: &anyhow::Error) -> u8 {
    if let Some(Hurried { signal }) = error.downcast_ref() {
        return SIGNALLED + signal;
    }
    let is_setting = error.is::<BadSetting>()
        || error.is::<IssuerError>()
        || matches!(error.downcast_ref(), Some(SecretError::TooShort(_)));
    if is_setting { BAD_SETTING } else { FAILED }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn what_another_start_cannot_mend_has_a_code_of_its_own() {
        let bad: anyhow::Result<()> = Err(BadSetting("bad".to_owned()).into());
        assert_eq!(code(&bad.context("while starting").expect_err("bad")), 2);
        assert_eq!(code(&SecretError::TooShort(3).into()), 2);
        assert_eq!(code(&anyhow!("the database is away")), 1);
        assert_eq!(code(&Hurried { signal: 15 }.into()), 143);
    }
}
