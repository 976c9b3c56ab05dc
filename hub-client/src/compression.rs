//! Whether payloads are packed on their way.

use hub_datasets::MediaType;

/// When payloads are packed (zstd) on their way to the hub. What they are stays the same: SHA-256, length and offsets
/// are those of the plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Text that goes over a line: on one and the same machine there is nothing to save.
    #[default]
    Auto,
    /// All that is text.
    Always,
    /// Nothing.
    Never,
}

impl Compression {
    /// True when a payload of this format is packed; what is packed already gains nothing.
    pub(crate) fn packs(self, media: MediaType, is_local: bool) -> bool {
        let is_text = match media {
            MediaType::Csv | MediaType::Xml | MediaType::Json | MediaType::Ndjson => true,
            // Neither the old workbook nor rows in columns are packed by themselves.
            MediaType::Xls | MediaType::ArrowStream => true,
            MediaType::Xlsx | MediaType::Ods | MediaType::Parquet => false,
        };
        is_text
            && match self {
                Self::Auto => !is_local,
                Self::Always => true,
                Self::Never => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_packed_where_there_is_a_line() {
        use Compression::{Always, Auto, Never};
        assert!(Auto.packs(MediaType::Csv, false) && !Auto.packs(MediaType::Csv, true));
        assert!(Always.packs(MediaType::Xml, true) && !Never.packs(MediaType::Xml, false));
        for packed in [MediaType::Xlsx, MediaType::Ods, MediaType::Parquet] {
            assert!(!Always.packs(packed, false), "{packed:?}");
        }
    }
}
