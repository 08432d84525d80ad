//! The commands of those who use a server: programs that publish, and people at a terminal. `cli` runs them. They speak
//! HTTP as docs/api.md describes it, and must never open the server's data or write to its log.

mod ask;
mod backoff;
mod connection;
pub(super) mod error;
mod event_stream;
mod follow;
mod job;
mod progress;
mod publish;
mod publisher;
mod run;
mod settings;
mod shell;

use clap::{Command, Subcommand};

use self::{
    ask::AskCommand, follow::FollowCommand, progress::ProgressCommand, publish::PublishCommand,
    run::RunCommand, shell::CompletionsCommand,
};
use crate::server::observability::logging;

/// The end of the `--help` of each of these commands.
const EXIT_CODES: &str = "Exit codes:\n  \
    0    done\n  \
    1    the server refused it, or something else failed\n  \
    2    a flag, a variable or the configuration file is wrong\n  \
    69   the server cannot be reached\n  \
    75   the server takes nothing now, or lines wait on this machine: try again later";

/// The same for `ask`.
const ASK_EXIT_CODES: &str = "Exit codes:\n  \
    0    somebody answered, or the time is over and there is a default\n  \
    1    the server refused it, the question was deleted, or something else failed\n  \
    2    a flag, a variable or the configuration file is wrong\n  \
    69   the server cannot be reached, also 10 s after the time is over\n  \
    75   the server takes nothing now: try again later\n  \
    124  the time is over, and nobody answered";

/// The same for a command whose exit code is another program's.
const RUN_EXIT_CODES: &str = "Exit codes: those of the program; 128 and the number of the signal that ended it; 126 or \
    127 if it cannot be started; 2 for a wrong flag or configuration file, before it is started";

/// The commands.
#[derive(Clone, Debug, Subcommand)]
#[expect(private_interfaces, reason = "only this file looks into them")]
pub(super) enum ClientCommand {
    /// Publish an event, or each line of standard input
    #[command(after_help = EXIT_CODES)]
    Publish(PublishCommand),

    /// Print events as they come, or run a program for each
    #[command(after_help = EXIT_CODES)]
    Follow(FollowCommand),

    /// Ask people a question on the feed's page, and print the answer
    #[command(after_help = ASK_EXIT_CODES)]
    Ask(AskCommand),

    /// Run a program, and publish its start, progress and end
    ///
    /// Its streams and its exit code stay as they are, and it runs without a server as well. The end is published within
    /// 5 s, or not at all.
    #[command(after_help = RUN_EXIT_CODES)]
    Run(RunCommand),

    /// Copy standard input to standard output, and publish how far it is
    #[command(after_help = EXIT_CODES)]
    Progress(ProgressCommand),

    /// Print the completions of the command line for a shell
    Completions(CompletionsCommand),

    /// Print the manual page
    Man,
}

impl ClientCommand {
    /// Runs the command and returns its exit code. `program` is the description of the command line.
    pub(super) async fn run(self, program: Command) -> anyhow::Result<u8> {
        match self {
            Self::Publish(publish) => publish.run().await,
            Self::Follow(follow) => follow.run().await,
            Self::Ask(ask) => ask.run().await,
            Self::Run(run) => run.run().await,
            Self::Progress(progress) => progress.run().await,
            Self::Completions(completions) => Ok(completions.run(program).map(|()| 0)?),
            Self::Man => Ok(shell::print_manual(program).map(|()| 0)?),
        }
    }
}

/// Tells the person at the terminal something that is no result: on standard error, whatever may be there.
fn tell(text: &str) {
    logging::tell(text);
}
