//! Parts of the journeys that ask one reader: a full pull, and how long a scan takes to be planned.

use std::time::{Duration, Instant};

use clap::Args;

use crate::reader::Door;
use crate::{Failure, median, runtime};

/// Pulls a whole dataset, decodes and counts it.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    #[command(flatten)]
    door: Door,
    dataset: String,
    /// Columns to pull; without them all that are visible.
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
}

/// Reads what changed in a dataset behind a cursor, decodes and counts it, and says where it ends.
#[derive(Debug, Args)]
pub(crate) struct Changes {
    #[command(flatten)]
    door: Door,
    dataset: String,
    /// Where to begin; without it nothing is read, and only the cursor of the newest version is told.
    #[arg(long)]
    since: Option<String>,
}

/// Pins a version for a scan again and again: the hub plans it and reads no file.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    door: Door,
    dataset: String,
    /// Row expressions, each planned in turn; an empty one asks for all rows.
    #[arg(long, required = true)]
    filter: Vec<String>,
    #[arg(long, default_value_t = 21)]
    times: usize,
}

impl Pull {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(2)?.block_on(async {
            let begun = Instant::now();
            let (tally, first) = self.door.open().await?.pull(&self.dataset, &self.columns).await?;
            let wall = begun.elapsed().as_secs_f64();
            let first = first.map(|first| first.as_secs_f64());
            println!(
                "{}",
                serde_json::json!({
                    "wall": wall, "rows": tally.rows, "arrow_bytes": tally.bytes, "wire": tally.wire, "first": first,
                })
            );
            Ok(())
        })
    }
}

impl Changes {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(2)?.block_on(async {
            let mut reader = self.door.open().await?;
            let Some(since) = &self.since else {
                let cursor = reader.session(&self.dataset, &[], "").await?.cursor;
                println!("{}", serde_json::json!({"cursor": cursor}));
                return Ok(());
            };
            let begun = Instant::now();
            let (tally, cursor) = reader.changes(&self.dataset, since.clone()).await?;
            let wall = begun.elapsed().as_secs_f64();
            println!(
                "{}",
                serde_json::json!({"wall": wall, "rows": tally.rows, "wire": tally.wire, "cursor": cursor})
            );
            Ok(())
        })
    }
}

impl Plan {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(1)?.block_on(async {
            let mut reader = self.door.open().await?;
            let mut times: Vec<Vec<Duration>> = vec![Vec::new(); self.filter.len()];
            for _ in 0..self.times {
                for (filter, times) in self.filter.iter().zip(&mut times) {
                    let begun = Instant::now();
                    reader.session(&self.dataset, &[], filter).await?;
                    times.push(begun.elapsed());
                }
            }
            let medians: Vec<f64> = times.iter().map(|times| median(times) * 1e3).collect();
            println!("{}", serde_json::json!({"ms": medians}));
            Ok(())
        })
    }
}
