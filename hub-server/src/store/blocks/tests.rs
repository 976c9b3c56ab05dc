use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{BLOCK_BYTES, Blocks, Summing, range};
use crate::store::hex;

const BLOCK: usize = BLOCK_BYTES as usize;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 3) % 251).unwrap()).collect()
}

#[test]
fn a_file_is_summed_the_same_however_its_bytes_come() {
    for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7] {
        let all = bytes(length);
        for piece in [1_000, BLOCK, BLOCK + 5, 10 * BLOCK] {
            let mut summing = Summing::default();
            all.chunks(piece).for_each(|piece| summing.update(piece));
            let summed = summing.finish();
            assert_eq!((summed.bytes, summed.sha256), (length as u64, hex(&Sha256::digest(&all))));
            let digests = all.chunks(BLOCK).map(|block| hex(&Sha256::digest(block)[..8]));
            let list: String = digests.collect();
            assert_eq!(summed.blocks.list(), (length > BLOCK).then_some(list), "{length} by {piece}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn each_flipped_bit_is_seen_in_its_block_alone(length in 1..3 * BLOCK, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let all = bytes(length);
        let mut summing = Summing::default();
        summing.update(&all);
        let blocks = summing.finish().blocks;
        let mut rotten = all;
        let at = at.index(length);
        rotten[at] ^= 1 << bit;
        for (number, block) in rotten.chunks(BLOCK).enumerate() {
            let whole = number != at / BLOCK;
            prop_assert_eq!(blocks.compare(number, block), whole);
            prop_assert_eq!(blocks.is_whole(number), whole);
        }
    }
}

#[test]
fn sums_come_back_from_the_log_and_what_does_not_fit_is_refused() {
    let mut summing = Summing::default();
    summing.update(&bytes(2 * BLOCK + 1));
    let summed = summing.finish();
    let list = summed.blocks.list().unwrap();
    let back = Blocks::of(summed.bytes, &summed.sha256, Some(&list)).unwrap();
    assert_eq!(back, summed.blocks);
    assert_eq!(back.first_difference(&Blocks::of(1, &summed.sha256, None).unwrap()), Some(0));
    for (bytes, sha256, list, says) in [
        (summed.bytes, "12", Some(list.as_str()), "not a SHA-256"),
        (summed.bytes, &*summed.sha256, Some(&list[..32]), "2 sums of blocks, 3 are needed"),
        (summed.bytes, &*summed.sha256, None, "1 sums of blocks, 3 are needed"),
        (1, &*summed.sha256, Some("xyz"), "hexadecimal"),
    ] {
        let error = Blocks::of(bytes, sha256, list).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn blocks_follow_each_other_to_the_end_of_the_file() {
    let bytes = 2 * BLOCK_BYTES + 9;
    let ranges: Vec<_> = (0..3).map(|number| range(number, bytes)).collect();
    assert_eq!(ranges, [0..BLOCK_BYTES, BLOCK_BYTES..2 * BLOCK_BYTES, 2 * BLOCK_BYTES..bytes]);
}
