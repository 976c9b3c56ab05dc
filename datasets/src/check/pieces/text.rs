//! Text payloads: what stands before the rows first, then chunks of whole records or lines.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::{Checker, HeaderPlan, InOrder, KeyPlan, Piece, Stop};
use crate::csv::{Chunk, CutError, Cutter};
use crate::ndjson::LineCutter;
use crate::report::Findings;

/// How a text format is cut, and how its columns are found.
pub(super) trait Cut {
    /// The payload's columns, matched with the pattern's.
    type Plan;
    /// Takes bytes, or with None the end.
    fn cut(&mut self, block: Option<Bytes>) -> Result<Vec<Chunk>, CutError>;
    /// Matches what names the columns; None while it is not there.
    fn plan(&self, checker: &Checker) -> Result<Option<(Self::Plan, Findings)>, Findings>;
    fn piece(plan: Arc<Self::Plan>, chunk: Chunk) -> Piece;
}

impl Cut for Cutter {
    type Plan = HeaderPlan;

    fn cut(&mut self, block: Option<Bytes>) -> Result<Vec<Chunk>, CutError> {
        match block {
            Some(block) => self.push(block),
            None => Ok(self.finish()?.into_iter().collect()),
        }
    }

    fn plan(&self, checker: &Checker) -> Result<Option<(HeaderPlan, Findings)>, Findings> {
        self.header().map(|header| checker.header(header)).transpose()
    }

    fn piece(plan: Arc<HeaderPlan>, chunk: Chunk) -> Piece {
        Piece::Csv(plan, chunk)
    }
}

impl Cut for LineCutter {
    type Plan = KeyPlan;

    fn cut(&mut self, block: Option<Bytes>) -> Result<Vec<Chunk>, CutError> {
        match block {
            Some(block) => self.push(block),
            None => Ok(self.finish().into_iter().collect()),
        }
    }

    fn plan(&self, checker: &Checker) -> Result<Option<(KeyPlan, Findings)>, Findings> {
        self.first().map(|(line, number)| checker.keys(line, number)).transpose()
    }

    fn piece(plan: Arc<KeyPlan>, chunk: Chunk) -> Piece {
        Piece::Ndjson(plan, chunk)
    }
}

#[derive(Debug)]
pub(super) struct TextPieces<'a, C: Cut> {
    checker: &'a Checker,
    payload: InOrder,
    cutter: C,
    block_bytes: usize,
    ended: bool,
    plan: Option<Arc<C::Plan>>,
    /// Whole chunks, the last one first.
    ready: Vec<Chunk>,
    early: Findings,
}

impl<'a, C: Cut> TextPieces<'a, C> {
    pub(super) fn new(checker: &'a Checker, payload: InOrder, cutter: C, block_bytes: usize) -> Self {
        Self {
            checker,
            payload,
            cutter,
            block_bytes,
            ended: false,
            plan: None,
            ready: Vec::new(),
            early: Findings::default(),
        }
    }

    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, Stop> {
        loop {
            if let (Some(plan), Some(chunk)) = (&self.plan, self.ready.pop()) {
                return Ok(Some(C::piece(Arc::clone(plan), chunk)));
            }
            if self.ended {
                return Ok(None);
            }
            let block = self.block()?;
            self.ended = block.is_none();
            self.ready = self.cutter.cut(block).map_err(|fault| self.checker.unreadable(&fault))?;
            self.ready.reverse();
            if self.plan.is_none()
                && let Some((plan, findings)) = self.cutter.plan(self.checker)?
            {
                self.early.merge(findings);
                self.plan = Some(Arc::new(plan));
            }
        }
    }

    pub(super) fn early(&mut self) -> Findings {
        std::mem::take(&mut self.early)
    }

    /// The next bytes; None at the end.
    fn block(&mut self) -> io::Result<Option<Bytes>> {
        let mut block = Vec::with_capacity(self.block_bytes);
        Read::by_ref(&mut self.payload).take(self.block_bytes as u64).read_to_end(&mut block)?;
        Ok((!block.is_empty()).then(|| block.into()))
    }
}
