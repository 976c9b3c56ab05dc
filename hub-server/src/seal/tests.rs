use super::{Seal, SealError};

#[test]
fn a_token_opens_for_its_purpose_and_key_alone() {
    let seal = Seal::new([7; 32]);
    let token = seal.seal("page:a", &("rb28s", 5u64)).unwrap();
    assert_eq!(seal.open::<(String, u64)>("page:a", &token), Ok(("rb28s".to_owned(), 5)));
    assert_eq!(seal.open::<(String, u64)>("page:b", &token), Err(SealError::Forged));
    assert_eq!(Seal::new([8; 32]).open::<(String, u64)>("page:a", &token), Err(SealError::Forged));
}

#[test]
fn a_changed_token_does_not_open() {
    let seal = Seal::new([7; 32]);
    let token = seal.seal("p", &"value").unwrap();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(seal.open::<String>("p", &changed), Err(SealError::Forged), "byte {at}");
    }
    assert_eq!(seal.open::<String>("p", ""), Err(SealError::Forged));
    assert_eq!(seal.open::<String>("p", &"A".repeat(70_000)), Err(SealError::Forged));
}

#[test]
fn purpose_and_body_cannot_trade_bytes() {
    let seal = Seal::new([1; 32]);
    let token = seal.seal("ab", &1u8).unwrap();
    assert_eq!(seal.open::<u8>("a", &token), Err(SealError::Forged));
    assert_eq!(seal.open::<u8>("ab1", &token), Err(SealError::Forged));
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", Seal::new([9; 32])), "Seal(..)");
}
