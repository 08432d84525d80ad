//! The exit code of an error; `main` asks for it. A supervisor decides by it whether to start the program again: 0
//! after a clean stop, 1 for what may be over at the next start, [`BAD_SETTING`] for what will not, and 128 plus the
//! signal's number when a second signal cut the clean stop short. The commands that talk to a server have two more, of
//! sysexits.h: [`UNAVAILABLE`] and [`TRY_AGAIN`].

use thiserror::Error;

use super::{client::error::ClientError, signals::SIGNALLED};
use crate::server::{
    auth::{SecretError, issuer::IssuerError},
    config::BadSetting,
};

/// A setting is wrong: starting again changes nothing. clap ends with the same code for a setting that it cannot parse.
const BAD_SETTING: u8 = 2;
const FAILED: u8 = 1;
/// The server of a client's command cannot be reached (`EX_UNAVAILABLE`).
const UNAVAILABLE: u8 = 69;
/// The server takes nothing now, or what was to be sent waits on this machine (`EX_TEMPFAIL`).
const TRY_AGAIN: u8 = 75;

/// A second signal came before the stop that the first one began had ended.
#[derive(Debug, Error)]
#[error(
    "stopped at once by a second signal; open connections were closed, everything acknowledged is stored"
)]
pub struct ForcedStop {
    /// The second signal's number.
    pub signal: u8,
}

/// The exit code of the error that ended the program.
pub fn code(error: &anyhow::Error) -> u8 {
    if let Some(ForcedStop { signal }) = error.downcast_ref() {
        return SIGNALLED + signal;
    }
    match error.downcast_ref() {
        Some(ClientError::Unreachable { .. }) => return UNAVAILABLE,
        Some(ClientError::Busy { .. } | ClientError::Kept { .. }) => return TRY_AGAIN,
        Some(ClientError::Refused { .. }) | None => {}
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
        assert_eq!(code(&ClientError::Kept { lines: 3, path: "spool".into() }.into()), 75);
        assert_eq!(code(&ForcedStop { signal: 15 }.into()), 143);
    }
}
