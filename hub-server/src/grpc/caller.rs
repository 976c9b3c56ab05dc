//! Who calls.

use hub_proto::Reason;
use tonic::metadata::MetadataMap;

use crate::error::HubError;
use crate::identity::{Identity, Principal};

/// Verifies the call's `authorization`.
pub(super) fn caller(identity: &Identity, metadata: &MetadataMap) -> Result<Principal, HubError> {
    let value = metadata.get("authorization").map(|value| value.to_str()).transpose();
    let value = value.map_err(|_| {
        HubError::new(
            Reason::CredentialInvalid,
            "the authorization header holds other than plain ASCII; send `Bearer hub_…`",
        )
    })?;
    Ok(identity.authenticate(value)?)
}
