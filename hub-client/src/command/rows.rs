//! Rows of an answer as a table for a terminal, batch by batch.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;

use crate::exit::Failure;
use crate::output::Table;

/// An Arrow IPC stream as it comes.
#[derive(Debug)]
pub(super) struct Batches(StreamDecoder);

impl Batches {
    pub(super) fn new() -> Self {
        Self(StreamDecoder::new())
    }

    /// Hands on the batches that are whole with these bytes.
    pub(super) fn take(
        &mut self,
        data: &Bytes,
        mut each: impl FnMut(&RecordBatch) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut buffer = Buffer::from(data.clone());
        while !buffer.is_empty() {
            if let Some(batch) = self.0.decode(&mut buffer).map_err(unreadable)? {
                each(&batch)?;
            }
        }
        Ok(())
    }
}

/// The cells of a batch as texts, column by column.
pub(super) fn cells<'a>(
    batch: &'a RecordBatch,
    options: &'a FormatOptions<'a>,
) -> Result<Vec<ArrayFormatter<'a>>, Failure> {
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, options));
    columns.collect::<Result<_, _>>().map_err(unreadable)
}

/// Widths are those of the first batch with rows.
#[derive(Debug)]
pub(super) struct RowTable {
    batches: Batches,
    shown: Shown,
}

/// What was shown of the rows.
#[derive(Debug, Default)]
struct Shown(Option<Table>);

impl RowTable {
    pub(super) fn new() -> Self {
        Self { batches: Batches::new(), shown: Shown::default() }
    }

    pub(super) fn write(&mut self, data: &Bytes, out: &mut dyn Write) -> Result<(), Failure> {
        let Self { batches, shown } = self;
        batches.take(data, |batch| shown.batch(batch, out))
    }

    /// An answer without rows still has its columns.
    pub(super) fn finish(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        if self.shown.0.is_none()
            && let Some(schema) = self.batches.0.schema()
        {
            self.shown.batch(&RecordBatch::new_empty(schema), out)?;
        }
        Ok(())
    }
}

impl Shown {
    fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), Failure> {
        let options = FormatOptions::default();
        let columns = cells(batch, &options)?;
        let row =
            |at: usize| columns.iter().map(|column| column.value(at).to_string()).collect::<Vec<String>>();
        if self.0.is_none() {
            let measured: Vec<Vec<String>> = (0..batch.num_rows().min(ROWS_MEASURED)).map(row).collect();
            let schema = batch.schema();
            let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
            let mut table = Table::new(&names);
            table.measure(
                &measured,
                schema.fields().iter().map(|field| field.data_type().is_numeric()).collect(),
            );
            table.head(out)?;
            self.0 = Some(table);
        }
        if let Some(table) = &self.0 {
            for at in 0..batch.num_rows() {
                table.row(&row(at), out)?;
            }
        }
        Ok(())
    }
}

/// Rows that decide the widths of a table.
const ROWS_MEASURED: usize = 1_000;

fn unreadable(error: ArrowError) -> Failure {
    Failure::Answer(format!("not a readable Arrow stream: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, StringArray};
    use arrow::ipc::writer::StreamWriter;

    use super::*;

    fn answer(rows: usize) -> Bytes {
        let sums =
            Decimal128Array::from(vec![Some(12_345_i128), None]).with_precision_and_scale(18, 2).unwrap();
        let codes = StringArray::from(vec!["801", "Łódź"]);
        let batch =
            RecordBatch::try_from_iter([("dzial", Arc::new(codes) as _), ("suma", Arc::new(sums) as _)])
                .unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        if rows > 0 {
            writer.write(&batch).unwrap();
        }
        writer.finish().unwrap();
        writer.into_inner().unwrap().into()
    }

    fn shown(data: &[Bytes]) -> String {
        let (mut table, mut out) = (RowTable::new(), Vec::new());
        data.iter().for_each(|data| table.write(data, &mut out).unwrap());
        table.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_answer_is_a_table_however_it_is_cut() {
        let whole = answer(2);
        let expected = "dzial    suma\n─────  ──────\n801    123.45\nŁódź\n";
        assert_eq!(shown(std::slice::from_ref(&whole)), expected);
        assert_eq!(shown(&[whole.slice(..20), whole.slice(20..)]), expected);
    }

    #[test]
    fn an_empty_answer_shows_its_columns() {
        assert_eq!(shown(&[answer(0)]), "dzial  suma\n─────  ────\n");
    }
}
