//! Sends requests as fast as they are answered: each caller sends the next one when it has its answer.

use std::time::{Duration, Instant};

use super::{
    Fault,
    crowd::Crowd,
    meter::{Figures, Meter},
    process::Process,
};

const WARM_UP: Duration = Duration::from_secs(1);
/// Limit for the last answers to arrive.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Sends the requests that `next` returns for a while, and measures the answers after the warm-up.
pub(crate) fn measure(
    server: &Process,
    crowd: &mut Crowd,
    window: Duration,
    mut next: impl FnMut() -> String,
) -> Result<Figures, Fault> {
    ask(crowd, WARM_UP, &mut next)?;
    let meter = Meter::start(server, crowd)?;
    ask(crowd, window, &mut next)?;
    let figures = meter.stop(server, crowd)?;
    drain(crowd)?;
    Ok(figures)
}

fn ask(crowd: &mut Crowd, time: Duration, next: &mut impl FnMut() -> String) -> Result<(), Fault> {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        while crowd.callers.idle() > 0 {
            crowd.callers.ask(&next())?;
        }
        crowd.turn(left)?;
    }
    Ok(())
}

/// Waits for the outstanding answers.
pub(crate) fn drain(crowd: &mut Crowd) -> Result<(), Fault> {
    let until = Instant::now() + DRAIN_MAX;
    while crowd.callers.busy() > 0 {
        if Instant::now() > until {
            return Err(format!("{} requests are not answered", crowd.callers.busy()).into());
        }
        crowd.turn(Duration::from_millis(10))?;
    }
    Ok(())
}
