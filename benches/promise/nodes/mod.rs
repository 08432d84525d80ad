//! Several nodes on one PostgreSQL and one Redis: messages per second through one, two and three of them, the time from
//! a post to readers of the same and of another node, with Redis and without, and the fate of messages while Redis is
//! restarted. The PostgreSQL and Redis servers are those of the tests, on this machine, and end with the bench.

#[path = "../../../src/tests/support/cluster.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cluster;
mod cpu;
mod crowd;
mod delay;
mod installation;
#[path = "../../../src/tests/support/redis.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
mod redis;
mod restarts;
mod throughput;

use self::installation::Installation;
use super::Fault;

pub(crate) async fn run() -> Result<(), Fault> {
    let mut installation = Installation::start();
    let cores = std::thread::available_parallelism()?;
    println!("NODES on one PostgreSQL (fsync on) and one Redis. All of them, the readers and the load share");
    println!("the {cores} cores of this machine: what one part takes, the others do not have.\n");
    throughput::run(&installation).await?;
    delay::run(&mut installation).await?;
    restarts::run(&mut installation).await
}
