use std::io::Cursor;

use proptest::prelude::*;

use super::wire::{Kind, place, placed, read, write};

#[test]
fn frames_come_through_one_after_the_other() {
    let mut bytes = Vec::new();
    write(&mut bytes, Kind::Read, &place(7, 1 << 40)).unwrap();
    write(&mut bytes, Kind::End, &[]).unwrap();
    let mut input = Cursor::new(bytes);
    let (kind, body) = read(&mut input).unwrap().unwrap();
    assert_eq!((kind, placed(&body)), (Kind::Read, Some((7, 1 << 40))));
    assert_eq!(read(&mut input).unwrap(), Some((Kind::End, Vec::new())));
    assert_eq!(read(&mut input).unwrap(), None);
}

#[test]
fn a_claim_allocates_nothing() {
    let mut claims = vec![Kind::Checked as u8];
    claims.extend((300_u32 << 20).to_le_bytes());
    assert!(read(&mut Cursor::new(&claims)).is_err());
    claims[4] = 0xff;
    assert!(read(&mut Cursor::new(&claims)).is_err());
    assert!(read(&mut Cursor::new(&[0, 0, 0, 0, 0])).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = placed(&bytes);
        let mut input = Cursor::new(&bytes);
        while let Ok(Some((_, body))) = read(&mut input) {
            prop_assert!(body.len() < bytes.len());
        }
    }
}
