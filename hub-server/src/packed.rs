//! Payloads that come packed. They are unpacked a bounded piece at a time, with a bounded window, so that a bomb meets
//! the limits of plain bytes and never memory.

use std::io::{self, Write as _};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};
use zstd::zstd_safe::DParameter;

use crate::config::limits;

/// Bytes of gzip that are unpacked at a time: they become 1,032 times as many at most.
const GZIP_BITE: usize = 256;

/// How a payload is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// Why packed bytes are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the {0} ends early; send it whole, or go on at the durable offset")]
    Early(&'static str),
    #[error("no {coding} that can be read here: {message} (limit: a window of {window} bytes)")]
    Broken { coding: &'static str, message: String, window: u64 },
    #[error("unpacked it has more than {0} bytes; send less at a time")]
    TooLong(usize),
}

fn broken(coding: Coding) -> impl Fn(io::Error) -> Fault {
    move |error| Fault::Broken {
        coding: coding.as_str(),
        message: error.to_string(),
        window: 1 << limits::PACKED_WINDOW_LOG,
    }
}

/// One zstd frame, whole, that holds at most `most` bytes.
pub(crate) fn frame(packed: &[u8], most: usize) -> Result<Bytes, Fault> {
    match zstd::bulk::decompress(packed, most) {
        Ok(plain) => Ok(plain.into()),
        Err(error) if error.to_string().contains("too small") => Err(Fault::TooLong(most)),
        Err(error) => Err(broken(Coding::Zstd)(error)),
    }
}

/// Unpacks a stream of bytes.
pub(crate) struct Unpacker(Inner);

enum Inner {
    /// Whether a frame is open, and whether more may come without further bytes.
    Zstd {
        decoder: Decoder<'static>,
        open: bool,
        full: bool,
    },
    Gzip {
        decoder: Box<MultiGzDecoder<Vec<u8>>>,
        any: bool,
    },
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Unpacker").field(&self.coding()).finish()
    }
}

impl Unpacker {
    pub(crate) fn new(coding: Coding) -> Result<Self, Fault> {
        Ok(Self(match coding {
            Coding::Zstd => {
                let mut decoder = Decoder::new().map_err(broken(coding))?;
                let window = DParameter::WindowLogMax(limits::PACKED_WINDOW_LOG);
                decoder.set_parameter(window).map_err(broken(coding))?;
                Inner::Zstd { decoder, open: false, full: false }
            }
            Coding::Gzip => Inner::Gzip { decoder: Box::new(MultiGzDecoder::new(Vec::new())), any: false },
        }))
    }

    fn coding(&self) -> Coding {
        match self.0 {
            Inner::Zstd { .. } => Coding::Zstd,
            Inner::Gzip { .. } => Coding::Gzip,
        }
    }

    /// True when nothing more comes without further bytes.
    pub(crate) fn is_drained(&self) -> bool {
        match &self.0 {
            Inner::Zstd { full, .. } => !full,
            Inner::Gzip { .. } => true,
        }
    }

    /// Takes some of the bytes; gives what they are, at most some hundred kibibytes, which may be nothing.
    pub(crate) fn take(&mut self, rest: &mut Bytes) -> Result<Bytes, Fault> {
        let failed = broken(self.coding());
        match &mut self.0 {
            Inner::Zstd { decoder, open, full } => {
                let mut plain = vec![0; limits::UNPACKED_PIECE_BYTES];
                let (read, written) = {
                    let mut input = InBuffer::around(rest);
                    let mut output = OutBuffer::around(plain.as_mut_slice());
                    let hint = decoder.run(&mut input, &mut output).map_err(failed)?;
                    *open = hint != 0;
                    (input.pos(), output.pos())
                };
                rest.advance(read);
                // Of a frame that has ended nothing is left.
                *full = written == plain.len() && *open;
                plain.truncate(written);
                Ok(plain.into())
            }
            Inner::Gzip { decoder, any } => {
                *any = true;
                let read = decoder.write(&rest[..rest.len().min(GZIP_BITE)]).map_err(&failed)?;
                if read == 0 && !rest.is_empty() {
                    return Err(failed(io::Error::from(io::ErrorKind::InvalidData)));
                }
                rest.advance(read);
                Ok(std::mem::take(decoder.get_mut()).into())
            }
        }
    }

    /// What is left when no more bytes come; a beginning alone is none.
    pub(crate) fn end(&mut self) -> Result<Bytes, Fault> {
        let early = Fault::Early(self.coding().as_str());
        match &mut self.0 {
            Inner::Zstd { open: true, .. } => Err(early),
            Inner::Zstd { .. } => Ok(Bytes::new()),
            Inner::Gzip { any: false, .. } => Ok(Bytes::new()),
            Inner::Gzip { decoder, .. } => {
                decoder.try_finish().map_err(|_| early)?;
                Ok(std::mem::take(decoder.get_mut()).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// All plain bytes of packed ones that come in pieces, and the largest piece that came out.
    fn unpacked(coding: Coding, packed: &[u8], piece: usize) -> Result<(Vec<u8>, usize), Fault> {
        let (mut unpacker, mut plain, mut largest) = (Unpacker::new(coding)?, Vec::new(), 0);
        for piece in packed.chunks(piece) {
            let mut rest = Bytes::copy_from_slice(piece);
            while !rest.is_empty() || !unpacker.is_drained() {
                let came = unpacker.take(&mut rest)?;
                largest = largest.max(came.len());
                plain.extend_from_slice(&came);
            }
        }
        plain.extend_from_slice(&unpacker.end()?);
        Ok((plain, largest))
    }

    #[test]
    fn a_bomb_comes_in_small_pieces() {
        let zeros = vec![0; 32 << 20];
        for (coding, packed) in
            [(Coding::Zstd, zstd::bulk::compress(&zeros, 3).unwrap()), (Coding::Gzip, gzip(&zeros))]
        {
            let (plain, largest) = unpacked(coding, &packed, 16 << 10).unwrap();
            assert!(plain == zeros && largest <= 512 << 10, "{coding:?}: {largest}");
        }
        let bomb = zstd::bulk::compress(&zeros, 3).unwrap();
        assert!(matches!(frame(&bomb, 1 << 20), Err(Fault::TooLong(_))));
        assert!(matches!(frame(b"jst,plan", 1 << 20), Err(Fault::Broken { .. })));
        assert_eq!(frame(&zstd::bulk::compress(b"jst", 3).unwrap(), 3).unwrap(), "jst");
    }

    #[test]
    fn a_wide_window_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.set_parameter(zstd::zstd_safe::CParameter::WindowLog(27)).unwrap();
        encoder.write_all(&vec![7; 1 << 20]).unwrap();
        let refused = unpacked(Coding::Zstd, &encoder.finish().unwrap(), 100).unwrap_err();
        assert!(refused.to_string().contains("a window of 8388608 bytes"), "{refused}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_was_packed_comes_back_however_it_is_cut(
            plain in proptest::collection::vec(0_u8..4, 1..40_000), piece in 1_usize..5_000
        ) {
            let frames = [zstd::bulk::compress(&plain, 1).unwrap(), zstd::bulk::compress(&plain, 5).unwrap()].concat();
            prop_assert_eq!(unpacked(Coding::Zstd, &frames, piece).unwrap().0, [plain.as_slice(), &plain].concat());
            prop_assert!(unpacked(Coding::Gzip, &gzip(&plain), piece).unwrap().0 == plain);
            let even = vec![plain[0]; limits::UNPACKED_PIECE_BYTES * 2];
            let frame = zstd::bulk::compress(&even, 1).unwrap();
            prop_assert!(unpacked(Coding::Zstd, &frame, piece).unwrap().0 == even);
        }

        #[test]
        fn a_beginning_is_refused_and_garbage_never_panics(
            plain in proptest::collection::vec(any::<u8>(), 100..5_000), cut in 1_usize..90, at in any::<usize>()
        ) {
            for (coding, packed) in
                [(Coding::Zstd, zstd::bulk::compress(&plain, 3).unwrap()), (Coding::Gzip, gzip(&plain))]
            {
                prop_assert!(unpacked(coding, &packed[..packed.len() - cut], 64).is_err());
                let mut rotten = packed.clone();
                rotten[at % packed.len()] ^= 0x55;
                let _any = unpacked(coding, &rotten, 64);
                let _any = frame(&rotten, 1 << 20);
                let _any = unpacked(coding, &plain, 64);
            }
        }
    }
}
