//! The command-line options, and the check of the file limit that they need.

use super::Fault;

/// Names of the measurements.
const NAMES: [&str; 4] = ["return", "stalled", "kill", "nodes"];

pub(crate) const HELP: &str = "\
What to measure (after ARGS= of make figures; all of it without a name):
  return         readers that lose the server and come back
  stalled        readers that stopped reading
  kill           kill -9 under a full load of posts, and what an acknowledged post costs
  nodes          one, two and three nodes on PostgreSQL and Redis (a minute and a half)
Options:
  --readers N    of return and stalled (1000)
  --messages N   of stalled (100000)";

pub(crate) struct Options {
    pub(crate) readers: usize,
    pub(crate) messages: u64,
    names: Vec<String>,
}

impl Options {
    /// Parses the arguments. `None` if help was requested.
    pub(crate) fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, Fault> {
        let mut options = Self { readers: 1_000, messages: 100_000, names: Vec::new() };
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
            let fault = || format!("{argument} needs a number");
            match argument.as_str() {
                "--bench" => {} // cargo says this to every bench
                "--help" => return Ok(None),
                "--readers" => options.readers = usize::try_from(number().ok_or_else(fault)?)?,
                "--messages" => options.messages = number().ok_or_else(fault)?,
                name if NAMES.contains(&name) => options.names.push(argument),
                other => {
                    return Err(
                        format!("{other} is neither --readers, --messages nor one of {NAMES:?}").into()
                    );
                }
            }
        }
        Ok(Some(options))
    }

    /// Returns true if this measurement is to run; without names all do.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }

    /// Checks the limit of open files. Each reader takes one here and one in the server, which inherits our limit; the
    /// load takes some hundred.
    pub(crate) fn expect_files(&self) -> Result<(), Fault> {
        let needed = self.readers as u64 + 600;
        let limits = std::fs::read_to_string("/proc/self/limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        // "unlimited" is no number, and is enough.
        let soft =
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(u64::MAX);
        if soft < needed {
            return Err(format!("{needed} open files are needed and {soft} allowed: ulimit -n 8192").into());
        }
        Ok(())
    }
}
