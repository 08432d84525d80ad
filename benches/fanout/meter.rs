//! The difference between two moments: deliveries, the server's CPU time and the load's.

use std::time::{Duration, Instant};

use super::{
    Fault,
    crowd::Crowd,
    delays::Delays,
    process::{Process, own_cpu},
};

pub(crate) struct Meter {
    began: Instant,
    server: Duration,
    waited: Duration,
    own: Duration,
    deliveries: u64,
    reads: u64,
    answers: u64,
}

pub(crate) struct Figures {
    pub(crate) seconds: f64,
    pub(crate) deliveries: u64,
    pub(crate) reads: u64,
    pub(crate) answers: u64,
    pub(crate) server: Duration,
    pub(crate) waited: Duration,
    pub(crate) own: Duration,
    pub(crate) delays: Delays,
}

impl Meter {
    pub(crate) fn start(server: &Process, crowd: &mut Crowd) -> Result<Self, Fault> {
        crowd.tally.begin_window();
        Ok(Self {
            began: Instant::now(),
            server: server.cpu()?,
            waited: server.waited()?,
            own: own_cpu()?,
            deliveries: crowd.tally.deliveries,
            reads: crowd.tally.reads,
            answers: crowd.tally.answers,
        })
    }

    pub(crate) fn stop(self, server: &Process, crowd: &Crowd) -> Result<Figures, Fault> {
        Ok(Figures {
            seconds: self.began.elapsed().as_secs_f64(),
            deliveries: crowd.tally.deliveries - self.deliveries,
            reads: crowd.tally.reads - self.reads,
            answers: crowd.tally.answers - self.answers,
            server: server.cpu()? - self.server,
            waited: server.waited()?.saturating_sub(self.waited),
            own: own_cpu()? - self.own,
            delays: crowd.tally.delays.clone(),
        })
    }
}

impl Figures {
    /// The server's CPU time per delivery, in microseconds.
    pub(crate) fn us_per_delivery(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    /// The server's CPU time, in percent of one core.
    pub(crate) fn server_percent(&self) -> f64 {
        100.0 * self.server.as_secs_f64() / self.seconds
    }

    /// The cells of a row: cost, its ratio to the floor's, delays, counts, and the load of the cores. A steady row is
    /// meaningful only with about one entry per read and little waiting: a server that other processes keep from its
    /// core writes several entries at once, which is cheaper.
    pub(crate) fn cells(&self, floor_us: f64) -> Vec<String> {
        let cost = self.us_per_delivery();
        let percent = |time: Duration| 100.0 * time.as_secs_f64() / self.seconds;
        let mut cells = vec![format!("{cost:.2} µs/delivery"), format!("{:.2} × floor", cost / floor_us)];
        cells.extend(self.delays.cells());
        cells.push(format!("{:.0} deliveries/s", self.deliveries as f64 / self.seconds));
        cells.push(format!("{:.2} entries/read", self.deliveries as f64 / self.reads as f64));
        cells.push(format!("server {:.0} % of a core", self.server_percent()));
        cells.push(format!("waited {:.0} %", percent(self.waited)));
        cells.push(format!("load {:.0} %", percent(self.own)));
        cells
    }
}
