//! Small statements on lineitem: a point or a range of keys, by one client or by many that each send their
//! next statement when the last is answered.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::reader::{Door, Reader};
use crate::{Failure, runtime};

#[derive(Debug, Args)]
pub(crate) struct Clients {
    #[command(flatten)]
    door: Door,
    #[arg(long, default_value_t = 1)]
    clients: u64,
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    #[arg(long, default_value = "mix")]
    kind: Kind,
    /// Another seed draws other keys, whose answers the hub has not kept from an earlier run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Rows of one order.
    Point,
    /// An aggregate over 20,001 order keys.
    Range,
    /// An aggregate over the whole table.
    Full,
    /// Points and ranges, half and half.
    Mix,
}

/// Largest first key; of TPC-H at scale factor 1 the largest is 6,000,000.
const KEYS: u32 = 5_900_000;
const RANGE: u32 = 20_000;

impl Kind {
    fn sql(self, draw: &mut StdRng) -> String {
        let key = draw.random_range(1..=KEYS);
        match self {
            Self::Mix if draw.random() => Self::Point.sql(draw),
            Self::Mix => Self::Range.sql(draw),
            Self::Point => format!(
                "select l_orderkey, l_linenumber, l_quantity, l_extendedprice, l_shipdate \
                 from lineitem where l_orderkey = {key}"
            ),
            Self::Range => format!(
                "select l_returnflag, count(*) as n, sum(l_extendedprice) as s from lineitem \
                 where l_orderkey between {key} and {} group by l_returnflag",
                key + RANGE
            ),
            Self::Full => "select l_returnflag, l_linestatus, count(*) as n, sum(l_extendedprice) as s \
                           from lineitem group by l_returnflag, l_linestatus"
                .to_owned(),
        }
    }
}

impl Clients {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(1)?.block_on(async {
            let mut readers = Vec::new();
            for _ in 0..self.clients {
                let mut reader = self.door.open().await?;
                reader.query(&self.kind.sql(&mut StdRng::seed_from_u64(0))).await?;
                readers.push(reader);
            }
            let begun = Instant::now();
            let end = begun + Duration::from_secs_f64(self.seconds);
            let tasks: Vec<_> = readers
                .into_iter()
                .zip(self.seed..)
                .map(|(reader, seed)| tokio::spawn(ask(reader, self.kind, seed, end)))
                .collect();
            let (mut times, mut rows) = (Vec::new(), 0);
            for task in tasks {
                let (mine, seen) = task.await??;
                times.extend(mine);
                rows += seen;
            }
            let wall = begun.elapsed().as_secs_f64();
            times.sort_unstable();
            let at = |share: f64| times.get((times.len() as f64 * share) as usize).map(|t| t.as_secs_f64() * 1e3);
            let rate = times.len() as f64 / wall;
            println!(
                "{}",
                serde_json::json!({"rate": rate, "p50": at(0.5), "p99": at(0.99), "asked": times.len(), "rows": rows})
            );
            Ok(())
        })
    }
}

/// Asks until the end; gives the time of each statement and the rows of all.
async fn ask(
    mut reader: Reader,
    kind: Kind,
    seed: u64,
    end: Instant,
) -> Result<(Vec<Duration>, u64), Failure> {
    let mut draw = StdRng::seed_from_u64(seed);
    let (mut times, mut rows) = (Vec::new(), 0);
    while Instant::now() < end {
        let sql = kind.sql(&mut draw);
        let begun = Instant::now();
        rows += reader.query(&sql).await?.rows;
        times.push(begun.elapsed());
    }
    Ok((times, rows))
}
