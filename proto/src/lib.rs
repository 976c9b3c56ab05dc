#![doc = include_str!("../README.md")]

pub mod convert;
pub mod json;
pub mod name;
pub mod page;
pub mod permalink;
pub mod reason;
pub mod status;

pub use convert::TypeConversionError;
pub use permalink::Permalink;
pub use reason::Reason;
pub use status::{MESSAGE_PL, Refusal, reason_of, status};

/// Generated from `proto/hub/v1`.
#[expect(
    clippy::allow_attributes,
    clippy::clone_on_ref_ptr,
    clippy::too_many_lines,
    reason = "generated code allows what clippy would say of it"
)]
pub mod v1 {
    tonic::include_proto!("hub.v1");
    /// Encoded `FileDescriptorSet`, for reflection and the contract snapshot.
    pub const DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("hub.v1.descriptor");
}
