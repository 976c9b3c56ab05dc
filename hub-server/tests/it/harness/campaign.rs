//! How long a campaign is: short in each test run, long in `make soak`.

/// A size of a campaign: the variable's, if it is set, else the one of the usual tests.
pub(crate) fn campaign(variable: &str, usual: u64) -> u64 {
    let Some(text) = std::env::var_os(variable) else { return usual };
    let number = text.to_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("{variable} is not a number: {}", text.display()))
}
