pub(crate) mod fixture;

mod encoding;
mod hostile;
mod limits;
mod parameters;
mod parts;
mod planning;
mod policy;
mod pruning;
mod rot;
mod scans;
mod small;
mod statements;
