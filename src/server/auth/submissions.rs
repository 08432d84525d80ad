//! A form that is sent twice (pressed twice, or sent again by a reload) is done once. Each drawn form has a one-time id;
//! what is stored by it gets its own id from that, so that the second time finds what the first one stored, at whichever
//! node. Forms' handlers ask for it; it stores nothing.
//!
//! The contents count too: a browser that goes back shows the old form, and what is typed there then is something new.

use super::secret::{Secret, random_token};

/// See the module.
pub struct Submissions(Secret);

/// One sending of a form. Not shown by `Debug`: tokens are made of it.
#[derive(Clone)]
pub struct Submission(String);

impl Submissions {
    /// Keyed, so that nobody can tell from a form's id what is derived from it.
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// The same for the same form, person and contents. Without an id (`None`) each is another one.
    pub fn of(&self, user_id: &str, once: Option<&str>, contents: &[&str]) -> Submission {
        let Some(once) = once else { return Submission(random_token() + &random_token()) };
        let purpose = serde_json::to_string(&("form", user_id, once, contents)).expect("texts are JSON");
        Submission(self.0.derive(&purpose))
    }
}

impl Submission {
    /// 64 hexadecimal digits that nobody can guess.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// A part of them as a secret of its own: two of these tell nothing of each other.
    pub fn halves(&self) -> (&str, &str) {
        self.0.split_at(self.0.len() / 2)
    }

    /// A client id for a message.
    pub fn client_id(&self) -> String {
        let (half, _) = self.halves();
        uuid::Uuid::try_parse(half).expect("32 hexadecimal digits").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_form_with_the_same_contents_is_one_submission() {
        let secret = Secret::from_setting(&"s".repeat(32)).expect("long enough");
        let submissions = Submissions::new(secret);
        let of = |user: &str, once: Option<&str>, text: &str| {
            submissions.of(user, once, &["general", text]).client_id()
        };
        assert_eq!(of("1", Some("a"), "hello"), of("1", Some("a"), "hello"));
        for (user, once, text) in
            [("2", Some("a"), "hello"), ("1", Some("b"), "hello"), ("1", Some("a"), "hello!")]
        {
            assert_ne!(of("1", Some("a"), "hello"), of(user, once, text), "{user} {once:?} {text}");
        }
        assert_ne!(of("1", None, "hello"), of("1", None, "hello"), "a program's own form has no id");
        assert_ne!(
            submissions.of("1", Some("a"), &["b", "c"]).digits(),
            submissions.of("1", Some("a"), &["bc"]).digits()
        );
    }
}
