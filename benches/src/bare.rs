//! The measuring stick: what `arrow-csv` and `parquet` do with nothing around them. The file is cut in
//! two at a line end, each half is read and written by its own thread into its own file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use arrow::csv::ReaderBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use clap::{Args, ValueEnum};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::{Failure, municipal};

#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// A CSV file with a header and without line breaks in quotes.
    csv: PathBuf,
    /// Folder for the two files.
    out: PathBuf,
    /// Whose columns the file has.
    #[arg(long)]
    table: Table,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Table {
    Lineitem,
    Municipal,
}

/// Columns of TPC-H lineitem: i integer, f float, s text, d date.
const LINEITEM: [(&str, char); 16] = [
    ("l_orderkey", 'i'),
    ("l_partkey", 'i'),
    ("l_suppkey", 'i'),
    ("l_linenumber", 'i'),
    ("l_quantity", 'f'),
    ("l_extendedprice", 'f'),
    ("l_discount", 'f'),
    ("l_tax", 'f'),
    ("l_returnflag", 's'),
    ("l_linestatus", 's'),
    ("l_shipdate", 'd'),
    ("l_commitdate", 'd'),
    ("l_receiptdate", 'd'),
    ("l_shipinstruct", 's'),
    ("l_shipmode", 's'),
    ("l_comment", 's'),
];

const BATCH_ROWS: usize = 65_536;
const ROW_GROUP_ROWS: usize = 1_000_000;
const HALVES: u64 = 2;

impl Bare {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let columns: &[(&str, char)] = match self.table {
            Table::Lineitem => &LINEITEM,
            Table::Municipal => &municipal::COLUMNS,
        };
        let fields: Vec<Field> =
            columns.iter().map(|(name, kind)| Field::new(*name, data_type(*kind), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        std::fs::create_dir_all(&self.out)?;
        let begun = Instant::now();
        let cuts = cuts(&self.csv)?;
        let rows = thread::scope(|scope| {
            let halves: Vec<_> = cuts
                .windows(2)
                .enumerate()
                .map(|(half, range)| {
                    let (schema, range) = (Arc::clone(&schema), (range[0], range[1]));
                    scope.spawn(move || self.half(half, range, schema))
                })
                .collect();
            halves.into_iter().try_fold(0, |sum, half| -> Result<u64, Failure> {
                Ok(sum + half.join().map_err(|_| "a thread panicked")??)
            })
        })?;
        File::open(&self.out)?.sync_all()?;
        let wall = begun.elapsed().as_secs_f64();
        println!("{}", serde_json::json!({"rows": rows, "wall": wall}));
        Ok(())
    }

    fn half(&self, half: usize, (from, to): (u64, u64), schema: SchemaRef) -> Result<u64, Failure> {
        let mut file = File::open(&self.csv)?;
        file.seek(SeekFrom::Start(from))?;
        let input = BufReader::with_capacity(1 << 20, file.take(to - from));
        let reader = ReaderBuilder::new(Arc::clone(&schema))
            .with_header(half == 0)
            .with_batch_size(BATCH_ROWS)
            .build_buffered(input)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let out = File::create(self.out.join(format!("{half}.parquet")))?;
        let mut writer = ArrowWriter::try_new(out, schema, Some(properties))?;
        let mut rows = 0;
        for batch in reader {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            writer.write(&batch)?;
        }
        writer.into_inner()?.sync_all()?;
        Ok(rows)
    }
}

fn data_type(kind: char) -> DataType {
    match kind {
        'i' => DataType::Int64,
        'f' => DataType::Float64,
        'd' => DataType::Date32,
        _ => DataType::Utf8,
    }
}

/// Offsets of the halves: 0, the first line end after the middle, the length.
fn cuts(csv: &Path) -> Result<[u64; 3], Failure> {
    let mut file = File::open(csv)?;
    let length = file.metadata()?.len();
    let middle = length / HALVES;
    file.seek(SeekFrom::Start(middle))?;
    let mut near = Vec::new();
    file.take(1 << 20).read_to_end(&mut near)?;
    let end = near.iter().position(|byte| *byte == b'\n').ok_or("a line longer than 1 MiB")?;
    Ok([0, middle + end as u64 + 1, length])
}
