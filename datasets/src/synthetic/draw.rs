//! A small seeded generator. It is our own so that the same seed gives the same bytes in every
//! version of the program (SplitMix64: one addition and three mixing steps a number).

/// The generator.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// One generator per (seed, publisher, period), so that payloads of one seed differ.
    pub(crate) fn new(seed: u64, parts: &[&str]) -> Self {
        let mut state = seed;
        for byte in parts.iter().flat_map(|p| p.bytes().chain([0])) {
            state = Self(state ^ u64::from(byte)).next();
        }
        Self(state)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// From 0 to just under 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in about `per_mille` of a thousand cases.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    pub(super) fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        among.get(self.below(among.len() as u64) as usize)
    }

    /// `count` distinct positions below `len`, ascending; all of them when there are fewer.
    pub(super) fn positions(&mut self, len: usize, count: usize) -> Vec<usize> {
        let mut chosen = Vec::with_capacity(count.min(len));
        for position in 0..len {
            let (left, wanted) = (len - position, count - chosen.len());
            if (self.below(left as u64) as usize) < wanted {
                chosen.push(position);
            }
        }
        chosen
    }

    /// A value between the given quantiles (share, value), on a logarithmic scale.
    pub(super) fn quantile(&mut self, quantiles: &[(f64, f64)]) -> f64 {
        let share = self.unit();
        for pair in quantiles.windows(2) {
            let ((low, from), (high, to)) = (pair[0], pair[1]);
            if share < high {
                return from * (to / from).powf((share - low) / (high - low));
            }
        }
        quantiles.last().map_or(0.0, |(_, value)| *value)
    }
}
