//! What several nodes on one PostgreSQL and one Redis do: messages a second through one, two and three of them, how
//! long a message takes to the readers of its own and of another node, with Redis and without, and what becomes of
//! messages while Redis is restarted. The servers are the tests' own, on this machine, and end with the bench.

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
