//! How much is sent at a time: little at first and on a slow line, so that a cut costs little; much on a fast one.

use std::time::Duration;

/// Length of the first piece of an attempt, and of any on a line that hardly carries anything. With what is around it
/// it fits the first frame of HTTP/2 (16 KiB), which a hub has only when it is whole.
pub(crate) const FIRST: usize = 15 << 10;
/// For how long a piece may be under way on a line that was cut.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// Lengths of the pieces of one attempt. Each is at most as long as all before it and the first together, so that a cut
/// which costs a piece leaves about half of what was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    next: usize,
    most: usize,
}

impl Pace {
    /// From the first length up to `most` bytes.
    pub(crate) fn up_to(most: usize) -> Self {
        Self { next: FIRST.min(most), most }
    }

    /// Length of the next piece.
    pub(crate) fn length(&self) -> usize {
        self.next
    }

    /// The piece is on its way: the next one is twice as long.
    pub(crate) fn grow(&mut self) {
        self.next = self.next.saturating_mul(2).min(self.most);
    }

    /// The line broke, or it took long, when it carried so many bytes in a time: the next pieces are as short as fits
    /// such a line.
    pub(crate) fn shrink(&mut self, carried: u64, took: Duration) {
        self.next = Self::fitting(carried, took, self.next.max(FIRST));
    }

    /// Length of a piece that is under way for two seconds on a line which carried so many bytes in a time.
    pub(crate) fn fitting(carried: u64, took: Duration, most: usize) -> usize {
        let micros = took.as_micros().max(1);
        let fits = u128::from(carried).saturating_mul(UNDER_WAY.as_micros()) / micros;
        usize::try_from(fits).unwrap_or(most).clamp(FIRST, most.max(FIRST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_piece_is_longer_than_all_before_it_and_the_first() {
        let (mut pace, mut before) = (Pace::up_to(1 << 20), FIRST);
        for _ in 0..12 {
            assert!(pace.length() <= before && pace.length() <= 1 << 20);
            before += pace.length();
            pace.grow();
        }
        assert_eq!(pace.length(), 1 << 20);
        assert_eq!(Pace::up_to(100).length(), 100);
    }

    #[test]
    fn a_slow_line_gets_short_pieces() {
        // 256 kbit/s is 32 KiB a second.
        assert_eq!(Pace::fitting(320 << 10, Duration::from_secs(10), 1 << 20), 64 << 10);
        assert_eq!(Pace::fitting(0, Duration::ZERO, 1 << 20), FIRST);
        assert_eq!(Pace::fitting(1 << 30, Duration::from_secs(1), 1 << 20), 1 << 20);
        let mut pace = Pace::up_to(1 << 20);
        pace.grow();
        pace.shrink(1, Duration::from_secs(1));
        assert_eq!(pace.length(), FIRST);
    }
}
