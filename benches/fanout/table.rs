//! The table printed at the end. Every figure has its unit.

use super::{cores::Cores, options::Options};

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Adds a row, and prints it at once.
    pub(crate) fn add(&mut self, name: &str, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<_> = cells.into_iter().collect();
        eprintln!("  {name}: {}", cells.join(", "));
        self.rows.push((name.to_owned(), cells));
    }

    pub(crate) fn print(&self, options: &Options, cores: &Cores) {
        let Options { label, server, subscribers, rate, size, rooms, seconds, .. } = options;
        let label = if label.is_empty() { server.display().to_string() } else { label.clone() };
        println!(
            "FAN-OUT of {label}: {subscribers} subscribers, {rate} messages/s of {size} bytes, {rooms} room(s),"
        );
        println!("{seconds} s each; {}.\n", cores.describe());
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|(_, cells)| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let name_width = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, cells) in &self.rows {
            let cells =
                cells.iter().enumerate().map(|(column, cell)| format!("{cell:>0$}", width_of(column)));
            println!("  {name:<name_width$}   {}", cells.collect::<Vec<_>>().join("   "));
        }
    }
}
