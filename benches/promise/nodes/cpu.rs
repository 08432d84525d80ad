//! The share of CPU time of the nodes, the bench itself, everything else (PostgreSQL, Redis, the system), and idle
//! time.

use super::{super::Fault, installation::Nodes};

/// CPU times in the unit of /proc, a hundredth of a second on every Linux (`USER_HZ`).
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    nodes: u64,
    own: u64,
    idle: u64,
    all: u64,
}

impl Cpu {
    pub(crate) fn now(nodes: &Nodes) -> Result<Self, Fault> {
        let of = |server: &super::super::server::Server| ticks_of(&server.process().to_string());
        let nodes = nodes.servers.iter().map(of).sum::<Result<u64, Fault>>()?;
        let stat = std::fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().ok_or("an empty /proc/stat")?;
        // user nice system idle iowait irq softirq steal; the columns after these are included in user.
        let times = line.split_whitespace().skip(1).take(8).map(str::parse::<u64>);
        let times = times.collect::<Result<Vec<_>, _>>()?;
        let idle = times.get(3..5).ok_or("a short /proc/stat")?.iter().sum();
        Ok(Self { nodes, own: ticks_of("self")?, idle, all: times.iter().sum() })
    }

    /// The shares since `then`, in percent of all cores.
    pub(crate) fn since(self, then: Self) -> String {
        let all = (self.all - then.all).max(1);
        let percent = |ticks: u64| ticks as f64 * 100.0 / all as f64;
        let [nodes, own, idle] =
            [self.nodes - then.nodes, self.own - then.own, self.idle - then.idle].map(percent);
        let rest = (100.0 - nodes - own - idle).max(0.0);
        format!("{nodes:>7.0} % {rest:>7.0} % {own:>7.0} % {idle:>7.0} %")
    }
}

/// CPU time of a process with all its threads.
fn ticks_of(process: &str) -> Result<u64, Fault> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may contain spaces.
    let (_, rest) = stat.rsplit_once(')').ok_or("a strange stat")?;
    let times = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(times.sum::<Result<u64, _>>()?)
}
