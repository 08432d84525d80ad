//! Accounts over a real database.

use super::*;
use crate::{
    protocol::cursor::Epoch,
    server::store::{Announce, Record, sqlite::SqliteStore},
};

struct Nobody;

impl Announce for Nobody {
    fn announce(&self, _: &Epoch, _: &[Record]) {}
}

fn accounts() -> (Accounts, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(Nobody)).expect("opened");
    (Accounts::new(Arc::new(store)), folder)
}

const PASSWORD: &str = "correct horse";

fn code(result: Result<Account, Error>) -> Option<Code> {
    result.err().map(|error| error.into_rejection().code)
}

#[tokio::test]
async fn the_first_administrator_has_a_link_that_works_once() {
    let (accounts, _folder) = accounts();
    let replaced = accounts.make_setup_link().await.expect("made").expect("nobody is there");
    let token = accounts.make_setup_link().await.expect("made").expect("nobody is there");
    assert_eq!(code(accounts.join(&replaced, "eve", PASSWORD).await), Some(Code::BadLink));
    assert_eq!(code(accounts.join(&token, "alice", "short").await), Some(Code::BadPassword));
    let alice = accounts.join(&token, "alice", PASSWORD).await.expect("joined");
    assert!(alice.is_admin);
    assert_eq!(code(accounts.join(&token, "eve", PASSWORD).await), Some(Code::BadLink));
    assert_eq!(accounts.make_setup_link().await.expect("asked"), None, "there is an administrator");
}

#[tokio::test]
async fn of_two_who_take_one_invitation_or_one_name_one_gets_it() {
    let (accounts, _folder) = accounts();
    let (one, other) =
        (accounts.invite("alice").await.expect("made"), accounts.invite("alice").await.expect("made"));
    let (first, second) =
        tokio::join!(accounts.join(&one, "bob", PASSWORD), accounts.join(&one, "carol", PASSWORD));
    let refused = [code(first), code(second)];
    assert!(refused.contains(&None) && refused.contains(&Some(Code::BadLink)), "{refused:?}");
    let name = accounts.list().await.expect("read")[0].name.to_uppercase();
    assert_eq!(code(accounts.join(&other, &name, PASSWORD).await), Some(Code::NameTaken));
    accounts.join(&other, "dave", PASSWORD).await.expect("the invitation was not used up");
}

#[tokio::test]
async fn a_revoked_or_expired_link_opens_nothing() {
    let (accounts, _folder) = accounts();
    let token = accounts.invite("alice").await.expect("made");
    let (id, _) = accounts.links().await.expect("read").remove(0);
    assert_ne!(id, token, "what is stored opens nothing");
    accounts.revoke(&id).await.expect("revoked");
    assert_eq!(code(accounts.join(&token, "bob", PASSWORD).await), Some(Code::BadLink));
    let past = accounts.make_link(Purpose::Setup, now_ms()).await.expect("made");
    assert_eq!(code(accounts.join(&past, "bob", PASSWORD).await), Some(Code::BadLink));
    assert!(accounts.links().await.expect("read").is_empty());
}

#[tokio::test]
async fn who_signs_in_needs_the_password_and_no_block() {
    let (accounts, _folder) = accounts();
    let admin = accounts.make_setup_link().await.expect("made").expect("nobody is there");
    accounts.join(&admin, "alice", PASSWORD).await.expect("joined");
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    assert_eq!(accounts.sign_in("BOB", PASSWORD).await.expect("signed in").id, bob.id);
    for (name, password) in [("bob", "wrong horse"), ("nobody", PASSWORD), ("\u{202e}", PASSWORD), ("", "")] {
        assert_eq!(code(accounts.sign_in(name, password).await), Some(Code::WrongPassword), "{name:?}");
    }
    let (session, _) = accounts.start_session(&bob, "Firefox").await.expect("started");
    assert!(accounts.signed_in(&bob.id, &session).await.expect("read").is_some());
    accounts.set_blocked(&bob.id, true).await.expect("blocked");
    assert_eq!(code(accounts.sign_in("bob", PASSWORD).await), Some(Code::WrongPassword));
    assert!(accounts.signed_in(&bob.id, &session).await.expect("read").is_none());
}

#[tokio::test]
async fn a_reset_changes_the_password_once() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let token = accounts.make_reset_link(&bob.id).await.expect("made");
    assert_eq!(
        code(accounts.join(&token, "eve", PASSWORD).await),
        Some(Code::BadLink),
        "it is for a password only"
    );
    accounts.reset(&token, "battery staple").await.expect("reset");
    assert_eq!(code(accounts.reset(&token, "another one").await), Some(Code::BadLink));
    assert_eq!(code(accounts.sign_in("bob", PASSWORD).await), Some(Code::WrongPassword));
    accounts.sign_in("bob", "battery staple").await.expect("signed in");
    accounts.change_password(&bob.id, PASSWORD, "a third one").await.expect_err("not the present one");
    accounts.change_password(&bob.id, "battery staple", "a third one").await.expect("changed");
    accounts.sign_in("bob", "a third one").await.expect("signed in");
}

#[tokio::test]
async fn there_is_always_an_administrator_left() {
    let (accounts, _folder) = accounts();
    let setup = accounts.make_setup_link().await.expect("made").expect("nobody is there");
    let alice = accounts.join(&setup, "alice", PASSWORD).await.expect("joined");
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    accounts.set_admin(&alice.id, false).await.expect_err("the last one");
    accounts.set_blocked(&alice.id, true).await.expect_err("the last one");
    accounts.remove(&alice.id).await.expect_err("the last one");
    accounts.set_admin(&bob.id, true).await.expect("made one");
    accounts.remove(&alice.id).await.expect("bob is left");
    assert!(accounts.find("alice").await.expect("read").is_none());
}

#[tokio::test]
async fn a_name_can_be_changed_and_is_free_then() {
    let (accounts, _folder) = accounts();
    let mut ids = Vec::new();
    for name in ["alice", "bob"] {
        let token = accounts.invite("root").await.expect("made");
        ids.push(accounts.join(&token, name, PASSWORD).await.expect("joined").id);
    }
    assert_eq!(code(accounts.rename(&ids[0], "Bob").await), Some(Code::NameTaken));
    assert_eq!(
        accounts.rename(&ids[0], "ALICE").await.expect("renamed").name,
        "ALICE",
        "the same but for its case"
    );
    accounts.rename(&ids[0], "carol").await.expect("renamed");
    accounts.rename(&ids[1], "alice").await.expect("it is free");
}

#[tokio::test]
async fn sessions_end_one_by_one_or_all_but_one() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let mut sessions = Vec::new();
    for agent in ["one", "two", "three"] {
        sessions.push(accounts.start_session(&bob, agent).await.expect("started").0);
    }
    accounts.end_session(&bob.id, &sessions[0]).await.expect("ended");
    accounts.end_others(&bob.id, Some(&sessions[1])).await.expect("ended");
    let left = accounts.sessions(&bob.id).await.expect("read");
    assert_eq!(
        left.iter().map(|(id, one)| (id, one.agent.as_str())).collect::<Vec<_>>(),
        [(&sessions[1], "two")]
    );
}

#[tokio::test]
async fn a_name_that_looks_like_somebodys_is_theirs() {
    let (accounts, _folder) = accounts();
    let invite = async || accounts.invite("alice").await.expect("made");
    accounts.join(&invite().await, "admin", PASSWORD).await.expect("joined");
    for name in ["ad\u{200d}min", "admin\u{fe0f}", "ＡＤＭＩＮ"] {
        assert_eq!(
            code(accounts.join(&invite().await, name, PASSWORD).await),
            Some(Code::NameTaken),
            "{name:?}"
        );
    }
    assert_eq!(accounts.sign_in("ａｄｍｉｎ", PASSWORD).await.expect("signed in").name, "admin");
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_proves_nothing() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let proved = accounts.sign_in("bob", PASSWORD).await.expect("signed in");
    let (first, second) = (
        accounts.make_reset_link(&bob.id).await.expect("made"),
        accounts.make_reset_link(&bob.id).await.expect("made"),
    );
    let invitation = accounts.invite("alice").await.expect("made");
    accounts.reset(&first, "battery staple").await.expect("reset");
    assert_eq!(
        code(accounts.reset(&second, "mine again").await),
        Some(Code::BadLink),
        "it ends with the first"
    );
    accounts.link(&invitation).await.expect("what is for others stays");
    let refused = accounts.start_session(&proved, "Firefox").await.err().map(Error::into_rejection);
    assert_eq!(refused.map(|rejection| rejection.code), Some(Code::WrongPassword));
    let third = accounts.make_reset_link(&bob.id).await.expect("made");
    accounts.change_password(&bob.id, "battery staple", "a third one").await.expect("changed");
    assert_eq!(code(accounts.reset(&third, "mine again").await), Some(Code::BadLink));
}

#[tokio::test]
async fn the_oldest_of_too_many_sessions_end_and_are_told() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let (first, surplus) = accounts.start_session(&bob, "the first").await.expect("started");
    assert_eq!(surplus, Vec::<String>::new());
    for _ in 0..49 {
        accounts.start_session(&bob, "another").await.expect("started");
    }
    // Renewed after all the others: it is not the oldest any more.
    accounts.renew_session(&bob.id, &first).await.expect("renewed");
    let (_, surplus) = accounts.start_session(&bob, "the last").await.expect("started");
    assert_eq!((surplus.len(), surplus.contains(&first)), (1, false));
    assert!(accounts.signed_in(&bob.id, &surplus[0]).await.expect("read").is_none());
    assert_eq!(accounts.sessions(&bob.id).await.expect("read").len(), 50);
}

#[tokio::test]
async fn a_session_of_an_earlier_version_is_over_and_stops_nobody() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let earlier = serde_json::json!({ "agent": "Firefox", "created_at": now_ms() });
    let step = Step::put(Kind::Session, format!("{}/earlier", bob.id), Expect::Absent, &earlier);
    accounts.directory.change(vec![step]).await.expect("written");
    assert!(accounts.signed_in(&bob.id, "earlier").await.expect("it can be read").is_none());
    let (_, surplus) = accounts.start_session(&bob, "Firefox").await.expect("started");
    assert_eq!(surplus, ["earlier"]);
}
