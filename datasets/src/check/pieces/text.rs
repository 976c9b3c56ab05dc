//! Text payloads: what stands before the rows first, then chunks of whole records or lines.

use std::sync::Arc;

use bytes::Bytes;

use super::blocks::Blocks;
use super::head::HeadCutter;
use super::{Checker, HeaderPlan, KeyPlan, Piece, Stop};
use crate::csv::{Chunk, CutError};
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

impl Cut for HeadCutter<'_> {
    type Plan = HeaderPlan;

    fn cut(&mut self, block: Option<Bytes>) -> Result<Vec<Chunk>, CutError> {
        self.cut(block)
    }

    fn plan(&self, checker: &Checker) -> Result<Option<(HeaderPlan, Findings)>, Findings> {
        self.plan(checker)
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
pub(super) struct TextPieces<'a, B, C: Cut> {
    checker: &'a Checker,
    blocks: B,
    cutter: C,
    ended: bool,
    plan: Option<Arc<C::Plan>>,
    /// Whole chunks, the last one first.
    ready: Vec<Chunk>,
    early: Findings,
}

impl<'a, B: Blocks, C: Cut> TextPieces<'a, B, C> {
    pub(super) fn new(checker: &'a Checker, blocks: B, cutter: C) -> Self {
        Self {
            checker,
            blocks,
            cutter,
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
            let block = self.blocks.next_block()?;
            self.early.merge(self.blocks.early());
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
}
