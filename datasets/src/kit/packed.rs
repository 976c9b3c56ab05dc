//! The folder of a pattern as one run of bytes, as it is kept where patterns are registered.

use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::archive::{KitError, KitFile};

/// Bounds of a pattern's folder.
pub mod limits {
    /// Files in it, samples included.
    pub const FILES: usize = 1_000;
    /// Bytes of all of them.
    pub const BYTES: u64 = 16 << 20;
}

/// Why bytes are no packed pattern.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// They are no whole archive.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// More of something than is accepted.
    #[error(
        "it holds too much: at most {} files of {} bytes together are accepted",
        limits::FILES,
        limits::BYTES
    )]
    TooMuch,
}

/// Packs files by their names; the same files give the same bytes.
pub fn pack(files: &[KitFile<'_>]) -> Result<Vec<u8>, KitError> {
    let mut sorted = files.to_vec();
    sorted.sort_unstable();
    write(sorted.into_iter())
}

/// An archive of files in their order, without a time of day.
pub(super) fn write<'a>(files: impl Iterator<Item = KitFile<'a>>) -> Result<Vec<u8>, KitError> {
    let options = SimpleFileOptions::default()
        .last_modified_time(DateTime::default())
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(0o644);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name, options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The files that were packed; each is compared with its sum.
pub fn unpack(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, UnpackError> {
    let damaged = |error: &dyn std::fmt::Display| UnpackError::Damaged(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    if archive.len() > limits::FILES {
        return Err(UnpackError::TooMuch);
    }
    let mut left = limits::BYTES;
    let mut files = Vec::with_capacity(archive.len());
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(|error| damaged(&error))?;
        let name = file.name().map_err(|error| damaged(&error))?.into_owned();
        let mut unpacked = Vec::new();
        file.take(left + 1).read_to_end(&mut unpacked).map_err(|error| damaged(&error))?;
        left = left.checked_sub(unpacked.len() as u64).ok_or(UnpackError::TooMuch)?;
        files.push((name, unpacked));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_damage_is_seen() {
        let files: [KitFile<'_>; 2] = [("schema.json", b"{}"), ("pattern.yaml", b"id: x\nversion: 1.0.0\n")];
        let packed = pack(&files).unwrap();
        assert_eq!(packed, pack(&[files[1], files[0]]).unwrap());
        let names: Vec<_> = unpack(&packed).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pattern.yaml", "schema.json"]);
        assert!(unpack(&packed[..packed.len() - 1]).is_err());
        assert!(unpack(b"").is_err());
    }

    #[test]
    fn a_folder_is_bounded() {
        let zeros = vec![0; usize::try_from(limits::BYTES).unwrap() + 1];
        let packed = pack(&[("samples/big.csv", &zeros)]).unwrap();
        assert!(packed.len() < 1 << 20, "zeros pack well");
        assert!(matches!(unpack(&packed), Err(UnpackError::TooMuch)));
        let names: Vec<String> = (0..=limits::FILES).map(|at| format!("samples/{at}.csv")).collect();
        let files: Vec<KitFile<'_>> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(matches!(unpack(&pack(&files).unwrap()), Err(UnpackError::TooMuch)));
    }
}
