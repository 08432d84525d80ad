//! The settings of retention, a part of [`super::Config`]: how much of each log is kept, and for how long.
//! `log::retention` is the timer, and the rule is in store/sqlite/trim.rs and store/postgres/trim.rs.

use clap::Args;

use super::values::{TimeSpan, within};

/// The retention of the feed and of the rooms, and the interval of trimming.
#[derive(Clone, Debug, Args)]
pub struct RetentionSettings {
    /// Number of newest feed entries to keep in full; older notifications stay until as many newer ones arrived
    #[arg(long, env = "IDOBATA_FEED_ENTRIES", default_value_t = 10_000, value_name = "N", value_parser = entries)]
    pub feed_entries: u64,

    /// How long to keep the feed's entries, such as 12h or 7d (times: 1s to 36500d in s, m, h, d, w)
    #[arg(long, env = "IDOBATA_FEED_AGE", default_value = "7d", value_name = "TIME")]
    pub feed_age: TimeSpan,

    /// Newest messages to keep in each room
    #[arg(long, env = "IDOBATA_ROOM_ENTRIES", default_value_t = 100_000, value_name = "N", value_parser = entries)]
    pub room_entries: u64,

    /// How long to keep messages
    #[arg(long, env = "IDOBATA_ROOM_AGE", default_value = "365d", value_name = "TIME")]
    pub room_age: TimeSpan,

    /// How long a repeated post is recognized, counted from when it was stored, even if it was removed since
    #[arg(long, env = "IDOBATA_CLIENT_ID_AGE", default_value = "30d", value_name = "TIME")]
    pub client_id_age: TimeSpan,

    // As long as somebody may ask who did something.
    /// How long the log of what administrators, owners and moderators did is kept
    #[arg(long, env = "IDOBATA_ACTION_AGE", default_value = "365d", value_name = "TIME")]
    pub action_age: TimeSpan,

    /// How often to remove what is no longer kept; a log may exceed its bounds by what arrives in this time
    #[arg(long, env = "IDOBATA_TRIM_INTERVAL", default_value = "60s", value_name = "TIME")]
    pub trim_interval: TimeSpan,
}

/// The retention of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest so many entries.
    pub entries: u64,
    /// Not older than this, in milliseconds.
    pub age_ms: i64,
    /// For this long, in milliseconds from its appending, the client id of a removed entry is remembered.
    pub client_id_age_ms: i64,
}

impl Retention {
    /// That of a room which was removed: nothing of it is kept.
    pub const NOTHING: Self = Self { entries: 0, age_ms: 0, client_id_age_ms: 0 };
}

impl RetentionSettings {
    /// Milliseconds for which the log of actions is kept.
    pub fn action_age_ms(&self) -> i64 {
        self.action_age.as_ms()
    }

    /// The feed's.
    pub fn of_feed(&self) -> Retention {
        self.of(self.feed_entries, self.feed_age)
    }

    /// Every room's.
    pub fn of_room(&self) -> Retention {
        self.of(self.room_entries, self.room_age)
    }

    /// Every user's.
    pub fn of_user(&self) -> Retention {
        // The state outlives the entries: they serve devices that were away, and it is the same however old they are.
        let client_id_age_ms = self.client_id_age.as_ms();
        Retention { entries: USER_ENTRIES, age_ms: i64::MAX, client_id_age_ms }
    }

    fn of(&self, entries: u64, age: TimeSpan) -> Retention {
        Retention { entries, age_ms: age.as_ms(), client_id_age_ms: self.client_id_age.as_ms() }
    }
}

/// The newest entries of a user's log: some days of marks. A device that was away for longer takes the whole state,
/// which is not much more.
const USER_ENTRIES: u64 = 1_000;

/// More than any disk holds, and no trouble to count with.
const ENTRIES_MAX: u64 = 1_000_000_000_000;

fn entries(text: &str) -> Result<u64, String> {
    within(text, 1..=ENTRIES_MAX)
}
