//! Readers of every room at every node, and the check that each of them has every entry once and in order.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{
    super::{
        Fault,
        load::{Load, Outcome},
        reader::{Reader, Transport},
        record::Record,
    },
    installation::Nodes,
};

/// A reader that does not have everything by then counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The running readers.
pub(crate) struct Crowd {
    members: Vec<Member>,
    _readings: JoinSet<()>,
}

struct Member {
    node: usize,
    room: usize,
    record: Record,
}

/// The result of a successful check.
#[derive(Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) messages: u64,
    pub(crate) deliveries: u64,
}

impl Crowd {
    /// Connects `each` sockets to each room at each node, and waits until all are live.
    pub(crate) async fn gather(nodes: &Nodes, each: usize) -> Result<Self, Fault> {
        let began = Instant::now();
        let (mut members, mut readings) = (Vec::new(), JoinSet::new());
        for (node, server) in nodes.servers.iter().enumerate() {
            for (index, room) in nodes.rooms.iter().enumerate() {
                for _ in 0..each {
                    let start = (room.epoch.as_str(), 0);
                    let reader = Reader::new(Transport::Socket, server.address, &nodes.token, start);
                    let reader = reader.in_room(&room.name);
                    members.push(Member { node, room: index, record: reader.record.clone() });
                    readings.spawn(reader.read());
                }
            }
        }
        let crowd = Self { members, _readings: readings };
        crowd.wait_for("is live", |member| member.record.back_at(began, 0).is_some()).await?;
        Ok(crowd)
    }

    /// Checks that acknowledged posts have distinct offsets without gaps, and that every reader has them all. Each
    /// reader has checked its offsets while reading: no entry is missing, twice or out of order.
    pub(crate) async fn expect_all(&self, nodes: &Nodes, outcome: &Outcome) -> Result<Whole, Fault> {
        if !outcome.unacknowledged.is_empty() {
            return Err(format!("{} posts were not answered", outcome.unacknowledged.len()).into());
        }
        let mut ends = Vec::new();
        for (index, room) in nodes.rooms.iter().enumerate() {
            let posts = outcome.acknowledged.iter().filter(|post| post.room == index);
            let mut offsets: Vec<u64> = posts.map(|post| post.offset).collect();
            offsets.sort_unstable();
            if let Some((place, offset)) = (1..).zip(&offsets).find(|(place, offset)| place != *offset) {
                return Err(format!("{}: {offset} was given out where {place} should be", room.name).into());
            }
            let end = offsets.len() as u64;
            for server in &nodes.servers {
                let head = server.head_of(&room.name).await?.1;
                if head != end {
                    return Err(format!("{}: {end} posts, and the log ends at {head}", room.name).into());
                }
            }
            ends.push(end);
        }
        self.wait_for("has everything", |member| member.record.offset() == ends[member.room]).await?;
        let deliveries = self.members.iter().map(|member| ends[member.room]).sum();
        Ok(Whole { messages: ends.iter().sum(), deliveries })
    }

    /// Times from each post to each delivery, for the readers at the wanted nodes.
    pub(crate) fn delays(&self, outcome: &Outcome, wanted: impl Fn(usize) -> bool) -> Vec<Duration> {
        let members = self.members.iter().filter(|member| wanted(member.node));
        let of = |member: &Member| {
            let posts = outcome.acknowledged.iter().filter(|post| post.room == member.room);
            let came = |offset| member.record.arrived_at(offset);
            posts.filter_map(|post| Some(came(post.offset)? - post.at)).collect::<Vec<_>>()
        };
        members.flat_map(of).collect()
    }

    async fn wait_for(&self, what: &str, is_so: impl Fn(&Member) -> bool) -> Result<(), Fault> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(fault) = self.members.iter().find_map(|member| member.record.fault()) {
                return Err(format!("a reader: {fault}").into());
            }
            let waiting = self.members.iter().filter(|member| !is_so(member)).count();
            if waiting == 0 {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("{waiting} readers of whom not each {what} after {PATIENCE:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Runs loads concurrently, and combines their outcomes.
pub(crate) async fn run_all(loads: Vec<Load>) -> Result<Outcome, Fault> {
    let mut running = JoinSet::new();
    loads.into_iter().for_each(|load| drop(running.spawn(load.run())));
    let mut all = Outcome::default();
    while let Some(outcome) = running.join_next().await {
        let outcome = outcome??;
        all.acknowledged.extend(outcome.acknowledged);
        all.unacknowledged.extend(outcome.unacknowledged);
    }
    Ok(all)
}
