//! Blocks of a data file: what is read of it is compared with what was committed, block by block.
//!
//! The SHA-256 of a file tells its rot only to one who reads all of it, and who reads one page of a long
//! file would wait for that. So each block has a sum of its own, the first bytes of its SHA-256. A file of
//! one block needs no list: its own SHA-256 begins with the sum.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::hex;

/// Length of all blocks but the last; part of the format of the log.
pub(crate) const BLOCK_BYTES: u64 = 256 << 10;

/// First bytes of a block's SHA-256: rot that hits them by chance does not occur.
const SUM_BYTES: usize = 8;
type Sum = [u8; SUM_BYTES];

/// The blocks of one data file, and which of them this process has found whole.
#[derive(Debug, Default)]
pub(crate) struct Blocks(Box<[Block]>);

#[derive(Debug)]
struct Block {
    sum: Sum,
    /// Data files never change, so a block is compared once.
    found_whole: AtomicBool,
}

impl From<Sum> for Block {
    fn from(sum: Sum) -> Self {
        Self { sum, found_whole: AtomicBool::new(false) }
    }
}

/// A copy begins with nothing found.
impl Clone for Blocks {
    fn clone(&self) -> Self {
        Self(self.0.iter().map(|block| block.sum.into()).collect())
    }
}

impl PartialEq for Blocks {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|block| block.sum).eq(other.0.iter().map(|block| block.sum))
    }
}

impl Blocks {
    /// Blocks of a file of `bytes`, from its SHA-256 (hex) and the list that [`Blocks::list`] made; the
    /// error says what does not fit.
    pub(crate) fn of(bytes: u64, sha256: &str, list: Option<&str>) -> Result<Self, String> {
        if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(format!("`{sha256}` is not a SHA-256"));
        }
        let sums = match list {
            Some(list) => list,
            None => &sha256[..2 * SUM_BYTES],
        };
        let wrong = || "the list of blocks is not one of hexadecimal sums".to_owned();
        let mut blocks = Vec::with_capacity(sums.len() / (2 * SUM_BYTES));
        for sum in sums.as_bytes().chunks(2 * SUM_BYTES) {
            blocks.push(parse(sum).ok_or_else(wrong)?.into());
        }
        let wanted = bytes.div_ceil(BLOCK_BYTES).max(1);
        if blocks.len() as u64 != wanted {
            return Err(format!("{} sums of blocks, {wanted} are needed for {bytes} bytes", blocks.len()));
        }
        Ok(Self(blocks.into()))
    }

    /// The sums of a file of several blocks as text; None: its SHA-256 says as much.
    pub(crate) fn list(&self) -> Option<String> {
        (self.0.len() > 1).then(|| self.0.iter().map(|block| hex(&block.sum)).collect())
    }

    /// Length of that list.
    pub(crate) fn listed_bytes(&self) -> usize {
        self.0.len() * 2 * SUM_BYTES
    }

    /// Has this process found the block whole?
    pub(super) fn is_whole(&self, number: usize) -> bool {
        self.0.get(number).is_some_and(|block| block.found_whole.load(Ordering::Relaxed))
    }

    /// Compares all bytes of a block with its sum. False: they are not those that were committed.
    pub(super) fn compare(&self, number: usize, bytes: &[u8]) -> bool {
        let Some(block) = self.0.get(number) else { return false };
        let same = sum(&Sha256::digest(bytes)) == block.sum;
        block.found_whole.fetch_or(same, Ordering::Relaxed);
        same
    }

    /// The first block whose sum is another one than here.
    pub(super) fn first_difference(&self, other: &Self) -> Option<usize> {
        self.0.iter().zip(&other.0).position(|(a, b)| a.sum != b.sum)
    }
}

/// The bytes of a block in a file of `bytes`.
pub(super) fn range(number: usize, bytes: u64) -> Range<u64> {
    let start = number as u64 * BLOCK_BYTES;
    start..(start + BLOCK_BYTES).min(bytes)
}

fn sum(digest: &[u8]) -> Sum {
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&digest[..SUM_BYTES]);
    sum
}

fn parse(text: &[u8]) -> Option<Sum> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 2 * SUM_BYTES)?;
    u64::from_str_radix(text, 16).ok().map(u64::to_be_bytes)
}

/// What is known of a file once all its bytes went by.
#[derive(Debug)]
pub(crate) struct Summed {
    pub(crate) bytes: u64,
    /// Hex.
    pub(crate) sha256: String,
    pub(crate) blocks: Blocks,
}

/// Sums a file as its bytes go by.
#[derive(Debug, Default)]
pub(super) struct Summing {
    whole: Sha256,
    bytes: u64,
    /// The block that is not full yet. The first one is not hashed apart: the file begins with it.
    block: Sha256,
    sums: Vec<Block>,
}

impl Summing {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = usize::try_from(BLOCK_BYTES - self.bytes % BLOCK_BYTES).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            self.whole.update(now);
            if self.bytes >= BLOCK_BYTES {
                self.block.update(now);
            }
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(BLOCK_BYTES) {
                self.end_block();
            }
            bytes = later;
        }
    }

    fn end_block(&mut self) {
        let digest = match self.sums.is_empty() {
            true => self.whole.clone().finalize(),
            false => self.block.finalize_reset(),
        };
        self.sums.push(sum(&digest).into());
    }

    pub(super) fn finish(mut self) -> Summed {
        if self.sums.is_empty() || !self.bytes.is_multiple_of(BLOCK_BYTES) {
            self.end_block();
        }
        let sha256 = hex(&self.whole.finalize());
        Summed { bytes: self.bytes, sha256, blocks: Blocks(self.sums.into()) }
    }
}
