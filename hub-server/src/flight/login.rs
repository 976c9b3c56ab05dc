//! User and password, as drivers ask for them: the password is the key, the user may be anything.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hub_proto::Reason;

use crate::error::HubError;

/// The value of an `authorization` header with a key as bearer.
pub(super) fn bearer_of(value: &str) -> Result<Cow<'_, str>, HubError> {
    let Some((scheme, sent)) = value.trim().split_once(' ') else { return Ok(value.into()) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(value.into());
    }
    // Some drivers fill up the last letters and some do not.
    let sent = STANDARD_NO_PAD
        .decode(sent.trim().trim_end_matches('='))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match sent.as_deref().and_then(|text| text.split_once(':')) {
        Some((_, key)) => Ok(format!("Bearer {key}").into()),
        None => Err(HubError::new(
            Reason::CredentialInvalid,
            "the authorization header holds no user and password; send the key `hub_…` as the password of any user",
        )),
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn the_password_is_the_key() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(bearer_of(&basic("mf:hub_x")).unwrap(), "Bearer hub_x");
        assert_eq!(bearer_of(&basic(":hub_x:y")).unwrap(), "Bearer hub_x:y");
        let bare = format!("basic {}", STANDARD_NO_PAD.encode("mf:hub_xy"));
        assert_eq!(bearer_of(&bare).unwrap(), "Bearer hub_xy");
        assert_eq!(bearer_of("bearer hub_x").unwrap(), "bearer hub_x");
        for value in [basic("hub_x"), "Basic %".to_owned()] {
            assert_eq!(bearer_of(&value).unwrap_err().reason(), Reason::CredentialInvalid, "{value}");
        }
    }
}
