//! Two publishers that do whatever publishers do, in an order that a seed draws.

use std::fs::File;
use std::path::Path;

use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use hub_client::{Client, Payload, PushOptions, PushRequest, short};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::harness::{Server, synthetic};

const PUBLISHERS: [(&str, &str); 2] = [("publisher", "100201"), ("publisher2", "026401")];
const PERIODS: [&str; 3] = ["2021-Q4", "2022-Q4", "2023-Q1"];
/// Texts of a (publisher, period), with other amounts each.
const SEEDS: u64 = 3;
/// Rows of a text, which hold the first units whole.
const ROWS: u64 = 400;

/// A text by units, which are the slices: the header, then the lines of each.
struct Text {
    header: String,
    units: Vec<String>,
}

/// Who pushes what, and what was committed so far.
pub(super) struct World {
    runtime: Runtime,
    clients: Vec<Client>,
    /// By publisher, period and seed.
    texts: Vec<Vec<Vec<Text>>>,
    draw: StdRng,
    /// Submissions with rows: publisher and id.
    sent: Vec<(usize, String)>,
}

impl World {
    pub(super) fn new(server: &Server) -> Self {
        let text =
            |terc6: &str, period: &str, seed: u64| Text::of(&synthetic("rb28s", terc6, period, ROWS, seed));
        let texts = PUBLISHERS.map(|(_, terc6)| {
            PERIODS.map(|period| (0..SEEDS).map(|seed| text(terc6, period, seed)).collect()).into()
        });
        let mut world = Self {
            runtime: Runtime::new().expect("a runtime"),
            clients: Vec::new(),
            texts: texts.into(),
            draw: StdRng::seed_from_u64(20_221_231),
            sent: Vec::new(),
        };
        world.reconnect(server);
        world
    }

    /// Calls the server from now on, which may be another one on the same folder.
    pub(super) fn reconnect(&mut self, server: &Server) {
        let _inside = self.runtime.enter();
        self.clients = PUBLISHERS.iter().map(|(profile, _)| server.client(profile)).collect();
    }

    /// One deed of one publisher.
    pub(super) fn step(&mut self, server: &Server) {
        let (who, period) =
            (self.draw.random_range(0..PUBLISHERS.len()), self.draw.random_range(0..PERIODS.len()));
        let deed = self.draw.random_range(0..100);
        if deed < 8
            && let Some((who, id)) = self.drawn()
        {
            let request_id = Uuid::new_v4().to_string();
            let withdrawn = self.clients[who].withdraw(&id, &request_id, (true, None));
            // One of which nothing is current any more cannot be taken back.
            drop(self.runtime.block_on(withdrawn));
            return;
        }
        let (payload, replace_all) = match deed {
            8..14 => (Payload::NothingToReport, false),
            _ => (self.rows(who, period), deed > 90),
        };
        let options = PushOptions { confirm_deletions: true, replace_all, ..PushOptions::default() };
        let has_rows = !matches!(payload, Payload::NothingToReport);
        let request = PushRequest { options, ..PushRequest::csv("rb28s", PERIODS[period], payload) };
        let verdict = self.runtime.block_on(self.clients[who].push(&request, None));
        let verdict = verdict.unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
        assert!(!verdict.is_refused(), "{:?}", verdict.report);
        if has_rows && !verdict.unchanged {
            self.sent.push((who, short(&verdict.submission.name).to_owned()));
        }
    }

    /// A submission that others were sent behind.
    pub(super) fn erasable(&mut self) -> String {
        let (_, id) = &self.sent[self.sent.len() / 2];
        id.clone()
    }

    fn drawn(&mut self) -> Option<(usize, String)> {
        let last = self.sent.len().checked_sub(1)?;
        let first = last.saturating_sub(6);
        let at = self.draw.random_range(first..=last);
        Some(self.sent[at].clone())
    }

    /// Some units of one of the texts.
    fn rows(&mut self, who: usize, period: usize) -> Payload {
        let seed = self.draw.random_range(0..self.texts[who][period].len());
        let text = &self.texts[who][period][seed];
        let mut file = text.header.clone();
        let first = self.draw.random_range(0..text.units.len());
        let units = self.draw.random_range(1..=2);
        text.units.iter().skip(first).take(units).for_each(|unit| file.push_str(unit));
        Payload::Bytes(Bytes::from(file))
    }
}

impl Text {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let (header, lines) = text.split_once('\n').expect("a header");
        let mut units: Vec<(&str, String)> = Vec::new();
        for line in lines.lines() {
            let (regon, _) = line.split_once(',').expect("cells");
            match units.last_mut().filter(|(last, _)| *last == regon) {
                Some((_, lines)) => lines.push_str(&format!("{line}\n")),
                None => units.push((regon, format!("{line}\n"))),
            }
        }
        Self { header: format!("{header}\n"), units: units.into_iter().map(|(_, lines)| lines).collect() }
    }
}

/// The rows of a Parquet file as text, in an order of their own.
pub(super) fn rows_of(path: &Path) -> Vec<String> {
    let file = File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let mut rows = Vec::new();
    for batch in reader.build().expect("a Parquet file") {
        let batch = batch.expect("rows");
        for row in 0..batch.num_rows() {
            let cell = |column: &arrow::array::ArrayRef| array_value_to_string(column, row).expect("a cell");
            rows.push(batch.columns().iter().map(cell).collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort_unstable();
    rows
}
