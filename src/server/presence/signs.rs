//! Signs of life: who of the users in rooms is away, because none of their devices has seen a sign of them for a while. The
//! chat notes the signs and passes on who went away and came back; readers of rooms learn it with the presence.
//!
//! A sign is something that a person does: a key or a pointer (the page says so, once a minute at most), a post, typing.
//! Not that a device is connected, nor that it marks what it shows as read. One time per user is enough, because a user
//! is away only if all their devices are. Nodes tell each other the signs, collected for a moment; a node that starts takes
//! all for active until they have been silent long enough. Nothing is stored.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::TICK;
use crate::server::cluster::backplane::{Backplane, MessageHandler};

/// The name of the subject between nodes: a list of ids.
pub const SIGNS_SUBJECT: &str = "signs";

/// Called with a user's id, and true if they went away, false if they came back. It may call presence.
type Changed = Box<dyn Fn(&str, bool) + Send + Sync>;

/// The signs of all users who are in rooms.
pub struct Signs {
    backplane: Arc<dyn Backplane>,
    away_after: Duration,
    changed: Changed,
    users: Mutex<HashMap<String, Sign>>,
    /// Held while a change is made and told, so that readers get the changes of a user in their order. It is never taken
    /// under the lock of presence.
    telling: Mutex<()>,
    /// Of this node, for the others.
    collected: Mutex<BTreeSet<String>>,
}

/// The last sign of one user.
#[derive(Clone, Copy)]
struct Sign {
    last: Instant,
    is_away: bool,
}

impl Signs {
    /// Signs of which the last makes a user away after this time. `changed` is called for every change.
    pub fn new(
        backplane: Arc<dyn Backplane>,
        away_after: Duration,
        changed: impl Fn(&str, bool) + Send + Sync + 'static,
    ) -> Self {
        Self {
            backplane,
            away_after,
            changed: Box::new(changed),
            users: Mutex::default(),
            telling: Mutex::default(),
            collected: Mutex::default(),
        }
    }

    /// Returns true if the user is in a room and away.
    pub fn is_away(&self, user_id: &str) -> bool {
        self.users.lock().get(user_id).is_some_and(|sign| sign.is_away)
    }

    /// Notes that a user came into a room. Only for a new one it is a sign: devices come back by themselves.
    pub fn note_entry(&self, user_id: &str) {
        let mut users = self.users.lock();
        if !users.contains_key(user_id) {
            users.insert(user_id.to_owned(), Sign { last: Instant::now(), is_away: false });
        }
    }

    /// Notes a sign that this node has seen.
    pub fn note(&self, user_id: &str) {
        if self.backplane.is_shared() {
            self.collected.lock().insert(user_id.to_owned());
        }
        self.take(user_id);
    }

    fn take(&self, user_id: &str) {
        let _telling = self.telling.lock();
        let sign = Sign { last: Instant::now(), is_away: false };
        let known = self.users.lock().insert(user_id.to_owned(), sign);
        if known.is_some_and(|known| known.is_away) {
            (self.changed)(user_id, false);
        }
    }

    /// Notes who went away, and forgets who is in no room any more. To be called about every second.
    pub fn sweep(&self, is_present: impl Fn(&str) -> bool) {
        let _telling = self.telling.lock();
        let is_silent = |sign: &Sign| sign.last.elapsed() >= self.away_after;
        let silent = |(id, sign): (&String, &Sign)| (is_silent(sign) && !sign.is_away).then(|| id.clone());
        let silent: Vec<_> = self.users.lock().iter().filter_map(silent).collect();
        for user_id in silent {
            if !is_present(&user_id) {
                self.users.lock().remove(&user_id);
                continue;
            }
            if let Some(sign) = self.users.lock().get_mut(&user_id) {
                sign.is_away = true;
            }
            (self.changed)(&user_id, true);
        }
    }

    /// Forgets those of who is away who are in no room any more. To be called now and then.
    pub fn forget(&self, is_present: impl Fn(&str) -> bool) {
        let away: Vec<_> = {
            let users = self.users.lock();
            users.iter().filter(|(_, sign)| sign.is_away).map(|(id, _)| id.clone()).collect()
        };
        for user_id in away.iter().filter(|id| !is_present(id)) {
            self.users.lock().remove(user_id);
        }
    }

    /// Tells the other nodes the signs that this node has seen, until `stop`. Returns at once on a server without other nodes.
    pub async fn exchange(&self, stop: CancellationToken) {
        if !self.backplane.is_shared() {
            return;
        }
        self.backplane.subscribe(SIGNS_SUBJECT);
        let mut ticks = tokio::time::interval(TICK);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let collected = std::mem::take(&mut *self.collected.lock());
            if !collected.is_empty() {
                let message = serde_json::to_string(&collected).expect("texts are serialized");
                self.backplane.publish(SIGNS_SUBJECT, message);
            }
        }
    }
}

/// Takes the messages on [`SIGNS_SUBJECT`].
impl MessageHandler for Signs {
    fn on_message(&self, _: &str, node: &str, message: &str) {
        match serde_json::from_str::<Vec<String>>(message) {
            Ok(users) => {
                for user_id in users {
                    // Of users who are in no room nothing is kept.
                    let is_known = self.users.lock().contains_key(&user_id);
                    if is_known {
                        self.take(&user_id);
                    }
                }
            }
            Err(error) => tracing::debug!(node, %error, "ignoring a node's malformed message of signs"),
        }
    }

    fn on_subscribed(&self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::cluster::backplane::Local;

    type Told = Arc<Mutex<Vec<(String, bool)>>>;

    fn signs(away_after: Duration) -> (Signs, Told) {
        let told = Told::default();
        let kept = told.clone();
        let changed = move |id: &str, is_away| kept.lock().push((id.to_owned(), is_away));
        (Signs::new(Arc::new(Local::new()), away_after, changed), told)
    }

    #[test]
    fn whoever_gives_no_sign_goes_away_once_and_comes_back_with_one() {
        let (signs, told) = signs(Duration::ZERO);
        signs.note_entry("a");
        assert!(!signs.is_away("a"));
        for _ in 0..2 {
            signs.sweep(|_| true);
        }
        assert!(signs.is_away("a"));
        signs.note_entry("a");
        assert!(signs.is_away("a"), "a device that comes back by itself is no sign");
        signs.note("a");
        signs.note("a");
        assert!(!signs.is_away("a"));
        assert_eq!(*told.lock(), [("a".into(), true), ("a".into(), false)]);
    }

    #[test]
    fn within_the_time_nobody_is_away_and_who_left_is_forgotten() {
        let (patient, told) = signs(Duration::from_secs(3_600));
        patient.note_entry("a");
        patient.sweep(|_| true);
        assert!(!patient.is_away("a") && told.lock().is_empty());
        let (signs, told) = signs(Duration::ZERO);
        signs.note_entry("a");
        signs.sweep(|_| false);
        assert!(signs.users.lock().is_empty() && told.lock().is_empty());
        signs.note_entry("a");
        signs.sweep(|_| true);
        signs.forget(|_| false);
        assert!(signs.users.lock().is_empty());
    }

    #[test]
    fn a_sign_on_another_node_counts_for_who_is_known_here() {
        let (signs, told) = signs(Duration::ZERO);
        signs.note_entry("a");
        signs.sweep(|_| true);
        signs.on_message(SIGNS_SUBJECT, "n", r#"["a","b"]"#);
        signs.on_message(SIGNS_SUBJECT, "n", "{}");
        assert!(!signs.is_away("a") && signs.users.lock().len() == 1);
        assert_eq!(told.lock().len(), 2);
    }
}
