//! Password hashes: Argon2id (RFC 9106) with the crate's parameters, 19 MiB and two passes. The accounts call it. A
//! password itself is never stored or logged.
//!
//! Hashing takes tens of milliseconds of a core on purpose, so it runs on a blocking thread, and only [`HASHINGS`] at a
//! time: attempts to sign in must not take the whole server.

use std::{borrow::Cow, sync::LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use icu_normalizer::ComposingNormalizerBorrowed;
use tokio::{sync::Semaphore, task::spawn_blocking};
use unicode_segmentation::UnicodeSegmentation;

use crate::protocol::problem::{Code, Rejection};

/// Shortest password, in characters (NIST SP 800-63B, 5.1.1.2).
pub const PASSWORD_MIN_CHARACTERS: usize = 8;
/// Longest password, in characters: a few sentences, and no more work than that.
const PASSWORD_MAX_CHARACTERS: usize = 256;
/// Longest password, in bytes: so many characters fit into it in any script. Only stacked combining marks exceed it.
const PASSWORD_MAX_BYTES: usize = 4 * 1024;

/// Concurrent hashings: 38 MiB.
static HASHINGS: Semaphore = Semaphore::const_new(2);

/// The hash to compare with when there is no such account, so that the answer takes the same time.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody's password"));

/// Checks the length of a new password. Characters are graphemes, as a person counts them.
pub(super) fn check_form(password: &str) -> Result<(), Rejection> {
    let too_long = |bound: String| Rejection::new(Code::PasswordTooLong, bound);
    // Checked first: counting takes time.
    if password.len() > PASSWORD_MAX_BYTES || normalized(password).len() > PASSWORD_MAX_BYTES {
        return Err(too_long(format!("A password has at most {PASSWORD_MAX_BYTES} bytes.")));
    }
    match normalized(password).graphemes(true).count() {
        ..PASSWORD_MIN_CHARACTERS => Err(Rejection::new(
            Code::BadPassword,
            format!("A password has at least {PASSWORD_MIN_CHARACTERS} characters."),
        )),
        PASSWORD_MIN_CHARACTERS..=PASSWORD_MAX_CHARACTERS => Ok(()),
        _ => Err(too_long(format!("A password has at most {PASSWORD_MAX_CHARACTERS} characters."))),
    }
}

/// The NFKC form, so that one password has one form: the bytes that a keyboard sends for an accent or a full-width
/// letter depend on the system (NIST SP 800-63B, 5.1.1.2).
fn normalized(password: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(password)
}

/// The hash to store, as a PHC string.
pub(super) async fn hash(password: &str) -> String {
    let password = normalized(password).into_owned();
    run(move || hash_now(&password)).await
}

/// Returns true if this is the password of the hash. Without a hash it takes the same time and returns false.
///
/// Before passwords were normalized they were hashed as typed: that form is tried as well.
pub(super) async fn verify(password: &str, hash: Option<String>) -> bool {
    if password.len() > PASSWORD_MAX_BYTES {
        return false;
    }
    let password = password.to_owned();
    run(move || {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let normal = normalized(&password);
        let as_typed = (normal != password).then_some(password.as_str());
        let is_right = PasswordHash::new(&hash).is_ok_and(|hash| {
            let fits = |form: &str| Argon2::default().verify_password(form.as_bytes(), &hash).is_ok();
            fits(&normal) || as_typed.is_some_and(fits)
        });
        is_right && is_known
    })
    .await
}

/// Runs a hashing on a blocking thread. The permit goes with it: the caller may be gone before the hashing ends, while
/// its memory is still in use.
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

    #[tokio::test]
    async fn a_password_is_the_same_however_a_system_writes_it() {
        let kept = hash("Zo\u{eb} ｐａｓｓｗｏｒｄ").await;
        for typed in ["Zoe\u{308} password", "Zo\u{eb} ｐａｓｓｗｏｒｄ", "Zo\u{eb} password"] {
            assert!(verify(typed, Some(kept.clone())).await, "{typed:?}");
        }
        assert!(!verify("Zoe password", Some(kept)).await, "an accent counts");
    }

    #[tokio::test]
    async fn one_that_was_hashed_as_it_was_typed_still_is_right() {
        let kept = hash_now("Zoe\u{308} password");
        assert!(verify("Zoe\u{308} password", Some(kept.clone())).await);
        assert!(!verify("Zo\u{eb} password", Some(kept)).await, "this is what it was before");
    }

    #[test]
    fn a_short_or_endless_password_is_none_and_each_is_told() {
        let code = |password: &str| check_form(password).err().map(|refused| refused.code);
        for password in ["8 signs!", "七文字の言葉です", "👨‍👩‍👧‍👦1234567", &"パ".repeat(256), &"👨‍👩‍👧‍👦".repeat(100)]
        {
            assert_eq!(code(password), None, "{password}");
        }
        for password in ["", "7 signs", "👨‍👩‍👧‍👦123456", "e\u{301}234567"] {
            assert_eq!(code(password), Some(Code::BadPassword), "{password}");
        }
        for password in ["x".repeat(257), "パ".repeat(257), "e".repeat(5_000), "\u{fdfa}".repeat(250)] {
            assert_eq!(code(&password), Some(Code::PasswordTooLong), "{password}");
        }
    }
}
