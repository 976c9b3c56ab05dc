//! A file of records that are synced one by one.
//!
//! A sync of a file that grew has the file system write its journal, and waits for a thread of the kernel.
//! A sync of bytes that took the place of others writes these bytes and nothing else: in a file that was filled
//! with zeros before, it takes a tenth of the time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::DiskFile;

/// Room that is made at once, in bytes: as much as the file has already, between these bounds.
const ROOM_MIN: u64 = 1 << 16;
const ROOM_MAX: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Roomy {
    file: File,
    /// Where the next record begins.
    end: u64,
    /// Length of the file: zeros from `end` on.
    room: u64,
}

impl Roomy {
    /// A file whose content ends at `end`.
    pub(super) fn new(file: File, end: u64) -> Self {
        Self { file, end, room: end }
    }

    fn make_room(&mut self) -> io::Result<()> {
        let bytes = self.end.clamp(ROOM_MIN, ROOM_MAX);
        // At most ROOM_MAX, which is a usize everywhere.
        self.file.write_all_at(&vec![0; bytes as usize], self.end)?;
        self.room = self.end + bytes;
        Ok(())
    }
}

impl DiskFile for Roomy {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        if self.end > self.room {
            self.room = self.end;
            // On a disk that is full the record counts, and the next one does without.
            let _without = self.make_room();
        }
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Drop for Roomy {
    fn drop(&mut self) {
        // Somebody may have cut it shorter; room that stays is no harm.
        if self.file.metadata().is_ok_and(|found| found.len() > self.end) {
            let _stays = self.file.set_len(self.end);
        }
    }
}
