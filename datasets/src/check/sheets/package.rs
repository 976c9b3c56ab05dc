//! The ZIP that an XLSX or ODS is: walked once, so that no part unpacks to more than it may.

use std::io::{self, Read, Write};

use zip::ZipArchive;

use super::{Fault, File, limits};

/// A package whose parts are known to be small enough.
pub(super) struct Package {
    file: File,
    open_document: bool,
}

impl Package {
    pub(super) fn open(file: File) -> Result<Self, Fault> {
        let mut archive = ZipArchive::new(file.clone()).map_err(Fault::broken)?;
        if archive.len() > limits::PARTS {
            return Err(Fault::over("za dużo części w pliku", "too many parts", limits::PARTS));
        }
        let mut unpacked = 0;
        for at in 0..archive.len() {
            let mut part = archive.by_index(at).map_err(Fault::broken)?;
            let name = part.name().map_err(Fault::broken)?.into_owned();
            if !is_read(&name) {
                continue;
            }
            let shared = name.ends_with("sharedStrings.xml");
            let most = if shared { limits::SHARED_STRINGS_BYTES } else { limits::PART_BYTES };
            let left = most.min(limits::UNPACKED_BYTES - unpacked);
            // What the part claims is not believed: it is unpacked into nothing.
            let bytes = count(&mut part, left).map_err(Fault::broken)?;
            if bytes > left {
                return Err(too_large(shared, most));
            }
            unpacked += bytes;
        }
        let open_document = archive.index_for_name("content.xml").is_some();
        Ok(Self { file, open_document })
    }

    pub(super) fn is_open_document(&self) -> bool {
        self.open_document
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

fn too_large(shared: bool, most: u64) -> Fault {
    let most = format!("{} MiB", most >> 20);
    match shared {
        true => Fault::over("za dużo wspólnych tekstów (sharedStrings)", "too many shared strings", most),
        false => Fault::over("plik po rozpakowaniu jest za duży", "too large when unpacked", most),
    }
}

/// True for parts that readers of workbooks open; pictures and the like stay packed.
fn is_read(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".xml") || name.ends_with(".rels") || name == "mimetype"
}

/// How many bytes there are, counted up to one more than `most`.
fn count(part: &mut impl Read, most: u64) -> io::Result<u64> {
    let mut nothing = Nothing(0);
    io::copy(&mut part.take(most + 1), &mut nothing)?;
    Ok(nothing.0)
}

struct Nothing(u64);

impl Write for Nothing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
