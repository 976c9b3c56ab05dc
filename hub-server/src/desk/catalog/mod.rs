//! What there is: patterns and code lists, datasets and their versions, organisations.

mod datasets;
mod organisations;
mod patterns;
