//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Debug)]
pub(super) struct Quota {
    all: Arc<Semaphore>,
    per_address: usize,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The right of one connection to exist; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    _room: Option<OwnedSemaphorePermit>,
    address: IpAddr,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Quota {
    pub(super) fn new(all: usize, per_address: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), per_address, addresses: Arc::default() }
    }

    /// Waits for room. None is never given while the quota lives, since nobody closes the semaphore.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// None: this address has enough connections.
    pub(super) fn ticket(&self, room: Option<OwnedSemaphorePermit>, address: IpAddr) -> Option<Ticket> {
        let mut counts = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= self.per_address && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Ticket { _room: room, address, addresses: Arc::clone(&self.addresses) })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_its_share_and_gives_it_back() {
        let quota = Quota::new(10, 1);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let first = quota.ticket(quota.room().await, address).unwrap();
        assert!(quota.ticket(quota.room().await, address).is_none());
        assert!(quota.ticket(quota.room().await, "192.0.2.2".parse().unwrap()).is_some());
        drop(first);
        assert!(quota.ticket(quota.room().await, address).is_some());
        assert!(quota.addresses.lock().unwrap().is_empty(), "nothing is kept of addresses that left");
    }

    #[tokio::test]
    async fn loopback_shares_only_the_whole() {
        let quota = Quota::new(2, 1);
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        let tickets = [quota.ticket(quota.room().await, address), quota.ticket(quota.room().await, address)];
        assert!(tickets.iter().all(Option::is_some));
        assert_eq!(quota.all.available_permits(), 0);
        drop(tickets);
        assert_eq!(quota.all.available_permits(), 2);
    }
}
