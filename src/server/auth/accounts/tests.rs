//! Accounts on a real database, and on several nodes.

use super::*;
use crate::{
    protocol::cursor::Epoch,
    server::{
        clock::now_ms,
        store::{
            Announce, Appended,
            postgres::{PostgresStore, cluster::Cluster},
            sqlite::SqliteStore,
        },
    },
};

struct NoAnnounce;

impl Announce for NoAnnounce {
    fn announce(&self, _: &Epoch, _: &[Appended]) {}
}

fn clock() -> Arc<Clock> {
    Arc::new(Clock::system(std::time::Duration::from_secs(86_400)))
}

fn accounts() -> (Accounts, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("test.db"), Arc::new(NoAnnounce)).expect("opened");
    (Accounts::new(Arc::new(store), clock()), folder)
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
    let session = accounts.start_session(&bob, "Firefox").await.expect("started");
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
    accounts.change_password(&bob.id, PASSWORD, "a third one", None).await.expect_err("not the present one");
    accounts.change_password(&bob.id, "battery staple", "a third one", None).await.expect("changed");
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
        sessions.push(accounts.start_session(&bob, agent).await.expect("started"));
    }
    accounts.end_session(&bob.id, &sessions[0]).await.expect("ended");
    accounts
        .change_password(&bob.id, PASSWORD, "battery staple", Some(&sessions[1]))
        .await
        .expect("changed from there");
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
    accounts.change_password(&bob.id, "battery staple", "a third one", None).await.expect("changed");
    assert_eq!(code(accounts.reset(&third, "mine again").await), Some(Code::BadLink));
}

#[tokio::test]
async fn the_oldest_of_too_many_sessions_end() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let mut sessions = Vec::new();
    for _ in 0..50 {
        sessions.push(accounts.start_session(&bob, "a browser").await.expect("started"));
    }
    assert_eq!(accounts.sessions(&bob.id).await.expect("read").len(), 50, "so many may be");
    // It is renewed after all the others, so it is not the oldest any more.
    accounts.renew_session(&bob.id, &sessions[0]).await.expect("renewed");
    let last = accounts.start_session(&bob, "the last").await.expect("started");
    let left: Vec<_> =
        accounts.sessions(&bob.id).await.expect("read").into_iter().map(|(id, _)| id).collect();
    assert_eq!((left.len(), left.contains(&last), left.contains(&sessions[0])), (50, true, true));
}

#[tokio::test]
async fn a_session_of_an_earlier_version_is_over_and_stops_nobody() {
    let (accounts, _folder) = accounts();
    let bob =
        accounts.join(&accounts.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    let earlier = serde_json::json!({ "agent": "Firefox", "created_at": now_ms() });
    let put = Mutation::put(Kind::Session, format!("{}/earlier", bob.id), Precondition::Absent, &earlier);
    accounts.documents.grant(vec![put]).await.expect("written");
    assert!(accounts.signed_in(&bob.id, "earlier").await.expect("it can be read").is_none());
    accounts.start_session(&bob, "Firefox").await.expect("started");
    let left = accounts.documents.get(Kind::Session, &format!("{}/earlier", bob.id)).await.expect("read");
    assert_eq!(left, None, "it gave its place");
}

/// The accounts of several nodes on one database. The nodes share nothing but the database.
async fn nodes<const COUNT: usize>() -> [Accounts; COUNT] {
    let url = Cluster::shared().fresh_database().await;
    let open = |_| async {
        let store = PostgresStore::open(&url.as_str().into(), 4, Arc::new(NoAnnounce)).await.expect("opened");
        Accounts::new(Arc::new(store), clock())
    };
    let nodes = futures_util::future::join_all((0..COUNT).map(open)).await;
    nodes.try_into().unwrap_or_else(|_| unreachable!("so many were opened"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_leave_an_administrator() {
    let [here, there] = nodes().await;
    let setup = here.make_setup_link().await.expect("made").expect("nobody is there");
    let alice = here.join(&setup, "alice", PASSWORD).await.expect("joined");
    let bob = here.join(&here.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    for n in 0..30 {
        here.set_admin(&alice.id, true).await.expect("made one");
        here.set_admin(&bob.id, true).await.expect("made one");
        // Each takes the other's right away in the same moment.
        let (one, other) = match n % 2 {
            0 => tokio::join!(here.set_admin(&alice.id, false), there.set_admin(&bob.id, false)),
            _ => tokio::join!(here.set_blocked(&alice.id, true), there.set_admin(&bob.id, false)),
        };
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let admins = here.list().await.expect("read").into_iter();
        assert_eq!(admins.filter(|one| one.is_admin && !one.is_blocked).count(), 1);
        there.set_blocked(&alice.id, false).await.expect("let in again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_outlives_a_block_or_another_password_at_another_node() {
    let [here, there] = nodes().await;
    let setup = here.make_setup_link().await.expect("made").expect("nobody is there");
    here.join(&setup, "alice", PASSWORD).await.expect("joined");
    let bob = here.join(&here.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    for n in 0..30 {
        let earlier = there.start_session(&bob, "earlier").await.expect("he is not blocked");
        let start = async {
            let renewed = there.renew_session(&bob.id, &earlier);
            let (renewed, started) = tokio::join!(renewed, there.start_session(&bob, "in this moment"));
            renewed.expect("answered");
            started
        };
        let (blocked, started) = tokio::join!(here.set_blocked(&bob.id, true), start);
        blocked.expect("blocked");
        assert!(here.sessions(&bob.id).await.expect("read").is_empty(), "round {n}: {started:?}");
        there.set_blocked(&bob.id, false).await.expect("let in again");
    }
    let reset = here.make_reset_link(&bob.id).await.expect("made");
    here.reset(&reset, "battery staple").await.expect("reset");
    let refused = there.start_session(&bob, "with the old one").await.err().map(Error::into_rejection);
    assert_eq!(refused.map(|rejection| rejection.code), Some(Code::WrongPassword));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_account_at_two_nodes_are_both_made() {
    let [here, there] = nodes().await;
    let setup = here.make_setup_link().await.expect("made").expect("nobody is there");
    here.join(&setup, "alice", PASSWORD).await.expect("joined");
    let bob = here.join(&here.invite("alice").await.expect("made"), "bob", PASSWORD).await.expect("joined");
    for n in 0..20 {
        let name = format!("bob{n}");
        let (renamed, changed) =
            tokio::join!(here.rename(&bob.id, &name), there.set_admin(&bob.id, n % 2 == 0));
        renamed.expect("renamed");
        changed.expect("changed");
        let found = here.account(&bob.id).await.expect("read").expect("he is there");
        assert_eq!((found.name, found.is_admin), (name, n % 2 == 0), "none was written over");
    }
    assert_eq!(code(there.rename(&bob.id, "Alice").await), Some(Code::NameTaken));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_that_start_the_first_link_that_is_used_makes_the_only_administrator() {
    let [one, other, third] = nodes().await;
    let (a, b, c) = tokio::join!(one.make_setup_link(), other.make_setup_link(), third.make_setup_link());
    let links = [a, b, c].map(|link| link.expect("made").expect("nobody is there"));
    let (a, b, c) = tokio::join!(
        other.join(&links[0], "alice", PASSWORD),
        third.join(&links[1], "bob", PASSWORD),
        one.join(&links[2], "carol", PASSWORD)
    );
    let answers = [code(a), code(b), code(c)];
    assert_eq!(answers.iter().filter(|code| code.is_none()).count(), 1, "{answers:?}");
    assert_eq!(one.list().await.expect("read").len(), 1);
    assert!(other.links().await.expect("read").is_empty(), "no other one is left");
    assert_eq!(third.make_setup_link().await.expect("asked"), None);
}
