//! Signatures as the Standard Webhooks specification has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Makes the secrets of subscriptions. None is kept: each follows from a secret of the folder and the subscription's id,
/// so the catalogue and its copies hold nothing with which a delivery could be forged.
#[derive(Clone)]
pub(crate) struct Signing {
    root: [u8; 32],
}

/// With what the deliveries of one subscription are signed.
#[derive(Clone)]
pub(super) struct Secret([u8; 32]);

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signing(***)")
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Signing {
    pub(crate) fn new(root: [u8; 32]) -> Self {
        Self { root }
    }

    pub(super) fn of(&self, subscription: &str) -> Secret {
        Secret(hmac(&self.root, &[b"webhook ", subscription.as_bytes()]))
    }
}

impl Secret {
    /// `whsec_…`, for its owner.
    pub(super) fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }

    /// The header `webhook-signature` of a delivery; `at`: seconds since 1970.
    pub(super) fn sign(&self, id: &str, at: i64, body: &str) -> String {
        let at = at.to_string();
        let parts = [id.as_bytes(), b".", at.as_bytes(), b".", body.as_bytes()];
        format!("v1,{}", STANDARD.encode(hmac(&self.0, &parts)))
    }
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A block of the hash is 64 bytes, and a key that is shorter is filled up with zeros: the same code, without a fault
    // that cannot happen.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block);
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the reference libraries (standardwebhooks).
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut whole = [0; 32];
        whole[..key.len()].copy_from_slice(&key);
        let signature =
            Secret(whole).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_subscription_has_a_secret_of_its_own_that_shows_nowhere() {
        let signing = Signing::new([7; 32]);
        let (one, other) = (signing.of("a").reveal(), signing.of("b").reveal());
        assert!(one != other && one == signing.of("a").reveal());
        assert_eq!(STANDARD.decode(&one["whsec_".len()..]).unwrap().len(), 32);
        assert_eq!(format!("{signing:?} {:?}", signing.of("a")), "Signing(***) Secret(***)");
    }
}
