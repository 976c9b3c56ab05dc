//! Integration tests of the hub: one binary, real servers, real clients, everything over loopback.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_streams;
#[cfg(test)]
mod blocked;
#[cfg(test)]
mod comparisons;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod corrections;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod disk_full;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod flight;
#[cfg(test)]
mod flight_tickets;
#[cfg(test)]
mod following;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hidden;
#[cfg(test)]
mod http_door;
#[cfg(test)]
mod http_reads;
#[cfg(test)]
mod integrity;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod open_check;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod patterns;
#[cfg(test)]
mod permalinks;
#[cfg(test)]
mod query_workers;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod resilience;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod slow_lines;
#[cfg(test)]
mod territory;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod workers;
