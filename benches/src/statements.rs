//! A folder of statements, one after the other: by the hub, or by the engine alone over Parquet files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

use crate::reader::Door;
use crate::tally::Tally;
use crate::{Failure, runtime};

/// Runs the statements of a folder by the hub.
#[derive(Debug, Args)]
pub(crate) struct Statements {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    texts: Texts,
}

/// Runs the statements of a folder by DataFusion in this process.
#[derive(Debug, Args)]
pub(crate) struct Engine {
    #[command(flatten)]
    texts: Texts,
    /// NAME=FOLDER with the Parquet files of a table.
    #[arg(long, required = true)]
    table: Vec<String>,
    #[arg(long, default_value_t = 2)]
    partitions: usize,
}

#[derive(Debug, Args)]
struct Texts {
    /// Folder with a statement in each `.sql` file.
    queries: PathBuf,
    /// Passes over all statements; the last one counts.
    #[arg(long, default_value_t = 2)]
    passes: usize,
}

/// The last pass: answers with their times, and what was refused.
#[derive(Debug, Default)]
struct Told {
    answers: BTreeMap<String, (Tally, Duration)>,
    refused: BTreeMap<String, String>,
}

impl Texts {
    fn read(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut texts = Vec::new();
        for entry in fs::read_dir(&self.queries)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                texts.push((name, fs::read_to_string(&path)?));
            }
        }
        texts.sort();
        Ok(texts)
    }

    async fn run<F>(&self, mut ask: impl FnMut(String) -> F) -> Result<Told, Failure>
    where
        F: Future<Output = Result<Tally, Failure>>,
    {
        let texts = self.read()?;
        let mut told = Told::default();
        for _ in 0..self.passes {
            told = Told::default();
            for (name, sql) in &texts {
                let begun = Instant::now();
                match ask(sql.clone()).await {
                    Ok(tally) => {
                        told.answers.insert(name.clone(), (tally, begun.elapsed()));
                    }
                    Err(failure) => {
                        told.refused.insert(name.clone(), failure.to_string());
                    }
                }
            }
        }
        Ok(told)
    }
}

impl Told {
    fn print(&self) {
        let answers: BTreeMap<&str, serde_json::Value> = self
            .answers
            .iter()
            .map(|(name, (tally, time))| {
                let told = serde_json::json!({"s": time.as_secs_f64(), "rows": tally.rows, "sum": tally.sum});
                (name.as_str(), told)
            })
            .collect();
        println!("{}", serde_json::json!({"answers": answers, "refused": self.refused}));
    }
}

impl Statements {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(1)?.block_on(async {
            let reader = self.door.open().await?;
            let ask = |sql: String| {
                let mut reader = reader.clone();
                async move { reader.query(&sql).await }
            };
            self.texts.run(ask).await?.print();
            Ok(())
        })
    }
}

impl Engine {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        runtime(self.partitions)?.block_on(async {
            // Numbers with a point are decimals, as the hub reads them.
            let mut config = SessionConfig::new().with_target_partitions(self.partitions);
            config.options_mut().sql_parser.parse_float_as_decimal = true;
            let context = SessionContext::new_with_config(config);
            for table in &self.table {
                let (name, folder) = table.split_once('=').ok_or("a table is NAME=FOLDER")?;
                context.register_parquet(name, folder, ParquetReadOptions::default()).await?;
            }
            self.texts.run(|sql| answer(&context, sql)).await?.print();
            Ok(())
        })
    }
}

async fn answer(context: &SessionContext, sql: String) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for batch in context.sql(&sql).await?.collect().await? {
        tally.add(&batch)?;
    }
    Ok(tally)
}
