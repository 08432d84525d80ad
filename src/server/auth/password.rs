//! Passwords as they are kept: Argon2id (RFC 9106) with the crate's parameters, 19 MiB and two passes.
//!
//! Hashing takes tens of milliseconds of a core on purpose, so it runs on a thread of its own, and only so many at a
//! time: attempts to sign in must not take the whole server.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::protocol::problem::{Code, Rejection};

/// Shortest password, in characters (NIST SP 800-63B, 5.1.1.2).
pub const PASSWORD_MIN_CHARACTERS: usize = 8;
/// Longest password, in bytes: a long sentence, and no more work than that.
const PASSWORD_MAX_BYTES: usize = 256;

/// Hashings at the same time: 38 MiB.
static HASHINGS: Semaphore = Semaphore::const_new(2);

/// What is compared with when there is no such account, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody's password"));

/// Whether it may be one.
pub(super) fn check_form(password: &str) -> Result<(), Rejection> {
    let fits = password.chars().count() >= PASSWORD_MIN_CHARACTERS && password.len() <= PASSWORD_MAX_BYTES;
    fits.then_some(()).ok_or_else(|| {
        let message = format!("A password has at least {PASSWORD_MIN_CHARACTERS} characters.");
        Rejection::new(Code::BadPassword, message)
    })
}

/// The form that is kept (PHC string).
pub(super) async fn hash(password: &str) -> String {
    let password = password.to_owned();
    run(move || hash_now(&password)).await
}

/// Whether this password was hashed so. Takes as long without a hash, and is false then.
pub(super) async fn verify(password: &str, hash: Option<String>) -> bool {
    if password.len() > PASSWORD_MAX_BYTES {
        return false;
    }
    let password = password.to_owned();
    run(move || {
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&hash);
        let is_right =
            parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        is_right && is_somebody
    })
    .await
}

/// The permit goes along: who asked may be gone before the hashing ends, and its memory is not.
async fn run<T: Send + 'static>(hashing: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = HASHINGS.acquire().await.expect("never closed");
    let hashing = spawn_blocking(move || {
        let result = hashing();
        drop(permit);
        result
    });
    hashing.await.expect("hashing does not panic")
}

fn hash_now(password: &str) -> String {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).expect("the system gives random bytes");
    let salt = SaltString::encode_b64(&salt).expect("16 bytes make a salt");
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.expect("the parameters are the crate's own").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_as_a_hash_that_only_it_fits() {
        let kept = hash("correct horse").await;
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert_ne!(kept, hash("correct horse").await, "each has its salt");
        assert!(verify("correct horse", Some(kept.clone())).await);
        assert!(!verify("correct horsE", Some(kept.clone())).await);
        assert!(!verify(&"x".repeat(PASSWORD_MAX_BYTES + 1), Some(kept)).await);
        assert!(!verify("nobody's password", None).await, "nobody has no password");
        assert!(!verify("x", Some("damaged".into())).await);
    }

    #[test]
    fn a_short_or_endless_password_is_none() {
        check_form("8 signs!").expect("long enough");
        check_form("七文字の言葉です").expect("characters count");
        check_form("7 signs").expect_err("too short");
        check_form(&"x".repeat(PASSWORD_MAX_BYTES + 1)).expect_err("too long");
    }
}
