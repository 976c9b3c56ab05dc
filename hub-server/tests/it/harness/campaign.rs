//! How long a campaign is: short in each test run, long in `make soak`.

/// A size of a campaign: the variable's, if it is set, else the one of the usual tests.
pub(crate) fn campaign(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
        Err(_) => usual,
    }
}
