//! Page tokens: sealed, and bound to the method and to everything in the request that chooses entries.

use hub_proto::Reason;
use hub_proto::page::{Message, PAGE_BYTES, entry_bytes, page_size};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::HubError;
use crate::seal::Seal;

/// One list request: what it asks for, and where its page begins.
#[derive(Debug)]
pub(crate) struct Page<'a, K> {
    seal: &'a Seal,
    purpose: String,
    chosen: Vec<String>,
    /// Key of the last entry of the page before.
    pub(crate) after: Option<K>,
    /// Entries of this page.
    pub(crate) size: u32,
}

#[derive(Serialize, Deserialize)]
struct Token<K> {
    chosen: Vec<String>,
    last: K,
}

impl<'a, K: Serialize + DeserializeOwned> Page<'a, K> {
    /// Opens the request's token. `chosen` is what the method's answer depends on besides the page.
    pub(crate) fn open(
        seal: &'a Seal,
        message: &'static str,
        chosen: &[&str],
        asked: (i32, &str),
    ) -> Result<Self, HubError> {
        let (size, token) = asked;
        let size = page_size(message, size)?;
        let chosen: Vec<String> = chosen.iter().map(|&c| c.to_owned()).collect();
        let purpose = format!("page:{message}");
        let after = match token {
            "" => None,
            token => {
                let opened: Token<K> = seal.open(&purpose, token).map_err(|_| stranger())?;
                if opened.chosen != chosen {
                    return Err(stranger());
                }
                Some(opened.last)
            }
        };
        Ok(Self { seal, purpose, chosen, after, size })
    }

    /// How many entries to fetch: one more tells whether another page follows.
    pub(crate) fn fetch(&self) -> u32 {
        self.size + 1
    }

    /// Turns the fetched entries into messages, as many as the page holds by number and by bytes, and makes
    /// the token of the next page, empty when this is the last.
    pub(crate) fn close<T, M: Message>(
        self,
        fetched: Vec<T>,
        key: impl Fn(&T) -> K,
        to_wire: impl Fn(T) -> M,
    ) -> Result<(Vec<M>, String), HubError> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let (mut page, mut bytes, mut last) = (Vec::new(), 0, None);
        for entry in fetched {
            let its_key = key(&entry);
            let message = to_wire(entry);
            bytes += entry_bytes(&message);
            let full = page.len() >= size || bytes > PAGE_BYTES;
            if let (true, Some(last)) = (full, last.take()) {
                return Ok((page, self.token(last)?));
            }
            page.push(message);
            last = Some(its_key);
        }
        Ok((page, String::new()))
    }

    fn token(self, last: K) -> Result<String, HubError> {
        let token = Token { chosen: self.chosen, last };
        self.seal.seal(&self.purpose, &token).map_err(|e| HubError::fault(e.to_string()))
    }
}

impl<K: Serialize + DeserializeOwned + Ord> Page<'_, K> {
    /// A page of entries that are all in memory, ascending by key.
    pub(crate) fn of<T, M: Message>(
        self,
        all: Vec<T>,
        key: impl Fn(&T) -> K,
        to_wire: impl Fn(T) -> M,
    ) -> Result<(Vec<M>, String), HubError> {
        let fetch = usize::try_from(self.fetch()).unwrap_or(usize::MAX);
        let rest =
            all.into_iter().filter(|entry| self.after.as_ref().is_none_or(|after| key(entry) > *after));
        let fetched = rest.take(fetch).collect();
        self.close(fetched, key, to_wire)
    }
}

fn stranger() -> HubError {
    let message = "the page token was not made for this request; begin again without a token";
    hub_proto::Refusal::new(Reason::PageTokenInvalid, message)
        .field("page_token", "of another request")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        Seal::new([7; 32])
    }

    fn page<'a>(
        seal: &'a Seal,
        chosen: &[&str],
        size: i32,
        token: &str,
    ) -> Result<Page<'a, String>, HubError> {
        Page::open(seal, "ListThingsRequest", chosen, (size, token))
    }

    fn things(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("{n:04}")).collect()
    }

    /// A text is a message of its own kind.
    fn same(text: String) -> String {
        text
    }

    #[test]
    fn a_page_is_full_when_its_bytes_are() {
        let long = |n: usize| format!("{n:04}{}", "x".repeat(1 << 20));
        let all: Vec<String> = (0..5).map(long).chain([format!("0005{}", "x".repeat(PAGE_BYTES))]).collect();
        let (seal, mut sizes, mut got, mut token) = (seal(), vec![], vec![], String::new());
        loop {
            let page = page(&seal, &[], 100, &token).unwrap();
            let (entries, next) = page.of(all.clone(), |text| text[..4].to_owned(), same).unwrap();
            sizes.push(entries.len());
            got.extend(entries);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(sizes, [2, 2, 1, 1], "an entry that is too long for any page stands alone");
        assert!(got == all, "no gap and no repeat");
    }

    #[test]
    fn pages_join_to_the_whole_without_gap_or_repeat() {
        for count in [0, 1, 2, 3, 4, 7] {
            let (seal, mut got, mut token, mut pages) = (seal(), vec![], String::new(), 0);
            loop {
                let (entries, next) =
                    page(&seal, &["mf"], 2, &token).unwrap().of(things(count), String::clone, same).unwrap();
                assert!(entries.len() <= 2);
                got.extend(entries);
                pages += 1;
                if next.is_empty() {
                    break;
                }
                token = next;
            }
            assert_eq!(got, things(count));
            assert_eq!(pages, count.div_ceil(2).max(1), "no empty last page");
        }
    }

    #[test]
    fn a_token_serves_only_its_request() {
        let seal = seal();
        let (_, token) = page(&seal, &["a", "b"], 2, "").unwrap().of(things(5), String::clone, same).unwrap();
        assert_eq!(page(&seal, &["a", "b"], 100, &token).unwrap().after.as_deref(), Some("0001"));
        for chosen in [&["a", "c"][..], &["ab", ""], &["a"]] {
            assert_eq!(page(&seal, chosen, 2, &token).unwrap_err().reason(), Reason::PageTokenInvalid);
        }
        let other: Result<Page<'_, String>, _> =
            Page::open(&seal, "ListOthersRequest", &["a", "b"], (2, &token));
        assert_eq!(other.unwrap_err().reason(), Reason::PageTokenInvalid);
        let stranger = Seal::new([8; 32]);
        assert_eq!(page(&stranger, &["a", "b"], 2, &token).unwrap_err().reason(), Reason::PageTokenInvalid);
        assert_eq!(page(&seal, &["a", "b"], 2, "garbage").unwrap_err().reason(), Reason::PageTokenInvalid);
    }

    #[test]
    fn a_negative_size_is_refused() {
        assert_eq!(page(&seal(), &[], -1, "").unwrap_err().reason(), Reason::RequestInvalid);
    }
}
