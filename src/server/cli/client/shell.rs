//! `idobata completions` and `idobata man`: what shells and `man` need to know of the command line, made of the same
//! description that parses it. Packages write it to files; nothing here opens one.

use std::io::{self, Write, stdout};

use clap::{Args, Command};
use clap_complete::Shell;

/// The arguments of `completions`.
#[derive(Clone, Debug, Args)]
pub(super) struct CompletionsCommand {
    /// The shell
    shell: Shell,
}

impl CompletionsCommand {
    pub(super) fn run(&self, mut command: Command) -> io::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "idobata", &mut script);
        print(&script)
    }
}

/// Prints the manual page: the program's, with those of its commands behind it.
pub(super) fn print_manual(command: Command) -> io::Result<()> {
    let mut command = command;
    command.build();
    let mut pages = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut pages)?;
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = subcommand.get_name().to_uppercase();
        writeln!(pages, ".SH \"COMMAND {name}\"")?;
        let man = clap_mangen::Man::new(subcommand.clone());
        man.render_synopsis_section(&mut pages)?;
        man.render_description_section(&mut pages)?;
        man.render_options_section(&mut pages)?;
    }
    print(&pages)
}

/// A reader that has gone is no error.
fn print(bytes: &[u8]) -> io::Result<()> {
    match stdout().write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
